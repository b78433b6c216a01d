//! Those that answer requests, and one that sends some itself.

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client::{get, text};
use crate::dev;

#[tokio::test(flavor = "multi_thread")]
async fn hello_with_wstd() {
    let (projects, dev) = dev("hello-wstd");
    let (mut wash, url) = dev.serving().await;
    assert_eq!(text(&url, "/").await, "hello from wstd\n");

    // Its command is obeyed at each change, too.
    projects.replace("hello-wstd/src/lib.rs", "hello from", "greetings from");
    wash.line("reloaded hello-wstd").await;
    assert_eq!(text(&url, "/").await, "greetings from wstd\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_with_bindings_of_its_own() {
    let (_projects, dev) = dev("hello-bindgen");
    let (_wash, url) = dev.serving().await;
    assert_eq!(text(&url, "/").await, "hello from wit-bindgen\n");
}

/// `workload.allowedHosts` names one host; nothing else is reached.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_reaches_what_it_may() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let answer =
                "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nelsewhere\n";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let (_projects, dev) = dev("http-client");
    let (mut wash, url) = dev.serving().await;
    let there = format!("/?http://127.0.0.1:{port}/");
    assert_eq!(text(&url, &there).await, "elsewhere\n");

    let (status, denied) = get(&url, &format!("/?http://localhost:{port}/")).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(denied.contains("HttpRequestDenied"), "{denied}");
    wash.line(&format!("request to `localhost:{port}` denied"))
        .await;
    let hint = wash.line("allowedHosts").await;
    assert!(hint.contains(r#"["127.0.0.1", "localhost"]"#), "{hint}");
}
