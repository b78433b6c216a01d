//! The projects in `fixtures/projects`, with the configuration that upstream's users have: each is built by its own tools
//! and asked over its own protocol.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../dev/client.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod client;
mod events;
mod logging;
#[path = "../dev/project.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod project;
mod requests;
mod scripted;
mod settings;
mod storage;
#[path = "../support/tools.rs"]
mod tools;
#[path = "../dev/wash.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod wash;

use project::Projects;
use wash::Dev;

/// A copy of a project, and how to run it.
pub(crate) fn dev(project: &'static str) -> (Projects, Dev) {
    let projects = Projects::upstream(project, &Dev::target_dir());
    let dev = Dev::on(&projects);
    (projects, dev)
}

/// Copies of one project share what cargo leaves of it, so tests that build the journal each in their own way take turns.
static JOURNAL: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
