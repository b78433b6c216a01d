//! The body that a guest writes, and what it came to.
//!
//! When a guest fails, what it has written by then still counts: a body that it has finished is whole. After its store is
//! gone that cannot be told any more, so the rest is taken out before.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use crate::capability::Preview;

/// A handle on the body; the guest's task and the response share it.
#[derive(Clone)]
pub(super) struct GuestBody(Arc<Mutex<Stream>>);

struct Stream {
    inner: WasiBody,
    preview: Preview,
    /// How many bytes have come.
    written: u64,
    /// What came when the guest failed.
    rest: VecDeque<Frame<Bytes>>,
    /// How it ends, once that is known before the reader has got there.
    end: Option<Result<(), BodyFailure>>,
    reader: Option<Waker>,
}

/// Why a body is not whole.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum BodyFailure {
    #[error("the guest failed while it wrote the response")]
    GuestFailed,
    #[error("the component dropped the body of its response without finishing it")]
    Unfinished,
    #[error(
        "the component wrote {written} of the {promised} bytes that its `content-length` promises"
    )]
    Short { written: u64, promised: u64 },
    #[error(
        "the component wrote more than the {promised} bytes that its `content-length` promises"
    )]
    Long { promised: u64 },
    #[error("the component ended its response with an error: {0}")]
    Code(String),
}

impl GuestBody {
    pub(super) fn new(inner: WasiBody, preview: Preview) -> Self {
        Self(Arc::new(Mutex::new(Stream {
            inner,
            preview,
            written: 0,
            rest: VecDeque::new(),
            end: None,
            reader: None,
        })))
    }

    /// The guest has failed, and its store is still there.
    pub(super) fn guest_failed(&self) {
        let mut stream = self.stream();
        let mut context = Context::from_waker(Waker::noop());
        while stream.end.is_none() {
            match Pin::new(&mut stream.inner).poll_frame(&mut context) {
                Poll::Ready(Some(Ok(frame))) => stream.rest.push_back(frame),
                Poll::Ready(None) => stream.end = Some(Ok(())),
                Poll::Ready(Some(Err(_))) | Poll::Pending => {
                    stream.end = Some(Err(BodyFailure::GuestFailed));
                }
            }
        }
        if let Some(reader) = stream.reader.take() {
            reader.wake();
        }
    }

    /// `promised`: the length that the head of the response has.
    pub(super) fn poll_frame(
        &self,
        context: &mut Context<'_>,
        promised: Option<u64>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let mut stream = self.stream();
        let frame = match (stream.rest.pop_front(), &stream.end) {
            (Some(frame), _) => Some(Ok(frame)),
            (None, Some(Ok(()))) => None,
            (None, Some(Err(failure))) => return Poll::Ready(Some(Err(failure.clone()))),
            (None, None) => {
                stream.reader = Some(context.waker().clone());
                match Pin::new(&mut stream.inner).poll_frame(context) {
                    Poll::Ready(frame) => frame,
                    Poll::Pending => return Poll::Pending,
                }
            }
        };
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                stream.written = stream.written.saturating_add(length);
                Ok(frame)
            }
            Err(error) => Err(stream.failure(error, promised)),
        }))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let stream = self.stream();
        stream.rest.is_empty()
            && match &stream.end {
                Some(end) => end.is_ok(),
                None => stream.inner.is_end_stream(),
            }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let stream = self.stream();
        match stream.end {
            Some(_) => SizeHint::default(),
            None => stream.inner.size_hint(),
        }
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    fn failure(&self, error: HttpError, promised: Option<u64>) -> BodyFailure {
        let written = match &error {
            HttpError::HttpResponseBodySize(Some(written)) => *written,
            _ => self.written,
        };
        match (error, promised) {
            // What an abandoned body is told as in WASI 0.2.
            (HttpError::HttpProtocolError, None) if self.preview == Preview::P2 => {
                BodyFailure::Unfinished
            }
            (HttpError::HttpProtocolError | HttpError::HttpResponseBodySize(_), Some(promised))
                if written < promised =>
            {
                BodyFailure::Short { written, promised }
            }
            (HttpError::HttpResponseBodySize(_), Some(promised)) => BodyFailure::Long { promised },
            (HttpError::HttpProtocolError, Some(promised)) if written > promised => {
                BodyFailure::Long { promised }
            }
            (HttpError::HttpProtocolError, _) if self.preview == Preview::P2 => {
                BodyFailure::Unfinished
            }
            (code, _) => BodyFailure::Code(code.to_string()),
        }
    }
}
