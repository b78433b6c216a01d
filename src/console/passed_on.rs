//! The output of a guest that is passed on as it is: of `wash call`, and of plugins.
//!
//! The guest waits for a reader that is slow, and is told when it has gone or when a write fails, as any program is.

use std::future::poll_fn;
use std::io::{self, Write as _};
use std::sync::PoisonError;
use std::task::{Context, Poll};

use wash_common::advice::{Advice, ErrorClass};
use wash_runtime::events::{GuestOutputSink, GuestStream};

use super::shield::Shield;
use super::{Console, Sink, Stream, Streams};

/// Output that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to {}: {reason}", name(*.stream))]
pub struct LostOutput {
    stream: GuestStream,
    // Part of the message, so no cause of its own.
    reason: io::Error,
}

impl LostOutput {
    /// Whether the reader has had enough, which is no failure.
    pub fn is_closed(&self) -> bool {
        self.reason.kind() == io::ErrorKind::BrokenPipe
    }
}

impl Advice for LostOutput {
    fn fault(&self) -> ErrorClass {
        ErrorClass::Environment
    }
}

fn name(stream: GuestStream) -> &'static str {
    match stream {
        GuestStream::Stdout => "standard output",
        GuestStream::Stderr => "standard error",
    }
}

impl GuestOutputSink for Console {
    fn poll_room(&self, stream: GuestStream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(stream, |stream| match &stream.sink {
            Sink::Queued(queue, stream) => queue.poll_room(*stream, context),
            Sink::Nowhere | Sink::Direct(_) => Poll::Ready(Ok(())),
        })
    }

    fn write(&self, stream: GuestStream, bytes: &[u8]) {
        self.with(stream, |stream| stream.pass_on(bytes));
    }
}

impl Console {
    /// Waits for a guest that does not care whether anybody reads what it writes: it would go on for ever. Elsewhere, the
    /// signal for a broken pipe ends such programs.
    pub async fn refused(&self) {
        let queue = self.with(GuestStream::Stdout, |stream| match &stream.sink {
            Sink::Queued(queue, _) => Some(queue.clone()),
            Sink::Nowhere | Sink::Direct(_) => None,
        });
        match queue {
            Some(queue) => poll_fn(|context| queue.poll_refused(context)).await,
            None => std::future::pending().await,
        }
    }

    /// Waits until everything is written. What was not, and why.
    pub async fn written(&self) -> Result<(), LostOutput> {
        let queues = {
            let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
            let Streams { stdout, stderr } = &mut *streams;
            [stdout, stderr].map(|stream| {
                stream.end();
                match &stream.sink {
                    Sink::Queued(queue, stream) => Some((queue.clone(), *stream)),
                    Sink::Nowhere | Sink::Direct(_) => None,
                }
            })
        };
        for (queue, stream) in queues.into_iter().flatten() {
            poll_fn(|context| queue.poll_written(context)).await;
            if let Some(reason) = queue.failure(stream) {
                return Err(LostOutput { stream, reason });
            }
        }
        Ok(())
    }

    fn with<T>(&self, stream: GuestStream, act: impl FnOnce(&mut Stream) -> T) -> T {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        match (stream, self.bare) {
            (GuestStream::Stdout, Some(GuestStream::Stdout)) => act(&mut streams.stdout),
            _ => act(&mut streams.stderr),
        }
    }
}

impl Stream {
    fn pass_on(&mut self, bytes: &[u8]) {
        match &mut self.shield {
            Some(shield) => {
                let text = shield.push(bytes);
                self.write_bytes(text.as_bytes());
            }
            None => self.write_bytes(bytes),
        }
    }

    /// Shows what the shield holds back: nothing more comes.
    fn end(&mut self) {
        if let Some(rest) = self.shield.as_mut().map(Shield::end) {
            self.write_bytes(rest.as_bytes());
        }
    }

    fn write_bytes(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match &mut self.sink {
            Sink::Nowhere => {}
            Sink::Queued(queue, stream) => queue.add(*stream, bytes),
            // Memory takes everything.
            Sink::Direct(sink) => drop(sink.write_all(bytes)),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end();
    }
}
