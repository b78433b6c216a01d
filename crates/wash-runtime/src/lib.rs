//! Runs WebAssembly components, for `wash` and for other hosts.
//!
//! A [workload](workload::Workload) is one or more composed components with what each of them is given. A
//! [host](local::LocalHost) starts, replaces and stops workloads; [`capability`] serves their imports, [`engine`] runs
//! them on wasmtime, and [`http`] has a server in front. What happens meanwhile is told to an [observer](events::Observer).
//!
//! Nothing here knows a terminal, a project or a configuration file.
//!
//! A module may use those of its own block in this list and of the blocks below, and none above.

// Not in the manifest: there it would hold for tests as well.
#![warn(clippy::unwrap_used)]

pub mod local;

pub mod engine;

pub mod capability;

pub mod http;
pub mod instance;
mod messages;

mod activity;
pub mod host;

pub mod workload;

pub mod events;

#[cfg(test)]
mod testing;
