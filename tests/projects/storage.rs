//! Files in a volume, and blobs where the config says.

use std::fs;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::client::{authority, get, text};
use crate::dev;
use crate::project::Projects;
use crate::wash::Dev;

async fn put(url: &str, path: &str, body: &'static str) -> StatusCode {
    let stream = TcpStream::connect(authority(url)).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(Method::PUT).uri(path);
    let request = request.header("host", authority(url));
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    response.into_body().collect().await.unwrap();
    status
}

/// What a component writes into its volume is on the host's disk, and is no reason to build it again.
#[tokio::test(flavor = "multi_thread")]
async fn files_in_a_volume() {
    let (projects, dev) = dev("files");
    let (mut wash, url) = dev.serving().await;
    assert_eq!(text(&url, "/note.txt").await, "from the host\n");
    assert_eq!(
        put(&url, "/new.txt", "from the guest\n").await,
        StatusCode::OK
    );
    let file = projects.path("files/data/new.txt");
    assert_eq!(fs::read_to_string(file).unwrap(), "from the guest\n");
    let (status, _) = get(&url, "/../Cargo.toml").await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    // The next change is that of the source, and nothing was built before it.
    projects.replace("files/src/lib.rs", "NOT_FOUND", "GONE");
    let line = wash.line("reloaded files").await;
    assert!(line.ends_with(": src/lib.rs"), "{line}");
    assert_eq!(get(&url, "/none").await.0, StatusCode::GONE);
    let builds = wash.console().matches("Compiling files").count();
    assert_eq!(builds, 2, "{}", wash.console());
}

/// `<path>/<container>/<object>`, as upstream lays them out.
#[tokio::test(flavor = "multi_thread")]
async fn blobs_where_the_config_says() {
    let projects = Projects::copy("path", &["blobby"]);
    projects.write(
        "blobby/.wash/config.yaml",
        "name: blobby\ndev:\n  wasi_blobstore_path: tmp/blobstore\n",
    );
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let status = put(&url, "/files/note.txt", "kept").await;
    assert!(status.is_success(), "{status}");
    let containers = projects.path("blobby/tmp/blobstore");
    let containers = fs::read_dir(containers).unwrap().flatten();
    let objects: Vec<_> = containers
        .map(|container| container.path().join("note.txt"))
        .filter(|object| object.is_file())
        .collect();
    let [object] = objects.as_slice() else {
        panic!("{objects:?}")
    };
    assert_eq!(fs::read_to_string(object).unwrap(), "kept");
    assert!(!projects.path("blobby/.wash/state/blobstore").exists());

    // Elsewhere from now on, with nothing in it.
    projects.replace("blobby/.wash/config.yaml", "tmp/blobstore", "tmp/other");
    wash.line("config changed: the directory of blobs").await;
    wash.line("reloaded").await;
    assert_eq!(get(&url, "/files/note.txt").await.0, StatusCode::NOT_FOUND);
}
