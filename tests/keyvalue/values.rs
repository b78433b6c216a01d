//! Values: what is read is what was written, however often the project is reloaded and `wash dev` started again.

use std::fs;

use rustix::process::Signal;

use crate::client::text;
use crate::project::Projects;
use crate::wash::Dev;

#[tokio::test(flavor = "multi_thread")]
async fn values_outlive_reloads_and_restarts() {
    let projects = Projects::copy("kv-outlive", &["ledger"]);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/get/b/k").await, "nothing");
    assert_eq!(text(&url, "/set/b/k/value").await, "set");
    assert_eq!(text(&url, "/exists/b/k").await, "true");
    assert_eq!(text(&url, "/add/b/n/40").await, "40");
    assert_eq!(text(&url, "/set-many/c/x=1/y=2").await, "set");
    assert_eq!(text(&url, "/get-many/c/y/z/x").await, "y=2\nnothing\nx=1\n");
    assert_eq!(text(&url, "/delete-many/c/x/z").await, "deleted");
    assert_eq!(text(&url, "/keys/c").await, "y\npages: 1");

    projects.replace("ledger/src/lib.rs", "\"deleted\"", "\"gone\"");
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/delete/b/none").await, "gone");
    assert_eq!(text(&url, "/get/b/k").await, "value");
    assert_eq!(text(&url, "/add/b/n/2").await, "42");

    wash.signal(Signal::INT);
    wash.end().await;
    let state = projects.root().join(".wash/state");
    assert!(state.join("keyvalue/keyvalue.redb").is_file());
    assert_eq!(fs::read_to_string(state.join(".gitignore")).unwrap(), "*\n");

    let (_wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/get/b/k").await, "value");
    assert_eq!(text(&url, "/get/b/n").await, "42");
    assert_eq!(text(&url, "/get/c/y").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_the_second_draft_works() {
    let projects = Projects::copy("kv-swaps", &["swaps"]);
    let (_wash, url) = Dev::on(&projects).serving().await;
    // The second time there is something in the buckets.
    for _ in 0..2 {
        let answer = text(&url, "/").await;
        let (ok, others): (Vec<_>, Vec<_>) = answer.lines().partition(|l| l.starts_with("ok "));
        assert!(others.is_empty(), "{answer}");
        assert_eq!(ok.len(), 8, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_ephemeral_session_is_kept() {
    let projects = Projects::copy("kv-ephemeral", &["ledger"]);
    for (before, after) in [("\"deleted\"", "\"gone\""), ("\"gone\"", "\"away\"")] {
        let (mut wash, url) = Dev::on(&projects).arg("--ephemeral").serving().await;
        assert_eq!(text(&url, "/add/b/n/1").await, "1");
        projects.replace("ledger/src/lib.rs", before, after);
        wash.line("reloaded").await;
        assert_eq!(text(&url, "/add/b/n/1").await, "2");
        wash.signal(Signal::INT);
        wash.end().await;
        assert!(!projects.root().join(".wash/state").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_has_one_file_for_each_value() {
    let projects = Projects::copy("kv-files", &["ledger"]);
    projects.write(
        "ledger/.wash/config.yaml",
        "name: ledger\ndev:\n  wasi_keyvalue_path: data\n",
    );
    projects.write("ledger/data/b/by-hand", "7");
    let (wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/add/b/by-hand/3").await, "10");
    assert_eq!(text(&url, "/set/b/k/value").await, "set");
    let data = projects.root().join("data");
    assert_eq!(fs::read_to_string(data.join("b/by-hand")).unwrap(), "10");
    assert_eq!(fs::read_to_string(data.join("b/k")).unwrap(), "value");
    assert_eq!(text(&url, "/keys/b").await, "by-hand\nk\npages: 1");
    assert_eq!(text(&url, "/set/../k/value").await, "set");
    assert!(data.join("%2E%2E/k").is_file());
    assert!(!projects.root().join("k").exists());

    let long = "x".repeat(300);
    assert_eq!(
        text(&url, &format!("/get/{long}/k")).await,
        "error: no-such-store"
    );
    let refused = text(&url, &format!("/set/b/{long}/v")).await;
    assert!(refused.contains("300 bytes"), "{refused}");
    let refused = text(&url, "/add/b/k/1").await;
    assert!(refused.contains("`k` is not a number"), "{refused}");
    wash.signal(Signal::INT);
    wash.end().await;
    assert!(!projects.root().join(".wash/state").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_session_is_told_who_has_the_store() {
    let projects = Projects::copy("kv-second", &["ledger"]);
    let (first, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/add/b/n/1").await, "1");

    let mut second = Dev::on(&projects).spawn();
    let line = second.line("is in use by").await;
    let holder = format!("(pid {})", first.pid());
    assert!(
        line.contains("keyvalue.redb") && line.contains(&holder),
        "{line}"
    );
    second.line("--ephemeral").await;
    drop(second);

    let (_third, other) = Dev::on(&projects).arg("--ephemeral").serving().await;
    assert_eq!(text(&other, "/get/b/n").await, "nothing");
    assert_eq!(text(&url, "/get/b/n").await, "1");
}
