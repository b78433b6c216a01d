//! The body of a request, which must not stand still for too long.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};
use wash_common::units;

use super::connection::{Activity, Timeouts};

/// A request's body as it comes from the wire.
pub struct RequestBody {
    incoming: Incoming,
    activity: Arc<Activity>,
    /// Its response has begun.
    answered: Arc<AtomicBool>,
    /// The two sides may be in a conversation, in which either may be silent. HTTP/2 has other means to find out whether
    /// the client is still there.
    may_converse: bool,
    /// Runs while the next frame is waited for.
    silence: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

/// Why the rest of a request's body does not come.
#[derive(Debug, thiserror::Error)]
pub enum RequestBodyError {
    #[error("{0}")]
    Client(hyper::Error),
    #[error("the client sent nothing for {}", units::duration(*.0))]
    Silent(Duration),
}

impl RequestBody {
    /// `answered` tells when the response to the request begins.
    pub(super) fn of(
        request: http::Request<Incoming>,
        activity: &Arc<Activity>,
        answered: &Arc<AtomicBool>,
    ) -> http::Request<Self> {
        let may_converse = request.version() == http::Version::HTTP_2
            && !request.headers().contains_key(CONTENT_LENGTH);
        request.map(|incoming| Self::new(incoming, activity, answered, may_converse))
    }

    fn new(
        incoming: Incoming,
        activity: &Arc<Activity>,
        answered: &Arc<AtomicBool>,
        may_converse: bool,
    ) -> Self {
        let ended = incoming.is_end_stream();
        if !ended {
            activity.body_begins();
        }
        Self {
            incoming,
            activity: Arc::clone(activity),
            answered: Arc::clone(answered),
            may_converse,
            silence: None,
            ended,
        }
    }

    fn end(&mut self, read: bool) {
        if !std::mem::replace(&mut self.ended, true) {
            self.activity.body_ends(read);
        }
    }
}

/// Of a connection that nobody else looks after.
impl From<Incoming> for RequestBody {
    fn from(incoming: Incoming) -> Self {
        let activity = Activity::new(Timeouts::default());
        Self::new(incoming, &activity, &Arc::default(), false)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.end(false);
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) {
            self.silence = None;
            if frame.is_none() || self.incoming.is_end_stream() {
                self.end(true);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(RequestBodyError::Client)));
        }
        let limit = self.activity.timeouts.body;
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(limit)));
        if silence.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if self.may_converse && self.answered.load(Ordering::Relaxed) {
            // For a client that falls silent before the answer there is another request.
            return Poll::Pending;
        }
        self.end(false);
        Poll::Ready(Some(Err(RequestBodyError::Silent(limit))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
