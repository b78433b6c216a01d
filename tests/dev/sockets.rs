//! A TCP service, and requests that go through it.

use http::StatusCode;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::client::{get, text};
use crate::project::Projects;
use crate::wash::Dev;

fn free() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Sends a line to a port of the machine.
async fn shout(port: u16, line: &str) -> String {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    stream.write_all(line.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_line(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_reached_by_the_others_and_on_its_published_port() {
    let projects = Projects::copy("shout", &["megaphone", "shouter"]);
    let port = free();
    let config = format!(
        "dev:\n  service: {{ path: ../shouter }}\n  service_ports:\n    \
         - {{ name: shout, port: 7777, protocol: TCP, publish: {port} }}\n"
    );
    projects.write("megaphone/.wash/config.yaml", config);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/hello").await, "HELLO\n");
    assert_eq!(shout(port, "out there\n").await, "OUT THERE\n");

    // A connection of before goes on until its service is gone.
    projects.replace(
        "shouter/src/main.rs",
        "line.to_ascii_uppercase()",
        "[b\"> \", &*line.to_ascii_uppercase()].concat()",
    );
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/hello").await, "> HELLO\n");
    assert_eq!(shout(port, "hello\n").await, "> HELLO\n");

    projects.replace(
        "megaphone/src/lib.rs",
        "trim_start_matches('/')",
        "trim_matches('/')",
    );
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/again/").await, "> AGAIN\n");
    assert_eq!(shout(port, "again\n").await, "> AGAIN\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_does_not_offer_is_told() {
    let projects = Projects::copy("hush", &["megaphone", "shouter"]);
    projects.replace("shouter/src/main.rs", "127.0.0.1:7777", "127.0.0.1:7070");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let (status, body) = get(&url, "/hello").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{body}");
    wash.line("`127.0.0.1:7777` refused: nothing listens there")
        .await;
    wash.line("listens on 7070").await;
}
