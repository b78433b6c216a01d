//! The bodies of outgoing requests and of their responses, on their way.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::failure;

/// A request's body, which can be sent again with another connection as long as nobody has looked into it, or when there
/// was nothing in it.
#[derive(Clone)]
pub(super) struct Sending(Arc<Mutex<Stage>>);

enum Stage {
    Untouched(WasiBody),
    /// One connection has it.
    Taken,
    /// It has ended, and nothing was in it.
    Empty,
    /// What kept the guest from finishing it.
    Failed(Error),
}

impl Sending {
    pub(super) fn new(body: WasiBody) -> Self {
        Self(Arc::new(Mutex::new(Stage::Untouched(body))))
    }

    /// For one attempt.
    pub(super) fn lend(&self) -> Lent {
        Lent {
            owner: self.clone(),
            body: None,
            was_empty: true,
        }
    }

    /// Whether another attempt would send the same.
    pub(super) fn is_whole(&self) -> bool {
        matches!(&*self.stage(), Stage::Untouched(_) | Stage::Empty)
    }

    /// Why the body was not sent, if that is the guest's doing.
    pub(super) fn failure(&self) -> Option<Error> {
        let mut stage = self.stage();
        match std::mem::replace(&mut *stage, Stage::Taken) {
            Stage::Failed(error) => Some(error),
            other => {
                *stage = other;
                None
            }
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: Error) {
        *self.stage() = Stage::Failed(error);
    }
}

/// A request's body in the hands of a connection.
pub(super) struct Lent {
    owner: Sending,
    /// Once it has been looked into.
    body: Option<WasiBody>,
    /// Nothing has come of it yet.
    was_empty: bool,
}

/// The guest did not finish its body; [`Sending::failure`] has the reason.
#[derive(Debug, thiserror::Error)]
#[error("the body of the request failed")]
pub(super) struct Unfinished;

impl Body for Lent {
    type Data = Bytes;
    type Error = Unfinished;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unfinished>>> {
        if self.body.is_none() {
            let mut stage = self.owner.stage();
            let body = match std::mem::replace(&mut *stage, Stage::Taken) {
                Stage::Untouched(body) => body,
                Stage::Empty => {
                    *stage = Stage::Empty;
                    return Poll::Ready(None);
                }
                Stage::Taken | Stage::Failed(_) => return Poll::Ready(Some(Err(Unfinished))),
            };
            drop(stage);
            self.body = Some(body);
        }
        let body = self.body.as_mut().expect("it was taken");
        let frame = ready!(Pin::new(body).poll_frame(cx));
        match &frame {
            None if self.was_empty => *self.owner.stage() = Stage::Empty,
            _ => self.was_empty = false,
        }
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| {
                self.owner.fail(error);
                Unfinished
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        match (&self.body, &*self.owner.stage()) {
            (Some(body), _) | (None, Stage::Untouched(body)) => body.is_end_stream(),
            (None, Stage::Empty) => true,
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.body, &*self.owner.stage()) {
            (Some(body), _) | (None, Stage::Untouched(body)) => body.size_hint(),
            (None, Stage::Empty) => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}

/// A response's body, which must not fall silent for too long.
pub(super) struct Arriving {
    body: Incoming,
    patience: Duration,
    /// Runs while the next frame is waited for.
    silence: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    pub(super) fn new(body: Incoming, patience: Duration) -> Self {
        Self {
            body,
            patience,
            silence: None,
        }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.silence = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| failure::of_body(&error))));
        }
        let patience = self.patience;
        let silence = self
            .silence
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        match silence.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Error::ConnectionReadTimeout))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
