//! Speaks HTTP/1.1 and HTTP/2 on a listener until told to stop: in the clear (HTTP/2 with prior knowledge), or inside TLS.

use std::convert::Infallible;
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;

use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tls::{self, Opening, Tls};
use super::{Front, Request};
use crate::console::Console;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

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

/// An HTTP server: connections in, requests to the [`Front`].
pub struct Server {
    front: Front,
    console: Console,
    tasks: Tasks,
    tls: Option<Tls>,
    limit: Option<Limit>,
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
    pub fn new(front: Front, console: Console, stop: Stop) -> Self {
        Self {
            front,
            console,
            tasks: Tasks {
                running: TaskTracker::new(),
                stop,
            },
            tls: None,
            limit: None,
        }
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
                        self.console
                            .talk(&format!("cannot accept connections: {error}; trying again"));
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
            self.console.talk(&format!(
                "as many as `dev.max_connections` allows ({most}) are connected; others wait"
            ));
        }
        let room = Arc::clone(&limit.room).acquire_owned().await;
        room.expect("the semaphore is never closed")
    }

    /// Serves a connection in a task of its own, handshake and all.
    fn start(&self, stream: TcpStream, room: Option<OwnedSemaphorePermit>) {
        // Only speed is lost where this fails.
        let _ = stream.set_nodelay(true);
        let (front, tasks) = (self.front.clone(), self.tasks.clone());
        match &self.tls {
            None => self.tasks.execute(async move {
                connection(stream, front, tasks, false).await;
                drop(room);
            }),
            Some(tls) => {
                let (tls, console) = (tls.clone(), self.console.clone());
                self.tasks.execute(async move {
                    secure(stream, &tls, front, tasks, &console).await;
                    drop(room);
                });
            }
        }
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

/// Serves one connection inside TLS to its end.
async fn secure(stream: TcpStream, tls: &Tls, front: Front, tasks: Tasks, console: &Console) {
    let peer = stream.peer_addr();
    let stop = tasks.stop.graceful.clone();
    match stop.run_until_cancelled(tls::open(stream, tls)).await {
        Some(Opening::Open(stream)) => connection(stream, front, tasks, true).await,
        Some(Opening::Failed(reason)) => {
            let peer = peer.map_or_else(|_| String::new(), |peer| format!(" with {peer}"));
            console.talk(&format!("TLS{peer} failed: {reason}"));
        }
        Some(Opening::Over) | None => {}
    }
}

/// Serves one connection to its end. How it ended is of no interest: clients come and go as they like.
async fn connection<S>(stream: S, front: Front, tasks: Tasks, secure: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stop = tasks.stop.clone();
    let service = service_fn(|mut request: Request| {
        let (front, stop) = (front.clone(), stop.clone());
        if secure {
            request.extensions_mut().insert(Scheme::HTTPS);
        }
        async move { Ok::<_, Infallible>(front.answer(request, &stop).await) }
    });
    let mut builder = auto::Builder::new(tasks);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new());
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.graceful.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Whether only the connection that was to be accepted is lost.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
