//! Bodies pass through `wash dev`, and are not kept on the way.

use std::fs;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{authority, text};
use crate::probe::{PROBES, project};
use crate::project::Projects;
use crate::wash::{Dev, PATIENCE, Wash};

/// How much more memory than before `wash` may have while a body passes, in bytes.
const GROWTH: u64 = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_upload_takes_little() {
    const PIECE: usize = 64 << 10;
    const PIECES: usize = (200 << 20) / PIECE;
    let piece: Vec<u8> = (0..PIECE).map(|index| (index % 251) as u8).collect();
    let sum = (0..PIECES).fold(0u64, |sum, _| {
        piece.iter().fold(sum, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
        })
    });
    for probe in PROBES {
        let (_projects, wash, url) = running(probe).await;
        let before = peak_from_now(&wash);
        let upload = async {
            let mut stream = TcpStream::connect(authority(&url)).await.unwrap();
            let length = PIECE * PIECES;
            let head = format!(
                "POST /count HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..PIECES {
                stream.write_all(&piece).await.unwrap();
            }
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.contains(&format!("{length} {sum}")), "{answer}");
        };
        timeout(PATIENCE, upload).await.expect("an answer");
        let peak = peak(&wash);
        assert!(peak < before + GROWTH, "{probe}: from {before} to {peak}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_holds_the_guest_back() {
    for probe in PROBES {
        let (_projects, wash, url) = running(probe).await;
        let before = peak_from_now(&wash);
        let mut stream = TcpStream::connect(authority(&url)).await.unwrap();
        stream
            .write_all(b"GET /forever HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        let begun = timeout(PATIENCE, stream.read(&mut [0; 512])).await;
        assert!(begun.expect("an answer").unwrap() > 0);
        // Long enough for a guest that nobody holds back to write more than that.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let peak = peak(&wash);
        assert!(peak < before + GROWTH, "{probe}: from {before} to {peak}");
    }
}

/// A probe that has answered before.
async fn running(probe: &'static str) -> (Projects, Wash, String) {
    let projects = project(probe, "");
    let (wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/hello").await, "hello");
    (projects, wash, url)
}

/// What `wash` has now, in bytes, and counts as its peak until it has more: it had more when it compiled.
fn peak_from_now(wash: &Wash) -> u64 {
    fs::write(format!("/proc/{}/clear_refs", wash.pid()), "5").unwrap();
    peak(wash)
}

/// The most memory that `wash` has had, in bytes.
fn peak(wash: &Wash) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", wash.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap() * 1024
}
