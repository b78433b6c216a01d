//! The server as clients see it: real sockets, real HTTP.

mod access;
mod clients;
mod stop;
mod streams;
mod swap;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc as tokio_mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::events::Recorder;

/// Longer than anything here takes, short enough that a hang is a failure.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A server on a port of its own.
struct Site {
    address: SocketAddr,
    front: HttpService,
    stop: Stop,
    events: Recorder,
    running: JoinHandle<()>,
}

impl Site {
    async fn new() -> Self {
        let timeouts = Timeouts {
            half_closed: Duration::from_millis(100),
            ..Timeouts::default()
        };
        Self::with(timeouts, None).await
    }

    async fn with(timeouts: Timeouts, max_connections: Option<usize>) -> Self {
        let (events, captured) = Recorder::new();
        let front = HttpService::new(events.clone());
        let stop = Stop::default();
        let listening = listen(SocketAddr::from(([127, 0, 0, 1], 0)), true)
            .await
            .expect("a free port");
        let server = Server::new(front.clone(), events, stop.clone())
            .with_timeouts(timeouts)
            .with_max_connections(max_connections.and_then(std::num::NonZeroUsize::new));
        let running = tokio::spawn(server.run(listening.listener));
        Self {
            address: listening.address,
            front,
            stop,
            events: captured,
            running,
        }
    }

    async fn serving(handler: impl Handler) -> Self {
        let site = Self::new().await;
        site.front.serve(Arc::new(handler));
        site
    }

    async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    async fn raw(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("the server accepts");
        stream
            .write_all(text.as_bytes())
            .await
            .expect("the server reads");
        stream
    }

    /// Waits until the access log has the text; returns the line.
    async fn logged(&self, text: &str) -> String {
        let log = timeout(TIMEOUT, self.events.stderr_with(text))
            .await
            .expect("in time");
        log.lines()
            .find(|line| line.contains(text))
            .expect("a whole line")
            .to_owned()
    }

    /// Waits until something is so.
    async fn until(&self, is_so: impl Fn(&HttpService) -> bool) {
        let waiting = async {
            while !is_so(&self.front) {
                tokio::task::yield_now().await;
            }
        };
        timeout(TIMEOUT, waiting).await.expect("in time");
    }

    async fn ended(self) {
        timeout(TIMEOUT, self.running)
            .await
            .expect("in time")
            .expect("no panic");
    }
}

/// A keep-alive connection of HTTP/1.1.
struct Client {
    sender: http1::SendRequest<Full<Bytes>>,
    connection: JoinHandle<hyper::Result<()>>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address)
            .await
            .expect("the server accepts");
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .expect("HTTP/1.1");
        Self {
            sender,
            connection: tokio::spawn(connection),
        }
    }

    async fn send(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> hyper::Result<Response<hyper::body::Incoming>> {
        self.sender.ready().await?;
        timeout(TIMEOUT, self.sender.send_request(request))
            .await
            .expect("in time")
    }

    async fn get(&mut self, path: &str) -> hyper::Result<(StatusCode, String)> {
        let response = self.send(request(Method::GET, path)).await?;
        let status = response.status();
        let body = timeout(TIMEOUT, response.into_body().collect())
            .await
            .expect("in time")?;
        Ok((
            status,
            String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        ))
    }
}

fn request(method: Method, path: &str) -> http::Request<Full<Bytes>> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost");
    request.body(Full::default()).expect("a valid request")
}

/// A handler from a function.
struct Answer<F>(F);

#[async_trait]
impl<F, R> Handler for Answer<F>
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    async fn handle(&self, request: Request, _: RequestId) -> Response<Body> {
        (self.0)(request).await
    }
}

fn full(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(
        Full::new(text.into())
            .map_err(|never| match never {})
            .boxed_unsync(),
    )
}

/// A body to be fed frame by frame; it ends when the sender is dropped.
fn fed() -> (
    mpsc::Sender<Result<Frame<Bytes>, BodyError>>,
    Response<Body>,
) {
    let (feed, frames) = mpsc::channel(0);
    (feed, Response::new(StreamBody::new(frames).boxed_unsync()))
}

fn data(text: &'static str) -> Result<Frame<Bytes>, BodyError> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// Answers each request with the next of the responses that the test prepares.
fn prepared() -> (tokio_mpsc::UnboundedSender<Response<Body>>, impl Handler) {
    let (responses, next) = tokio_mpsc::unbounded_channel();
    let next = Arc::new(Mutex::new(next));
    let handler = Answer(move |_| {
        let next = next.clone();
        async move { next.lock().await.recv().await.expect("a prepared response") }
    });
    (responses, handler)
}
