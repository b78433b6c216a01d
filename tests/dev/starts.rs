//! Starts that do not come to an end.

use crate::components::{Run, hard_to_compile, large, waiting};
use crate::project::Projects;
use crate::wash::{Dev, descendants, gone, wash};

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

#[test]
fn compiling_ends_at_its_limits() {
    let projects = Projects::empty();
    projects.write("app.wasm", hard_to_compile());
    let cache = tempfile::tempdir().unwrap();
    for (variable, limit, reason) in [
        ("WASH_COMPILE_TIMEOUT", "1s", "took longer than 1 s"),
        ("WASH_COMPILE_MEMORY", "100MiB", "took more than 100 MiB"),
    ] {
        let mut command = wash();
        command
            .args(["call", "app.wasm", "run"])
            .env("XDG_CACHE_HOME", cache.path())
            .env(variable, limit)
            .current_dir(projects.root());
        let done = command.output().unwrap();
        let console = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{console}");
        assert!(console.contains(reason), "{console}");
        assert!(console.contains(&format!("`{variable}=")), "{console}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_build_replaces_one_that_takes_long_to_compile() {
    let cache = tempfile::tempdir().unwrap();
    let projects = Projects::empty();
    projects.write("app.wasm", hard_to_compile());
    let mut wash = Dev::on(&projects)
        .arg("app.wasm")
        .env("XDG_CACHE_HOME", cache.path())
        .spawn();
    // What was compiled quickly runs while it is compiled once more.
    wash.line("running the service app").await;
    let compiling = optimizing(wash.pid()).await;
    projects.write("app.wasm", large(Run::P2, 1));
    wash.line("reloaded app").await;
    gone(&compiling).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_compiled_for_a_session_that_has_ended() {
    let cache = tempfile::tempdir().unwrap();
    let projects = Projects::empty();
    projects.write("app.wasm", hard_to_compile());
    let mut wash = Dev::on(&projects)
        .arg("app.wasm")
        .env("XDG_CACHE_HOME", cache.path())
        .spawn();
    wash.line("running the service app").await;
    let compiling = optimizing(wash.pid()).await;
    wash.signal(rustix::process::Signal::KILL);
    gone(&compiling).await;
}

/// The process that compiles for a session, once it is there.
async fn optimizing(session: u32) -> Vec<u32> {
    loop {
        let found = descendants(session);
        if !found.is_empty() {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
