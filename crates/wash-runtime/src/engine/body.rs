//! The body of a guest's response, which keeps an eye on the guest that writes it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::WasiBody;

use super::guest_body::{BodyFailure, GuestBody};
use super::handler::Guest;
use crate::activity::InFlightGuard;
use crate::capability::Preview;
use crate::http::BodyError;

/// What a guest and the body that it writes tell each other.
#[derive(Clone, Default)]
pub(super) struct Link {
    /// Once the guest has answered.
    body: Arc<Mutex<Option<GuestBody>>>,
    /// Nobody reads the body any more: it ended, or was dropped.
    pub(super) ended: CancellationToken,
}

impl Link {
    /// Takes the body with which a guest has answered.
    pub(super) fn attach(&self, body: WasiBody, preview: Preview) -> GuestBody {
        let body = GuestBody::new(body, preview);
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(body.clone());
        body
    }

    /// The guest has failed, and its store is still there.
    pub(super) fn guest_failed(&self) {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(body) = &*body {
            body.guest_failed();
        }
    }
}

/// Streams what the guest writes. When it is dropped before its end, the client has gone, and the guest is stopped.
pub(super) struct ResponseBody {
    inner: GuestBody,
    link: Link,
    /// The length that the head has.
    promised: Option<u64>,
    /// Bytes that the head promised and that have not come yet.
    remaining: Option<u64>,
    /// `None` once the body has ended: the guest may go on without it.
    guest: Option<Guest>,
    /// The request is in flight until the last byte was taken.
    _flight: Arc<InFlightGuard>,
}

impl ResponseBody {
    /// `bodiless`: the client expects no body, whatever the guest writes.
    pub(super) fn new(
        inner: GuestBody,
        link: Link,
        promised: Option<u64>,
        bodiless: bool,
        guest: Guest,
        flight: Arc<InFlightGuard>,
    ) -> Self {
        let mut body = Self {
            inner,
            link,
            promised,
            remaining: promised,
            guest: Some(guest),
            _flight: flight,
        };
        if bodiless || body.is_end_stream() {
            body.end();
        }
        body
    }

    /// Whether the client has everything that the head promised, although the guest failed before it said so.
    fn is_whole(&self, error: &BodyFailure) -> bool {
        matches!(error, BodyFailure::GuestFailed) && self.remaining == Some(0)
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
        let frame = ready!(self.inner.poll_frame(cx, self.promised));
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
            Some(Err(error)) if !self.is_whole(&error) => Some(Err(error.into())),
            Some(Err(_)) | None => {
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
