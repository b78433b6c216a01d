//! Compiles, instantiates and calls components: the only place, with `capability`, that names wasmtime.
//!
//! `Engines` turns bytes into code that can run, from the [`cache`] if it was compiled before. `prepare` goes from
//! each entry of a workload to a `handler`: `linking` fills the component's imports by asking the capabilities, and the handler answers
//! each HTTP request with an instance of its own, watched by `limits` and the `ticker`. `report` tells what went wrong in
//! a guest.

mod activity;
mod body;
pub mod cache;
mod calls;
mod check;
mod compile;
mod config;
mod engines;
mod export;
mod guest_body;
mod handler;
mod instances;
mod limits;
mod linking;
mod messages;
mod optimize;
mod output;
mod panics;
mod pipes;
mod prepare;
mod report;
mod serve;
mod service;
pub(crate) mod state;
mod ticker;
mod vals;
mod wire;

pub(crate) use activity::Activity;
pub(crate) use calls::{Callee, Failure};
pub use config::{inlines, model_of};
pub(crate) use engines::{Code, Engines};
pub(crate) use messages::MessageHandler;
pub(crate) use optimize::Optimization;
pub(crate) use prepare::{Answering, Means, Prepared, Receiving, Serving};
pub(crate) use service::Service;

/// What a component needs of the engine. Asynchronous components cost every call and every request more, so those
/// that do without are run without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    /// WASI 0.2 only: no async functions, streams or futures anywhere in the component.
    Sync,
    /// The component model's async, which WASI 0.3 is made of.
    Async,
}

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
