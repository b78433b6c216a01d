//! What people type to call a function of a component: `counter(5).next()`, `add 1 2`.
//!
//! [`catalog`] lists what a component has to call, under the names that people type. [`syntax`] reads an expression,
//! which is WAVE with calls in it; [`check`] finds the functions that it names, holds every argument against the type of its
//! parameter, and puts the calls in order: a [`Program`]. [`value`] prints what comes back.
//!
//! Pure: shapes and text in, a program or the reason why not out. Whoever runs the program is elsewhere.

pub mod catalog;
pub mod check;
mod find;
pub mod list;
mod rejected;
pub mod suggest;
pub mod syntax;
#[cfg(test)]
mod testing;
pub mod value;

pub use catalog::Catalog;
pub use check::program;
pub use rejected::{Problem, Rejected};
pub use value::Value;

/// Calls to make one after the other in one instance. The answer of the last is the answer of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// At least one.
    pub steps: Vec<Step>,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The exported interface that has the function; `None` for a function that is exported by itself.
    pub interface: Option<String>,
    /// As the component spells it: `[method]counter.next`.
    pub function: String,
    pub arguments: Vec<Value>,
}

impl Program {
    /// Whether it runs a command: it calls `run` of `wasi:cli/run`, and nothing else.
    pub fn is_command(&self) -> bool {
        let run = |step: &Step| {
            let interface = step.interface.as_deref().unwrap_or_default();
            let path = interface.split('@').next();
            step.function == "run" && path == Some("wasi:cli/run")
        };
        matches!(self.steps.as_slice(), [step] if run(step))
    }
}
