//! The reader of the console pauses, and the session goes on: a terminal after Ctrl-S, a pager, a program that does not
//! read what it has started.

use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::client::Client;
use crate::project::Projects;
use crate::wash::{TIMEOUT, wash};

/// More lines than fit into any pipe and into what waits in front of it.
const REQUESTS: usize = 8_000;

/// A session that serves a page, with nobody who reads what it says.
struct Unread {
    child: Child,
    url: String,
    _projects: Projects,
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Unread {
    async fn start(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        let projects = Projects::empty();
        projects.write(
            ".wash/config.yaml",
            "build: { command: 'false', component_path: app.wasm }\n",
        );
        // Nobody says on which port it listens.
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let mut command = wash();
        command
            .args(["dev", "--address", &address])
            .args(arguments)
            .current_dir(projects.root())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        prepare(&mut command);
        let child = command.spawn().unwrap();
        let unread = Self {
            child,
            url: format!("http://{address}"),
            _projects: projects,
        };
        let listening = async { while Client::connect(&unread.url).await.is_err() {} };
        timeout(TIMEOUT, listening).await.expect("it listens");
        unread
    }

    /// All of these are answered.
    async fn requests(&self, count: usize) {
        let path = format!("/{}", "x".repeat(1_000));
        let asking = async {
            let mut client = Client::connect(&self.url).await.unwrap();
            for _ in 0..count {
                client.get(&path).await.unwrap();
            }
        };
        timeout(TIMEOUT, asking).await.expect("every answer");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    async fn end(&mut self) -> ExitStatus {
        let ending = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(60), ending)
            .await
            .expect("it ends")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_and_everything_goes_on() {
    for (arguments, signal) in [
        (&[][..], Signal::INT),
        (&["-o", "json"], Signal::TERM),
        (&["--quiet"], Signal::HUP),
    ] {
        let mut unread = Unread::start(arguments, |_| {}).await;
        unread.requests(2_000).await;
        unread.signal(signal);
        assert_eq!(unread.end().await.code(), Some(0), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_shown_is_counted() {
    let mut unread = Unread::start(&["-o", "json"], |_| {}).await;
    unread.requests(REQUESTS).await;
    let mut stdout = unread.child.stdout.take().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    // They have room again.
    tokio::time::sleep(Duration::from_millis(500)).await;
    unread.requests(10).await;
    unread.signal(Signal::INT);
    assert_eq!(unread.end().await.code(), Some(0));
    let text = reading.await.unwrap().unwrap();
    let mut shown = 0;
    let mut omitted = 0;
    for line in text.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        match event["event"].as_str().unwrap() {
            "request" => shown += 1,
            "omitted" => omitted += event["lines"].as_u64().unwrap(),
            _ => {}
        }
    }
    assert!(omitted > 0, "{shown} lines, and none left out");
    let all = shown + omitted;
    let requests = REQUESTS as u64 + 10;
    assert!(
        (requests..requests + 20).contains(&all),
        "{shown} and {omitted}"
    );
}

/// A pipe that another process has made one that does not block, as node does.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_that_is_full_for_a_moment_is_not_given_up() {
    let (mut stderr, theirs) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&theirs, true).unwrap();
    let mut unread = Unread::start(&[], |command| {
        command.stderr(theirs);
    })
    .await;
    unread.requests(2_000).await;
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    unread.signal(Signal::INT);
    assert_eq!(unread.end().await.code(), Some(0));
    let text = reading.await.unwrap().unwrap();
    let requests = text.lines().filter(|line| line.starts_with('#'));
    assert_eq!(requests.count(), 2_000);
}
