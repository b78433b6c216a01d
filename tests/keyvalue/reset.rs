//! `wash dev reset`

use std::process::Output;

use rustix::process::Signal;

use crate::client::text;
use crate::project::Projects;
use crate::wash::{Dev, wash};

fn reset(projects: &Projects, args: &[&str]) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = wash()
        .args(["dev", "reset"])
        .args(args)
        .current_dir(projects.root())
        .output()
        .unwrap();
    let text = [stdout, stderr].concat();
    (status.success(), String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_cleared_when_that_is_wanted_and_nobody_uses_it() {
    let projects = Projects::copy("kv-reset", &["ledger"]);
    assert_eq!(
        reset(&projects, &[]),
        (true, "`.wash/state` is empty\n".into())
    );

    let (wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/add/b/n/1").await, "1");
    let (done, answer) = reset(&projects, &["--yes"]);
    assert!(
        !done && answer.contains(&format!("(pid {})", wash.pid())),
        "{answer}"
    );
    assert_eq!(text(&url, "/add/b/n/1").await, "2");
    wash.signal(Signal::INT);
    wash.end().await;

    let (done, answer) = reset(&projects, &[]);
    assert!(!done && answer.contains("not a terminal"), "{answer}");
    assert!(
        answer.contains("`.wash/state/keyvalue` (") && answer.contains("--yes"),
        "{answer}"
    );
    assert!(projects.root().join(".wash/state/keyvalue").exists());

    let (done, answer) = reset(&projects, &["--yes"]);
    assert!(
        done && answer.starts_with("cleared `.wash/state` ("),
        "{answer}"
    );
    assert!(!projects.root().join(".wash/state/keyvalue").exists());

    let (_wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/add/b/n/1").await, "1");
}

#[test]
fn a_directory_of_that_name_is_a_project() {
    let projects = Projects::empty();
    projects.write("reset/nothing", "");
    let output = wash()
        .args(["dev", "./reset"])
        .current_dir(projects.path(""))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && text.contains("/reset`"),
        "{text}"
    );
}
