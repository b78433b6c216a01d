//! Compiles, instantiates and calls components: the only place, with `capability`, that names wasmtime.
//!
//! `Engines` turns bytes into code that can run, from the [`cache`] if it was compiled before. `prepare` goes from
//! each entry of a workload to a `handler`: `linking` fills the component's imports by asking the capabilities, and the handler answers
//! each HTTP request with an instance of its own, watched by `limits` and the `ticker`. `report` tells what went wrong in
//! a guest.

mod body;
pub mod cache;
mod calls;
mod check;
mod compile;
pub mod compiler_process;
mod config;
mod engines;
mod export;
mod guest_body;
mod handler;
mod instances;
mod linking;
mod messages;
mod optimize;
mod pipes;
mod prepare;
mod report;
mod serve;
mod service;
mod vals;
mod wire;

pub use crate::capability::Model;
pub(crate) use cache::give_back_memory;
pub(crate) use calls::{Callee, Failure};
pub use config::{inlines, model_of};
pub(crate) use engines::{Code, Engines};
pub(crate) use optimize::Optimization;
pub(crate) use prepare::{Answering, Means, Prepared, Serving};
pub(crate) use service::Service;

/// What the compiled code of a component depends on, beside the component: code of one cannot run with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Settings {
    pub model: Model,
    /// Calls between members that are composed are inlined.
    pub inlining: bool,
    pub compiler: Compiler,
}

/// Which compiler makes the code: one is quick, the other one's code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compiler {
    /// The one whose code is worth waiting for.
    Cranelift,
    /// The one whose code serves until the other is done, in a fifth of the time or less. It compiles fewer proposals.
    Winch,
}
