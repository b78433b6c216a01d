//! Follows a request to the end of its response's body, and then writes its access line.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf, Bytes};
use http::header::CONTENT_LENGTH;
use http::{Method, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio_util::sync::CancellationToken;

use super::connection::InFlight;
use super::{Body, BodyError, Handler, Request};
use crate::events::{Access, Event, Events, RequestId};

/// One request in flight. Dropping it ends the request, wherever it had got to.
pub(super) struct Ticket {
    id: RequestId,
    method: Method,
    path: String,
    started: Instant,
    events: Events,
    in_flight: Arc<AtomicUsize>,
    aborted: CancellationToken,
    progress: Progress,
    _on_connection: InFlight,
}

enum Progress {
    /// The handler has not answered yet.
    Asked,
    Answering(StatusCode),
    Ended(StatusCode),
    Failed(StatusCode, String),
}

impl Ticket {
    pub(super) fn new(
        id: RequestId,
        request: &Request,
        events: &Events,
        in_flight: &Arc<AtomicUsize>,
        aborted: CancellationToken,
        on_connection: InFlight,
    ) -> Self {
        in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            id,
            method: request.method().clone(),
            path: request
                .uri()
                .path_and_query()
                .map_or_else(|| "*".to_owned(), ToString::to_string),
            started: Instant::now(),
            events: events.clone(),
            in_flight: in_flight.clone(),
            aborted,
            progress: Progress::Asked,
            _on_connection: on_connection,
        }
    }

    /// Goes along with the response's body, and keeps the handler alive as long as that lasts.
    pub(super) fn track(
        mut self,
        response: Response<Body>,
        handler: Option<Arc<dyn Handler>>,
    ) -> Response<Body> {
        let status = response.status();
        let (head, body) = response.into_parts();
        // Nobody reads the body of these, so nobody sees its end either.
        let bodiless = self.method == Method::HEAD
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
            || body.is_end_stream();
        self.progress = if bodiless {
            Progress::Ended(status)
        } else {
            Progress::Answering(status)
        };
        let announced = head
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        let left = announced.or(body.size_hint().exact());
        Response::from_parts(
            head,
            Tracked {
                body,
                ticket: self,
                left,
                _handler: handler,
            }
            .boxed_unsync(),
        )
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let gone = || {
            if self.aborted.is_cancelled() {
                "by the shutdown"
            } else {
                "by the client"
            }
        };
        let (status, cut_off) = match &self.progress {
            Progress::Asked => (None, Some(gone())),
            Progress::Answering(status) => (Some(status), Some(gone())),
            Progress::Ended(status) => (Some(status), None),
            Progress::Failed(status, why) => (Some(status), Some(why.as_str())),
        };
        self.events.tell(Event::Request(Access {
            id: self.id,
            method: self.method.as_str(),
            path: &self.path,
            status: status.map(StatusCode::as_u16),
            duration: self.started.elapsed(),
            cut_off,
        }));
    }
}

/// A response's body that tells its ticket how it ended.
struct Tracked {
    body: Body,
    ticket: Ticket,
    /// Bytes still to come, when the length is known. The connection stops asking after the last one, and may never
    /// see the end of the stream.
    left: Option<u64>,
    _handler: Option<Arc<dyn Handler>>,
}

impl Tracked {
    fn ended(&mut self) {
        if let Progress::Answering(status) = self.ticket.progress {
            self.ticket.progress = Progress::Ended(status);
        }
    }

    fn failed(&mut self, error: &BodyError) {
        if let Progress::Answering(status) = self.ticket.progress {
            let why = error.to_string();
            self.ticket.progress =
                Progress::Failed(status, why.lines().next().unwrap_or_default().to_owned());
        }
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            None => self.ended(),
            Some(Err(error)) => self.failed(error),
            Some(Ok(frame)) => {
                if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
                    *left = left.saturating_sub(data.remaining() as u64);
                }
                if self.left == Some(0) || self.body.is_end_stream() {
                    self.ended();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
