//! Speaks HTTP/1.1 and HTTP/2 on a listener until told to stop: in the clear (HTTP/2 with prior knowledge), or inside TLS.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::uri::Scheme;

use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wash_common::sanitize;

use super::connection::{Activity, Lent, Timeouts, read_rest};
use super::front::Arrival;
use super::request_body::RequestBody;
use super::tls::{Opening, Tls};
use super::{HttpService, target, tls};
use crate::events::Events;

/// How long the head of a request over HTTP/1.1 may be, in bytes. What has come of one is kept until it is whole.
const MAX_HEAD: usize = 64 << 10;

/// How many lines the head of a request over HTTP/1.1 may have.
const MAX_HEADERS: usize = 256;

/// Over HTTP/2, how often a client is asked whether it is still there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long to wait after the system refused a connection, so that it can recover.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Ends a server, in two steps.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// No new connections and no new requests; those in flight end in their own time.
    pub graceful: CancellationToken,
    /// Cuts off what is still in flight.
    pub immediate: CancellationToken,
}

/// An HTTP server: connections in, requests to the [`HttpService`].
pub struct Server {
    front: HttpService,
    events: Events,
    tasks: Tasks,
    tls: Option<Tls>,
    limit: Option<Limit>,
    timeouts: Timeouts,
}

/// How many connections may be open at the same time; more wait to be accepted.
struct Limit {
    most: NonZeroUsize,
    room: Arc<Semaphore>,
}

/// Where connections and HTTP/2 streams run: known all, so that the server can wait for them or cut them off.
#[derive(Clone)]
struct Tasks {
    running: TaskTracker,
    stop: Stop,
}

