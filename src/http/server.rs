//! Speaks HTTP/1.1 and HTTP/2 (prior knowledge) on a listener until told to stop.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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
        }
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
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    failing = false;
                    self.tasks
                        .execute(connection(stream, self.front.clone(), self.tasks.clone()));
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

/// Serves one connection to its end. How it ended is of no interest: clients come and go as they like.
async fn connection(stream: TcpStream, front: Front, tasks: Tasks) {
    // Only speed is lost where this fails.
    let _ = stream.set_nodelay(true);
    let stop = tasks.stop.clone();
    let service = service_fn(|request: Request| {
        let (front, stop) = (front.clone(), stop.clone());
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
