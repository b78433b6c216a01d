//! `wash`, the WebAssembly component shell.
//!
//! The path of the data, each step a module:
//!
//! ```text
//! project dir -> Project -> Artifact -> Shape -> LinkPlan -> composed component -> Workload -> handler -> response
//!    project      build      component   linker               linker               host        engine     http
//! ```
//!
//! [`dev`] repeats that path on every change. [`cli`] and [`commands`] sit on top and nothing points back up: a
//! module may use those of its own block in this list and of the blocks below, and none above.

// Not in the manifest: there it would hold for tests as well.
#![warn(clippy::unwrap_used)]

pub mod cli;
pub mod commands;

pub mod completion;
pub mod dev;
pub mod doctor;
pub mod inspect;
pub mod standalone;
pub mod template;

pub mod plugin;

pub mod bug;
pub mod build;
pub mod call;
pub mod capability;
pub mod component;
pub mod console;
pub mod engine;
pub mod files;
pub mod folders;
pub mod git;
pub mod holder;
pub mod host;
pub mod http;
pub mod linker;
pub mod oci;
pub mod project;
pub mod provider;
pub mod report;
pub mod scratch;
pub mod version;
pub mod wit;
