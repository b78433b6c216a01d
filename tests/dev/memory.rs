//! Bodies pass through `wash dev`, and are not kept on the way; compiling gives back what it took.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{authority, text};
use crate::components::{Run, large, stamped};
use crate::probe::{PROBES, project};
use crate::project::Projects;
use crate::wash::{Dev, TIMEOUT, Wash, descendants, wash};

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
        timeout(TIMEOUT, upload).await.expect("an answer");
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
        let begun = timeout(TIMEOUT, stream.read(&mut [0; 512])).await;
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
    of_status(wash.pid(), "VmHWM:").unwrap()
}

/// The memory that `wash` has, in bytes.
fn resident(wash: &Wash) -> u64 {
    of_status(wash.pid(), "VmRSS:").unwrap()
}

fn of_status(pid: u32, key: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

/// The most memory that `wash` has had together with what it has started, in bytes.
struct Peak {
    most: Arc<AtomicU64>,
    watching: tokio::task::AbortHandle,
}

impl Peak {
    /// From now on. Compilers are there for a moment, so it looks often.
    fn of(pid: u32) -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let watching = tokio::spawn({
            let most = Arc::clone(&most);
            async move {
                loop {
                    most.fetch_max(of_all(pid), Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        });
        Self {
            most,
            watching: watching.abort_handle(),
        }
    }

    fn get(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// The memory that a process and its descendants have had at most.
fn of_all(pid: u32) -> u64 {
    let all = descendants(pid).into_iter().chain([pid]);
    all.filter_map(|pid| of_status(pid, "VmHWM:")).sum()
}

/// A component that is compiled anew `reloads` times. Returns what `wash` had at most when it served the first time, what
/// it had then, and what it had in the end.
async fn reloaded(component: &[u8], reloads: u8) -> (u64, u64, u64) {
    let cache = tempfile::tempdir().unwrap();
    let projects = Projects::empty();
    projects.write("app.wasm", component);
    let mut wash = Dev::on(&projects)
        .arg("app.wasm")
        .env("XDG_CACHE_HOME", cache.path())
        .spawn();
    let peak = Peak::of(wash.pid());
    wash.line("running the service app").await;
    let (peak, first) = (peak.get(), resident(&wash));
    for stamp in 0..reloads {
        projects.write("app.wasm", stamped(component, stamp));
        let line = wash.line("reloaded app").await;
        assert!(!line.contains("from the cache"), "{line}");
    }
    (peak, first, resident(&wash))
}

/// As many functions as a small interpreter has.
const MANY: usize = 5_000;

#[tokio::test(flavor = "multi_thread")]
async fn compiling_a_large_component_takes_little_and_gives_it_back() {
    for run in [Run::P2, Run::P3] {
        let (peak, first, last) = reloaded(&large(run, MANY), 10).await;
        assert!((1..400 << 20).contains(&peak), "{run:?}: {peak}");
        let most = first / 10 * 13;
        assert!(last < most, "{run:?}: from {first} to {last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compiling_small_components_gives_everything_back() {
    for run in [Run::P2, Run::P3] {
        let (_, first, last) = reloaded(&large(run, 300), 60).await;
        assert!(last < first + (15 << 20), "{run:?}: from {first} to {last}");
    }
}

#[test]
fn a_call_of_a_large_component_takes_little() {
    let projects = Projects::empty();
    projects.write("app.wasm", large(Run::P2, MANY));
    let cache = tempfile::tempdir().unwrap();
    let mut command = wash();
    command
        .args(["call", "app.wasm", "run"])
        .env("XDG_CACHE_HOME", cache.path())
        .current_dir(projects.root());
    let mut call = command.spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(of_all(call.id()));
        if let Some(status) = call.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success());
    assert!((1..400 << 20).contains(&peak), "{peak}");
}
