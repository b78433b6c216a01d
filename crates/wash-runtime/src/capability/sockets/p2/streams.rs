//! The directions of a connection as streams of wasi:io.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;
use wasmtime_wasi::p2::bindings::sockets::network::ErrorCode as Code;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::sockets::ErrorCode;

use super::super::stream::{Reader, Writer};

/// Bytes that a guest may write at once.
const PERMIT: usize = 64 * 1024;

/// The stream has one and the socket another, to close it. `None` once it is closed.
#[derive(Clone)]
pub(super) struct Input(Arc<Mutex<Option<Reader>>>);

#[derive(Clone)]
pub(super) struct Output(Arc<Mutex<Writing>>);

enum Writing {
    Ready(Writer),
    /// More than the connection took at once. It goes out even if nobody waits for it.
    Busy(JoinHandle<Result<Writer, ErrorCode>>),
    Failed(ErrorCode),
    Closed,
}

impl Input {
    pub(super) fn new(reader: Reader) -> Self {
        Self(Arc::new(Mutex::new(Some(reader))))
    }

    fn reader(&self) -> MutexGuard<'_, Option<Reader>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn close(&self) {
        *self.reader() = None;
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut guard = self.reader();
        let reader = guard.as_mut().ok_or(StreamError::Closed)?;
        let _ = reader.poll_ready(&mut Context::from_waker(Waker::noop()));
        reader.take(size).map_err(|end| match end {
            Ok(()) => StreamError::Closed,
            Err(error) => failed(error),
        })
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| match &mut *self.reader() {
            Some(reader) => reader.poll_ready(cx),
            None => Poll::Ready(()),
        })
        .await;
    }
}

impl Output {
    pub(super) fn new(writer: Writer) -> Self {
        Self(Arc::new(Mutex::new(Writing::Ready(writer))))
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was written before still goes out.
    pub(super) fn close(&self) {
        *self.writing() = Writing::Closed;
    }
}

impl Writing {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Closed)
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Busy(task) = self {
            let written = ready!(std::pin::Pin::new(task).poll(cx));
            *self = match written.unwrap_or(Err(ErrorCode::Other)) {
                Ok(writer) => Self::Ready(writer),
                Err(error) => Self::Failed(error),
            };
        }
        Poll::Ready(())
    }

    fn permit(&mut self) -> StreamResult<usize> {
        match self {
            Self::Ready(_) => Ok(PERMIT),
            Self::Busy(_) => Ok(0),
            Self::Failed(ErrorCode::ConnectionBroken) | Self::Closed => Err(StreamError::Closed),
            Self::Failed(error) => {
                let error = *error;
                *self = Self::Closed;
                Err(failed(error))
            }
        }
    }

    fn write(&mut self, mut bytes: Bytes) {
        let Self::Ready(mut writer) = self.take() else {
            return;
        };
        let mut cx = Context::from_waker(Waker::noop());
        while !bytes.is_empty() {
            match writer.poll_write(&mut cx, &bytes) {
                Poll::Ready(Ok(count)) => drop(bytes.split_to(count)),
                Poll::Ready(Err(error)) => {
                    *self = Self::Failed(error);
                    return;
                }
                Poll::Pending => {
                    *self = Self::Busy(tokio::spawn(async move {
                        writer.write_all(&bytes).await?;
                        Ok(writer)
                    }));
                    return;
                }
            }
        }
        *self = Self::Ready(writer);
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut writing = self.writing();
        if bytes.len() > writing.permit()? {
            let message = format!("a write of {} bytes was not permitted", bytes.len());
            return Err(StreamError::Trap(wasmtime::Error::msg(message)));
        }
        writing.write(bytes);
        writing.permit().map(drop)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.writing().permit().map(drop)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let mut writing = self.writing();
        let _ = writing.poll_ready(&mut Context::from_waker(Waker::noop()));
        writing.permit()
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.writing().poll_ready(cx)).await;
    }
}

fn failed(error: ErrorCode) -> StreamError {
    StreamError::LastOperationFailed(wasmtime::Error::new(Code::from(error)))
}
