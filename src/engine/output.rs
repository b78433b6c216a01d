//! What a guest writes to its stdout and stderr, line by line on the console.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::console::{Console, GuestStream};
use crate::http::RequestId;

use super::panics::Panics;

/// A line longer than this is printed in pieces, so that a guest which never ends its line takes no memory.
const LONGEST_LINE: usize = 8 * 1024;

/// How much a guest may write at once.
const WRITE: usize = 64 * 1024;

/// One of the streams of one member in one instance; all handles to it share the line that is being written.
#[derive(Clone)]
pub(crate) struct GuestOutput(Arc<Mutex<Lines>>);

impl GuestOutput {
    pub(crate) fn new(
        console: Console,
        stream: GuestStream,
        member: Arc<str>,
        request: Option<RequestId>,
        panics: Panics,
    ) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            console,
            stream,
            member,
            request,
            panics,
            pending: Vec::new(),
            passed_on: false,
        })))
    }

    fn push(&self, bytes: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.passed_on = lines.console.pass_on(lines.stream, bytes);
        lines.push(bytes);
    }
}

struct Lines {
    console: Console,
    stream: GuestStream,
    member: Arc<str>,
    request: Option<RequestId>,
    panics: Panics,
    /// The line that has not ended yet.
    pending: Vec<u8>,
    /// The console has had it already, as it is; only its words count.
    passed_on: bool,
}

impl Lines {
    fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(&bytes[..end]);
            self.print();
            bytes = &bytes[end + 1..];
        }
        self.pending.extend_from_slice(bytes);
        if self.pending.len() > LONGEST_LINE {
            self.print();
        }
    }

    fn print(&mut self) {
        let line = self.pending.strip_suffix(b"\r").unwrap_or(&self.pending);
        let line = String::from_utf8_lossy(line);
        if self.stream == GuestStream::Stderr {
            self.panics.hear(&line);
        }
        // The console has what was passed on.
        let line = (!self.passed_on).then_some(&*line);
        for piece in line.into_iter().flat_map(|line| pieces(line, LONGEST_LINE)) {
            self.console
                .guest(self.stream, &self.member, self.request, piece);
        }
        self.pending.clear();
    }
}

impl Drop for Lines {
    /// The end of the instance ends the line.
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            self.print();
        }
    }
}

/// Cuts a line into pieces of at most `longest` bytes, between characters. An empty line is one piece.
fn pieces(line: &str, longest: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest.take()?;
        if line.len() <= longest {
            return Some(line);
        }
        let (piece, tail) = line.split_at(line.floor_char_boundary(longest));
        rest = Some(tail);
        Some(piece)
    })
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE)
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(writes: &[&[u8]]) -> String {
        let (console, captured) = Console::capture();
        let output = GuestOutput::new(
            console,
            GuestStream::Stdout,
            "api".into(),
            Some(RequestId(7)),
            Panics::default(),
        );
        for bytes in writes {
            output.push(bytes);
        }
        drop(output);
        captured.stdout()
    }

    #[test]
    fn lines_are_put_together_and_the_last_needs_no_end() {
        let text = written(&[b"he", b"llo\nwor", b"ld\r\n\n", b"end"]);
        let lines: Vec<_> = text
            .lines()
            .map(|line| line.rsplit("| ").next().unwrap())
            .collect();
        assert_eq!(lines, ["hello", "world", "", "end"]);
        assert!(text.lines().all(|line| line.contains("api #7")), "{text}");
    }

    #[test]
    fn a_line_without_end_is_printed_in_pieces() {
        let text = written(&["é".repeat(LONGEST_LINE).as_bytes()]);
        assert_eq!(text.lines().count(), 2);
        assert_eq!(text.matches('é').count(), LONGEST_LINE);
    }
}
