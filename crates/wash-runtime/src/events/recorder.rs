//! An observer that keeps what it hears, as text: for tests of hosts.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Event, Events, GuestStream, Observer};

/// Keeps events as lines of plain text.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Streams>);

#[derive(Debug, Default)]
struct Streams {
    /// What guests wrote to their standard output.
    stdout: watch::Sender<String>,
    stderr: watch::Sender<String>,
}

impl Recorder {
    /// A recorder, and the handle that leads to it.
    pub fn new() -> (Events, Self) {
        let recorder = Self::default();
        (Events::new(recorder.clone()), recorder)
    }

    /// What guests wrote to their standard output, line by line.
    pub fn stdout(&self) -> String {
        self.0.stdout.borrow().clone()
    }

    /// Everything else.
    pub fn stderr(&self) -> String {
        self.0.stderr.borrow().clone()
    }

    /// Everything: standard output, then the rest.
    pub fn text(&self) -> String {
        self.stdout() + &self.stderr()
    }

    /// Waits for a text on standard output, and returns all of that up to now.
    pub async fn stdout_with(&self, text: &str) -> String {
        wait_for(&self.0.stdout, text).await
    }

    /// Waits for a text in the rest, and returns all of that up to now.
    pub async fn stderr_with(&self, text: &str) -> String {
        wait_for(&self.0.stderr, text).await
    }
}

async fn wait_for(stream: &watch::Sender<String>, text: &str) -> String {
    let mut receiver = stream.subscribe();
    let found = receiver.wait_for(|written| written.contains(text)).await;
    found.expect("the sender is in use").clone()
}

impl Observer for Recorder {
    fn observe(&self, event: Event<'_>) {
        let stream = match event {
            Event::Output {
                stream: GuestStream::Stdout,
                ..
            } => &self.0.stdout,
            _ => &self.0.stderr,
        };
        stream.send_modify(|text| text.push_str(&format!("{event}\n")));
    }
}
