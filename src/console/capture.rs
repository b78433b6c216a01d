//! A console in memory: what tests look at and wait for.

use std::io::{self, Write};

use tokio::sync::watch;

/// What was written to a captured console so far.
#[derive(Clone)]
pub struct Captured {
    stdout: watch::Receiver<String>,
    stderr: watch::Receiver<String>,
}

impl Captured {
    pub fn stdout(&self) -> String {
        self.stdout.borrow().clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.borrow().clone()
    }

    /// Everything: stdout, then stderr.
    pub fn text(&self) -> String {
        self.stdout() + &self.stderr()
    }

    /// Waits for text on stdout, and returns all that was written there up to now.
    ///
    /// `None` when the console was dropped before.
    pub async fn stdout_with(&self, text: &str) -> Option<String> {
        with(self.stdout.clone(), text).await
    }

    /// Waits for text on stderr, as [`Captured::stdout_with`].
    pub async fn stderr_with(&self, text: &str) -> Option<String> {
        with(self.stderr.clone(), text).await
    }
}

async fn with(mut stream: watch::Receiver<String>, text: &str) -> Option<String> {
    let written = stream
        .wait_for(|written| written.contains(text))
        .await
        .ok()?;
    Some(written.clone())
}

/// Appends to what the receivers of the channel see.
pub(super) struct Memory(watch::Sender<String>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .send_modify(|text| text.push_str(&String::from_utf8_lossy(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Stdout and stderr, in this order, and the view on both.
pub(super) fn streams() -> (Captured, Memory, Memory) {
    let (stdout, seen_stdout) = watch::channel(String::new());
    let (stderr, seen_stderr) = watch::channel(String::new());
    (
        Captured {
            stdout: seen_stdout,
            stderr: seen_stderr,
        },
        Memory(stdout),
        Memory(stderr),
    )
}
