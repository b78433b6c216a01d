//! What a guest writes to its stdout and stderr: line by line on the console, or passed on as it is.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::panics::Panics;
use crate::events::{Event, Events, GuestStream, RequestId};

/// A line longer than this is printed in pieces, so that a guest which never ends its line takes no memory.
const LONGEST_LINE: usize = 8 * 1024;

/// How much a guest may write at once.
const WRITE: usize = 64 * 1024;

/// One of the streams of one member in one instance; all handles to it share the line that is being written.
#[derive(Clone)]
pub(crate) struct GuestOutput(Arc<Mutex<Lines>>);

impl GuestOutput {
    pub(crate) fn new(
        events: Events,
        stream: GuestStream,
        member: Arc<str>,
        request: Option<RequestId>,
        panics: Panics,
    ) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            events,
            stream,
            member,
            request,
            panics,
            pending: Vec::new(),
            is_continued: false,
        })))
    }

    fn push(&self, bytes: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = lines.events.guest_output() {
            sink.write(lines.stream, bytes);
        }
        lines.push(bytes);
    }

    /// Waits until more may be written. Only what is passed on as it is has to wait, or can fail.
    fn poll_room(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match lines.events.guest_output() {
            Some(sink) => sink.poll_room(lines.stream, context),
            None => Poll::Ready(Ok(())),
        }
    }
}

struct Lines {
    events: Events,
    stream: GuestStream,
    member: Arc<str>,
    request: Option<RequestId>,
    panics: Panics,
    /// The line that has not ended yet.
    pending: Vec<u8>,
    /// The beginning of that line was printed already: it is long.
    is_continued: bool,
}

impl Lines {
    fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(&bytes[..end]);
            self.end_line();
            bytes = &bytes[end + 1..];
        }
        self.pending.extend_from_slice(bytes);
        self.print_pieces();
    }

    /// Prints what is too long to wait for its end. Something of it stays, so that the line still has an end.
    fn print_pieces(&mut self) {
        let mut printed = 0;
        while self.pending.len() - printed > LONGEST_LINE {
            let length = piece(&self.pending[printed..]);
            self.print(&self.pending[printed..printed + length]);
            printed += length;
        }
        if printed > 0 {
            self.pending.drain(..printed);
            self.is_continued = true;
        }
    }

    fn end_line(&mut self) {
        if self.pending.last() == Some(&b'\r') {
            self.pending.pop();
        }
        self.print_pieces();
        if !(self.is_continued && self.pending.is_empty()) {
            self.print(&self.pending);
        }
        self.pending.clear();
        self.is_continued = false;
    }

    fn print(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        if self.stream == GuestStream::Stderr {
            self.panics.observe_line(&line);
        }
        // What is passed on as it is was passed on already.
        if self.events.guest_output().is_none() {
            self.events.tell(Event::Output {
                stream: self.stream,
                member: &self.member,
                request: self.request,
                line: &line,
            });
        }
    }
}

impl Drop for Lines {
    /// The end of the instance ends the line.
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            self.end_line();
        }
    }
}

/// The length of the first piece of a line that is too long, which does not end within a character.
fn piece(line: &[u8]) -> usize {
    let begins_character = |at: &usize| line[*at] & 0b1100_0000 != 0b1000_0000;
    // What has no beginning of a character there is no text.
    (LONGEST_LINE - 3..=LONGEST_LINE)
        .rev()
        .find(begins_character)
        .unwrap_or(LONGEST_LINE)
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
    async fn ready(&mut self) {
        // The next write tells of a failure.
        let _ = poll_fn(|context| self.poll_room(context)).await;
    }
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
        match self.poll_room(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Ok(WRITE),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(StreamError::Closed)
            }
            Poll::Ready(Err(error)) => Err(StreamError::LastOperationFailed(error.into())),
            Poll::Pending => Ok(0),
        }
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(context))?;
        let bytes = &bytes[..bytes.len().min(WRITE)];
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use crate::events::Recorder;

    use super::*;

    fn written(writes: &[&[u8]]) -> String {
        let (events, captured) = Recorder::new();
        let output = GuestOutput::new(
            events,
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

    #[test]
    fn a_long_line_is_cut_between_characters_and_ends_once() {
        let long = |letter: &str, count| letter.repeat(count).into_bytes();
        let lengths = |writes: &[&[u8]]| -> Vec<usize> {
            let text = written(writes);
            assert!(!text.contains('\u{fffd}'), "{text}");
            let lines = text.lines().map(|line| line.rsplit("| ").next().unwrap());
            lines.map(str::len).collect()
        };
        let most = LONGEST_LINE;
        let e = "é".as_bytes();
        for (first, rest, expected) in [
            (long("a", most), &b"\n"[..], vec![most]),
            (long("a", most + 1), b"\n", vec![most, 1]),
            (long("a", most + 1), b"b\nc", vec![most, 2, 1]),
            (long("a", most), b"\r\n", vec![most]),
            (
                [long("a", most), b"\r".to_vec()].concat(),
                b"\n",
                vec![most],
            ),
            (long("a", 2 * most), b"\n", vec![most, most]),
            (long("a", 2 * most + 5), b"\n\n", vec![most, most, 5, 0]),
            (
                [long("a", most), e[..1].to_vec()].concat(),
                &e[1..],
                vec![most, 2],
            ),
            (
                [long("a", most - 1), e.to_vec()].concat(),
                b"\n",
                vec![most - 1, 2],
            ),
            (long("🦀", most / 4), "🦀\n".as_bytes(), vec![most, 4]),
        ] {
            let length = first.len();
            assert_eq!(lengths(&[&first, rest]), expected, "{length} and {rest:?}");
        }
        let raw = written(&[&[0x80; LONGEST_LINE + 1], b"\n"]);
        assert_eq!(raw.lines().count(), 2);
    }
}
