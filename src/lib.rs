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

pub mod doctor;
pub mod plugin_commands;

pub mod completion;
pub mod dev;
pub mod template;

pub mod inspect;
pub mod plugin;
pub mod standalone;

pub mod bug;
pub mod build;
pub mod console;
pub mod linker;
pub mod project;
pub mod provider;

pub mod report;
pub mod version;
