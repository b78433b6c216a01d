//! Guests that misbehave, and clients that do.

use std::time::Duration;

use http::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Client, authority, get, text};
use crate::project::Projects;
use crate::wash::Dev;

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_takes_too_much_is_stopped() {
    let projects = Projects::copy("greedy", &["workbench"]);
    projects.write(
        "workbench/.wash/config.yaml",
        "name: workbench\ndev:\n  limits: { cpu_time: 500ms, memory: 64MiB }\n",
    );
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let mut patient = Client::connect(&url).await.unwrap();
    let spinning = tokio::spawn({
        let url = url.clone();
        async move { get(&url, "/spin").await }
    });
    // Others are served meanwhile.
    assert_eq!(patient.get("/request").await.unwrap().0, StatusCode::OK);
    let (status, page) = spinning.await.unwrap();
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{page}");
    assert!(page.contains("500 ms"), "{page}");
    wash.line("cpu_time").await;

    let (status, page) = get(&url, "/eat").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{page}");
    assert!(page.contains("dev.limits.memory"), "{page}");
    assert_eq!(patient.get("/request").await.unwrap().0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_harms_nothing() {
    let projects = Projects::copy("upload", &["blobby"]);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let mut stream = TcpStream::connect(authority(&url)).await.unwrap();
    let head = "PUT /files/half HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b'x'; 50_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    wash.line("PUT /files/half").await;

    assert_eq!(get(&url, "/files/half").await.0, StatusCode::NOT_FOUND);
    let ignored = projects.root().join(".wash/state/.gitignore");
    assert_eq!(std::fs::read_to_string(ignored).unwrap(), "*\n");
    assert!(text(&url, "/").await.contains("Blobby"));
}

/// How long to keep asking when a test wants time to pass.
pub(crate) const A_WHILE: Duration = Duration::from_millis(300);
