//! The end of a session: nothing is cut off that need not be, and nothing is left behind.

use http::StatusCode;
use http_body_util::BodyExt;
use rustix::process::Signal;
use tokio::time::timeout;

use crate::client::Client;
use crate::project::Projects;
use crate::wash::{Dev, TIMEOUT, descendants, gone};

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_are_finished() {
    let projects = Projects::copy("finish", &["workbench"]);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let mut client = Client::connect(&url).await.unwrap();
    let mut response = client.send("/drip?ms=1500").await.unwrap();
    let begin = response
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_data()
        .unwrap();
    assert_eq!(begin, "begin\n");

    wash.signal(Signal::INT);
    wash.line("waiting for a request to finish").await;
    // The listener closes, soon if not at once.
    let closing = async { while Client::connect(&url).await.is_ok() {} };
    timeout(TIMEOUT, closing).await.expect("it closes");
    let end = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(end, "end\n");
    let (status, console) = wash.end().await;
    assert_eq!(status.code(), Some(0), "{console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_interrupt_is_immediate() {
    let projects = Projects::copy("immediate", &["workbench"]);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let mut client = Client::connect(&url).await.unwrap();
    let response = client.send("/drip?ms=600000").await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);

    wash.signal(Signal::INT);
    wash.line("waiting for a request to finish").await;
    wash.signal(Signal::INT);
    let (status, console) = wash.end().await;
    assert_eq!(status.code(), Some(130), "{console}");
    assert!(
        response.into_body().collect().await.is_err(),
        "the response has an end"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_signal_that_ends_a_session() {
    let projects = Projects::copy("signals", &["hello"]);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (wash, _) = Dev::on(&projects).serving().await;
        wash.signal(signal);
        let (status, console) = wash.end().await;
        assert_eq!(status.code(), Some(0), "{signal:?}: {console}");
    }
}

/// A project whose build takes for ever, in processes that start others.
fn endless(command: &str) -> Projects {
    let projects = Projects::empty();
    let config = serde_json::json!({
        "build": { "command": command, "component_path": "out.wasm" }
    });
    projects.write(".wash/config.json", config.to_string());
    projects.write("source.txt", "a");
    projects
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_ends_with_the_session() {
    let projects = endless("sleep 1000 & (sleep 1000; true) & echo building; wait");
    let mut wash = Dev::on(&projects).spawn();
    wash.line("building").await;
    let builds = descendants(wash.pid());
    assert!(builds.len() >= 3, "{builds:?}");
    wash.signal(Signal::INT);
    let (status, console) = wash.end().await;
    assert_eq!(status.code(), Some(0), "{console}");
    gone(&builds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_will_not_end_is_killed() {
    let projects = endless("trap '' INT TERM HUP; echo building; while true; do sleep 1; done");
    let mut wash = Dev::on(&projects).spawn();
    wash.line("building").await;
    let builds = descendants(wash.pid());
    wash.signal(Signal::INT);
    wash.line("stopping").await;
    wash.signal(Signal::INT);
    let (status, console) = wash.end().await;
    assert!(
        matches!(status.code(), Some(0 | 130)),
        "{status}: {console}"
    );
    gone(&builds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_ends_the_whole_build() {
    let projects = endless("sleep 1000 & (sleep 1000; true) & echo building; wait");
    let mut wash = Dev::on(&projects).spawn();
    wash.line("building").await;
    let builds = descendants(wash.pid());
    projects.write("source.txt", "b");
    wash.line("building").await;
    gone(&builds).await;
}

/// A process that is killed cannot tidy up: the next one does.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_session_left_goes_with_the_next() {
    let projects = Projects::copy("killed", &["hello"]);
    let config = "name: hello\ndev: { volumes: [{ empty: scratch, guest_path: /tmp }] }\n";
    projects.write("hello/.wash/config.yaml", config);
    let temporary = projects.path("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let volumes = || -> Vec<_> {
        let entries = std::fs::read_dir(&temporary).unwrap().flatten();
        entries
            .map(|entry| entry.file_name())
            .filter(|name| name.to_string_lossy().starts_with("wash-volume-"))
            .collect()
    };
    let dev = || Dev::on(&projects).env("TMPDIR", &temporary);
    let (wash, _) = dev().serving().await;
    wash.signal(Signal::KILL);
    wash.end().await;
    let left = volumes();
    assert_eq!(left.len(), 1);

    let (wash, _) = dev().serving().await;
    let made = volumes();
    assert_eq!(made.len(), 1);
    assert_ne!(made, left);
    wash.signal(Signal::INT);
    let (status, console) = wash.end().await;
    assert!(status.success(), "{console}");
    assert!(volumes().is_empty());
}
