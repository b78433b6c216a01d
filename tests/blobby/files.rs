//! `fixtures/blobby` and `fixtures/blobcheck`, each linked to the blob store that ships with `wash`.

use std::fs;
use std::path::{Path, PathBuf};

use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{authority, text};
use crate::project::Projects;
use crate::transfer::{File, MB, download, status};
use crate::wash::{Dev, Wash};

/// How much more memory `wash` may use while a large file passes.
const GROWTH: u64 = 64 * MB;

const ONE_BYTE: File = File { size: 1, seed: 1 };
const LARGE: File = File {
    size: 200 * MB,
    seed: 2,
};

#[tokio::test(flavor = "multi_thread")]
async fn files_of_any_size_come_back_as_they_were() {
    let projects = Projects::copy("files", &["blobby"]);
    let (wash, url) = Dev::on(&projects).serving().await;

    assert_eq!(
        ONE_BYTE.upload(&url, "/files/one").await,
        StatusCode::CREATED
    );
    assert_eq!(download(&url, "/files/one").await, (1, ONE_BYTE.hash()));

    let before = most_memory(&wash);
    assert_eq!(
        LARGE.upload(&url, "/files/large").await,
        StatusCode::CREATED
    );
    let uploaded = most_memory(&wash);
    assert!(uploaded < before + GROWTH, "from {before} to {uploaded}");
    let hash = LARGE.hash();
    assert_eq!(download(&url, "/files/large").await, (LARGE.size, hash));
    let downloaded = most_memory(&wash);
    assert!(
        downloaded < before + GROWTH,
        "from {before} to {downloaded}"
    );

    let list = text(&url, "/files").await;
    assert!(
        list.contains("\"large\"") && list.contains("200000000"),
        "{list}"
    );
    assert_eq!(
        status(&url, Method::DELETE, "/files/large").await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        status(&url, Method::GET, "/files/large").await,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn files_outlive_reloads_and_restarts() {
    let projects = Projects::copy("outlive", &["blobby"]);
    let file = File {
        size: 3 * MB + 1,
        seed: 3,
    };
    let expected = (file.size, file.hash());
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(file.upload(&url, "/files/kept").await, StatusCode::CREATED);

    projects.replace("blobby/src/page.html", "<title>", "<title>Edited ");
    wash.line("reloaded").await;
    assert!(text(&url, "/").await.contains("<title>Edited "));
    assert_eq!(download(&url, "/files/kept").await, expected);

    wash.signal(rustix::process::Signal::INT);
    wash.end().await;
    let kept = paths(&projects.root().join(".wash/state"));
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    assert!(kept.iter().any(|path| size(path) >= file.size), "{kept:?}");

    let (_wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(download(&url, "/files/kept").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_upload_changes_nothing() {
    let projects = Projects::copy("half", &["blobby"]);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let old = File { size: MB, seed: 4 };
    assert_eq!(old.upload(&url, "/files/old").await, StatusCode::CREATED);
    let before = paths(&projects.root().join(".wash/state"));

    for path in ["/files/new", "/files/old"] {
        let half = File {
            size: 2 * MB,
            seed: 5,
        };
        cut_off(&url, path, &half.bytes(), 4 * MB).await;
        wash.line(&format!("PUT {path}")).await;
    }
    assert_eq!(
        status(&url, Method::GET, "/files/new").await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(download(&url, "/files/old").await, (old.size, old.hash()));
    let list = text(&url, "/files").await;
    assert!(!list.contains("\"new\""), "{list}");
    // Nor are the halves kept where nobody sees them.
    assert_eq!(paths(&projects.root().join(".wash/state")), before);

    let new = File {
        size: 2 * MB,
        seed: 6,
    };
    assert_eq!(new.upload(&url, "/files/old").await, StatusCode::NO_CONTENT);
    assert_eq!(download(&url, "/files/old").await, (new.size, new.hash()));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_the_blob_store_works() {
    let projects = Projects::copy("everything", &["blobcheck"]);
    let (_wash, url) = Dev::on(&projects).serving().await;
    // The second time there is something in the store.
    for _ in 0..2 {
        let answer = text(&url, "/").await;
        let (ok, others): (Vec<_>, Vec<_>) = answer.lines().partition(|l| l.starts_with("ok "));
        assert!(others.is_empty(), "{answer}");
        assert_eq!(ok.len(), 18, "{answer}");
    }
}

/// Sends a part of what was announced, and hangs up.
async fn cut_off(url: &str, path: &str, part: &[u8], announced: u64) {
    let mut stream = TcpStream::connect(authority(url)).await.unwrap();
    let head =
        format!("PUT {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {announced}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(part).await.unwrap();
    stream.shutdown().await.unwrap();
    // Whatever is answered.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// The most memory that `wash` has used so far, in bytes.
fn most_memory(wash: &Wash) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", wash.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.and_then(|text| text.parse::<u64>().ok()).unwrap() * 1024
}

/// All files below a directory.
fn paths(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(paths(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}
