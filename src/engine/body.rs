//! The body of a guest's response, which keeps an eye on the guest that writes it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::WasiBody;

use crate::http::BodyError;

use super::activity::Flight;
use super::handler::Guest;

/// What a guest and the body that it writes tell each other.
#[derive(Clone, Default)]
pub(super) struct Link {
    /// The guest failed: whatever the body looks like, it is not whole.
    pub(super) failed: Arc<AtomicBool>,
    /// Nobody reads the body any more: it ended, or was dropped.
    pub(super) ended: CancellationToken,
}

#[derive(Debug, thiserror::Error)]
#[error("the guest failed while it wrote the response")]
struct Failed;

/// Streams what the guest writes. When it is dropped before its end, the client has gone, and the guest is stopped.
pub(super) struct ResponseBody {
    inner: WasiBody,
    link: Link,
    /// Bytes that the head promised and that have not come yet.
    remaining: Option<u64>,
    /// `None` once the body has ended: the guest may go on without it.
    guest: Option<Guest>,
    /// The request is in flight until the last byte was taken.
    _flight: Arc<Flight>,
}

impl ResponseBody {
    /// `bodiless`: the client expects no body, whatever the guest writes.
    pub(super) fn new(
        inner: WasiBody,
        link: Link,
        remaining: Option<u64>,
        bodiless: bool,
        guest: Guest,
        flight: Arc<Flight>,
    ) -> Self {
        let mut body = Self {
            inner,
            link,
            remaining,
            guest: Some(guest),
            _flight: flight,
        };
        if bodiless || body.is_end_stream() {
            body.end();
        }
        body
    }

    fn end(&mut self) {
        if let Some(guest) = self.guest.take() {
            guest.detach();
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.link.ended.cancel();
        // An unfinished guest that is still here is stopped as it is dropped.
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                if let (Some(remaining), Some(data)) = (&mut self.remaining, frame.data_ref()) {
                    *remaining = remaining.saturating_sub(data.len() as u64);
                }
                // The server need not ask again after the last byte that the head promised.
                if self.remaining == Some(0) || frame.is_trailers() || self.inner.is_end_stream() {
                    self.end();
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(Err(error.into())),
            // A guest that fails closes its body like one that is done.
            None if self.link.failed.load(Ordering::SeqCst) && self.remaining != Some(0) => {
                Some(Err(Failed.into()))
            }
            None => {
                self.end();
                self.link.ended.cancel();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
