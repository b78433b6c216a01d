//! A server for guests to call, which remembers what it saw. The path of a request says what it answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::{StreamExt, future, stream};
use http::{HeaderMap, Request, Response, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) struct Elsewhere {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// Of each request.
    pub(crate) versions: Vec<Version>,
}

impl Elsewhere {
    pub(crate) async fn start(tls: Option<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                    seen.lock().unwrap().connections += 1;
                    tokio::spawn(async move {
                        match acceptor {
                            None => serve(stream, seen).await,
                            Some(acceptor) => {
                                if let Ok(stream) = acceptor.accept(stream).await {
                                    serve(stream, seen).await;
                                }
                            }
                        }
                    });
                }
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://localhost:{}{path}", self.address.port())
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve<S>(stream: S, seen: Arc<Mutex<Seen>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        seen.lock().unwrap().versions.push(request.version());
        async move { Ok::<_, Infallible>(answer(request).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    // How it ends is the client's affair.
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/echo" => echo(request).await,
        "/silent" => future::pending().await,
        "/half" => {
            let first = stream::once(async { Ok(Frame::data(Bytes::from("first"))) });
            let frames = first.chain(stream::pending());
            Response::new(StreamBody::new(frames).boxed_unsync())
        }
        _ => Response::new(Full::from("hello").boxed_unsync()),
    }
}

/// Says what came in the body and in the trailer `x-request`, the latter again as the trailer `x-answer`.
async fn echo(request: Request<Incoming>) -> Response<Body> {
    let content_type = request.headers().get("content-type").cloned();
    let body = request.into_body().collect().await.unwrap();
    let trailer = body
        .trailers()
        .and_then(|trailers| trailers.get("x-request"));
    let trailer = trailer.cloned();
    let mut text = body.to_bytes().to_vec();
    let mut trailers = HeaderMap::new();
    if let Some(trailer) = trailer {
        text.push(b'+');
        text.extend(trailer.as_bytes());
        trailers.insert("x-answer", trailer);
    }
    let frames = [Frame::data(Bytes::from(text)), Frame::trailers(trailers)].map(Ok);
    let mut response = Response::new(StreamBody::new(stream::iter(frames)).boxed_unsync());
    if let Some(content_type) = content_type {
        response.headers_mut().insert("content-type", content_type);
    }
    response
}