impl Server {
    pub fn new(front: HttpService, events: Events, stop: Stop) -> Self {
        Self {
            front,
            events,
            tasks: Tasks {
                running: TaskTracker::new(),
                stop,
            },
            tls: None,
            limit: None,
            timeouts: Timeouts::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    pub fn with_tls(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    pub fn with_max_connections(self, most: Option<NonZeroUsize>) -> Self {
        let limit = most.map(|most| Limit {
            most,
            room: Arc::new(Semaphore::new(most.get().min(Semaphore::MAX_PERMITS))),
        });
        Self { limit, ..self }
    }

    /// Serves until stopped, and returns when the last connection has ended.
    pub async fn run(self, listener: TcpListener) {
        let stop = &self.tasks.stop;
        tokio::select! {
            never = self.accept(&listener) => match never {},
            () = stop.graceful.cancelled() => {}
            () = stop.immediate.cancelled() => {}
        }
        drop(listener);
        self.tasks.running.close();
        self.tasks.running.wait().await;
    }

    /// Never ends by itself: a server that cannot accept now tries again.
    async fn accept(&self, listener: &TcpListener) -> Infallible {
        let mut failing = false;
        let mut full = false;
        loop {
            let room = match &self.limit {
                Some(limit) => Some(self.room(limit, &mut full).await),
                None => None,
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    failing = false;
                    self.start(stream, room);
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        self.events
                            .host(&format!("cannot accept connections: {error}; trying again"));
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Waits until another connection may be accepted. Says so when that takes more than an instant, once until there
    /// was room again.
    async fn room(&self, limit: &Limit, full: &mut bool) -> OwnedSemaphorePermit {
        if let Ok(permit) = Arc::clone(&limit.room).try_acquire_owned() {
            *full = false;
            return permit;
        }
        if !std::mem::replace(full, true) {
            let most = limit.most;
            self.events.host(&format!(
                "the limit of connections (`dev.max_connections`, {most}) is reached; others wait"
            ));
        }
        let room = Arc::clone(&limit.room).acquire_owned().await;
        room.expect("the semaphore is never closed")
    }

    /// Serves a connection in a task of its own, handshake and all.
    fn start(&self, stream: TcpStream, room: Option<OwnedSemaphorePermit>) {
        // Only speed is lost where this fails.
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            front: self.front.clone(),
            events: self.events.clone(),
            tasks: self.tasks.clone(),
            timeouts: self.timeouts,
            peer: stream.peer_addr().ok(),
            local: stream.local_addr().ok(),
        };
        let tls = self.tls.clone();
        self.tasks.execute(async move {
            match tls {
                None => connection.serve(stream, false).await,
                Some(tls) => connection.secure(stream, &tls).await,
            }
            drop(room);
        });
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        let immediate = self.stop.immediate.clone();
        self.running
            .spawn(async move { immediate.run_until_cancelled_owned(task).await });
    }
}

/// What is needed to serve one connection.
struct Connection {
    front: HttpService,
    events: Events,
    tasks: Tasks,
    timeouts: Timeouts,
    peer: Option<SocketAddr>,
    /// The address that the client has reached.
    local: Option<SocketAddr>,
}

impl Connection {
    /// Serves one connection inside TLS to its end.
    async fn secure(self, stream: TcpStream, tls: &Tls) {
        let stop = self.tasks.stop.graceful.clone();
        match stop.run_until_cancelled(tls::open(stream, tls)).await {
            Some(Opening::Open(stream)) => self.serve(stream, true).await,
            Some(Opening::Failed(reason)) => {
                let peer = self.peer.map(|peer| format!(" with {peer}"));
                let peer = peer.unwrap_or_default();
                self.events.host(&format!("TLS{peer} failed: {reason}"));
            }
            Some(Opening::Over) | None => {}
        }
    }

    /// Serves one connection to its end.
    async fn serve<S>(&self, stream: S, secure: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Activity::new(self.timeouts);
        let (stream, returned) = Lent::new(stream, Arc::clone(&activity));
        let refused = match self.exchange(stream, &activity, secure).await {
            Ok(()) => false,
            Err(error) => self.tell_refusal(&*error, &activity),
        };
        if !(refused || activity.has_rest()) {
            return;
        }
        let Ok(stream) = returned.await else { return };
        tokio::select! {
            () = read_rest(stream, &self.timeouts) => {}
            () = async {
                self.tasks.stop.graceful.cancelled().await;
                tokio::time::sleep(self.timeouts.close).await;
            } => {}
        }
    }

    /// Answers requests until the connection ends.
    async fn exchange<S>(
        &self,
        stream: Lent<S>,
        activity: &Arc<Activity>,
        secure: bool,
    ) -> Result<(), Box<dyn Error + Send + Sync>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (front, stop) = (self.front.clone(), self.tasks.stop.clone());
        let (activity_of_request, local) = (Arc::clone(activity), self.local);
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            let (front, stop) = (front.clone(), stop.clone());
            if secure {
                request.extensions_mut().insert(Scheme::HTTPS);
            }
            let answered = Arc::new(AtomicBool::new(false));
            let refused = target::prepare(&mut request, local).err();
            let in_flight = activity_of_request.request(request.version());
            let arrival = Arrival {
                request: RequestBody::of(request, &activity_of_request, &answered),
                refused,
                in_flight,
            };
            async move {
                let response = front.answer(arrival, &stop).await;
                answered.store(true, Ordering::Relaxed);
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = auto::Builder::new(self.tasks.clone());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.timeouts.head)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        let mut connection = Box::pin(builder.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = self.tasks.stop.graceful.cancelled() => {}
            () = activity.idle_too_long() => {
                if activity.is_silent() {
                    return Ok(());
                }
            }
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended,
            () = activity.settled() => Ok(()),
        }
    }

    /// Tells of a request that hyper refused. Whether it was one: a connection may end in many ways, and clients come and go
    /// as they like.
    fn tell_refusal(&self, error: &(dyn Error + 'static), activity: &Activity) -> bool {
        let Some(error) = error.downcast_ref::<hyper::Error>() else {
            return false;
        };
        let reason = if !error.is_parse() {
            return false;
        } else if activity.begins_with_tls() {
            "the client speaks TLS, and this port plain HTTP (`--tls` serves HTTPS)".to_owned()
        } else if error.is_parse_too_large() {
            format!(
                "its head is too large: more than {} KiB or {MAX_HEADERS} lines",
                MAX_HEAD >> 10
            )
        } else {
            sanitize::guest_line(&error.to_string()).into_owned()
        };
        let peer = self.peer.map(|peer| format!(" from {peer}"));
        let peer = peer.unwrap_or_default();
        self.events
            .host(&format!("refused a request{peer}: {reason}"));
        true
    }
}

/// Whether only the connection that was to be accepted is lost.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
