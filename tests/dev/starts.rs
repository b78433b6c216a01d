//! Starts that do not come to an end.

use crate::components::{Run, large, waiting};
use crate::project::Projects;
use crate::wash::Dev;

/// Longer than a test could wait.
const FOR_EVER: &str = "(call $wait (i64.const 0x7fffffffffffffff))";

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_ends_and_says_why() {
    let projects = Projects::empty();
    projects.write("app.wasm", waiting(FOR_EVER, ""));
    let mut wash = Dev::on(&projects).arg("app.wasm").spawn();
    let line = wash.line("did not start").await;
    assert!(line.contains("`app` waits"), "{line}");
    wash.line("hint: ").await;

    projects.write("app.wasm", large(Run::P2, 1));
    wash.line("running the service app").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_build_replaces_a_start_that_waits() {
    let projects = Projects::empty();
    projects.write("app.wasm", large(Run::P2, 1));
    let mut wash = Dev::on(&projects).arg("app.wasm").spawn();
    wash.line("running the service app").await;
    projects.write("app.wasm", waiting(FOR_EVER, ""));
    // Its start has begun when nothing else is left to be told.
    tokio::time::sleep(crate::guests::A_WHILE).await;
    projects.write("app.wasm", large(Run::P3, 2));
    wash.line("reloaded app").await;
    let console = wash.console();
    assert!(!console.contains("did not start"), "{console}");
}
