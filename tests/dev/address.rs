//! Where a session listens.

use std::net::TcpListener;

use crate::client::text;
use crate::project::Projects;
use crate::wash::{Dev, url_in};

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_asked_for_must_be_free() {
    let projects = Projects::copy("taken", &["hello"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let wash = Dev::without_address(&projects)
        .arg("--address")
        .arg(&address)
        .spawn();
    let (status, console) = wash.end().await;
    assert_eq!(status.code(), Some(4), "{console}");
    assert!(
        console.contains(&format!("{address} is in use by")),
        "{console}"
    );
    assert!(
        console.contains(&format!("(pid {})", std::process::id())),
        "{console}"
    );
    assert!(console.contains("hint: "), "{console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_asked_for_is_replaced() {
    let projects = Projects::copy("next", &["hello"]);
    // Somebody has the port: this test, or whoever had it before.
    let _taken = TcpListener::bind("127.0.0.1:8000");
    let mut wash = Dev::without_address(&projects).spawn();
    let line = wash.line("127.0.0.1:8000 is in use").await;
    let url = url_in(&wash.line("serving http://").await);
    assert!(line.ends_with(&url["http://".len()..]), "{line}, {url}");
    assert_eq!(text(&url, "/").await, "hello\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn localhost_is_both_loopback_addresses() {
    let projects = Projects::empty();
    projects.write(
        ".wash/config.yaml",
        "build: {command: sleep 1000, component_path: x.wasm}\n",
    );
    let mut wash = Dev::without_address(&projects)
        .arg("--address")
        .arg("localhost:0")
        .spawn();
    let url = url_in(&wash.line("listening on http://").await);
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    for host in ["127.0.0.1", "::1"] {
        let connected = tokio::net::TcpStream::connect((host, port)).await;
        connected.unwrap_or_else(|error| panic!("{host}: {error}"));
    }
}
