//! Requests whose bodies are written while their responses are read, over either version of HTTP.

use std::convert::Infallible;

use bytes::Bytes;
use futures::channel::mpsc;
use http::{HeaderMap, Response, request};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::authority;
use crate::wash::TIMEOUT;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    /// With prior knowledge: no upgrade, no TLS.
    Http2,
}

/// Both ends of one request.
pub(crate) struct Exchange {
    upload: mpsc::UnboundedSender<Result<Frame<Bytes>, Infallible>>,
    pub(crate) response: Response<Incoming>,
}

impl Exchange {
    /// Sends the head of a request, which has a path, and waits for that of its response. The body is still open.
    pub(crate) async fn open(url: &str, version: Version, request: request::Builder) -> Self {
        let path = request.uri_ref().expect("a path").clone();
        let (upload, frames) = mpsc::unbounded();
        let stream = TcpStream::connect(authority(url)).await.unwrap();
        let io = TokioIo::new(stream);
        let answer = async {
            match version {
                Version::Http1 => {
                    let request = request.header("host", authority(url));
                    let request = request.body(StreamBody::new(frames)).unwrap();
                    let (mut sender, connection) = http1::handshake(io).await.unwrap();
                    tokio::spawn(connection);
                    sender.send_request(request).await.unwrap()
                }
                Version::Http2 => {
                    let request = request.uri(format!("{url}{path}"));
                    let request = request.body(StreamBody::new(frames)).unwrap();
                    let (mut sender, connection) =
                        http2::handshake(TokioExecutor::new(), io).await.unwrap();
                    tokio::spawn(connection);
                    sender.send_request(request).await.unwrap()
                }
            }
        };
        let response = timeout(TIMEOUT, answer).await.expect("an answer");
        Self { upload, response }
    }

    pub(crate) fn write(&self, text: &'static str) {
        let frame = Frame::data(Bytes::from(text));
        self.upload.unbounded_send(Ok(frame)).unwrap();
    }

    /// What has arrived next.
    pub(crate) async fn read(&mut self) -> Bytes {
        let frame = timeout(TIMEOUT, self.response.frame()).await;
        let frame = frame.expect("something arrives").expect("not the end");
        frame.unwrap().into_data().expect("data")
    }

    /// Ends the request, with trailers unless there are none. Returns the rest of the response's body, and its trailers.
    pub(crate) async fn finish(self, trailers: HeaderMap) -> (Bytes, HeaderMap) {
        if !trailers.is_empty() {
            let frame = Frame::trailers(trailers);
            self.upload.unbounded_send(Ok(frame)).unwrap();
        }
        drop(self.upload);
        let rest = timeout(TIMEOUT, self.response.into_body().collect()).await;
        let rest = rest.expect("the response has an end").unwrap();
        let trailers = rest.trailers().cloned().unwrap_or_default();
        (rest.to_bytes(), trailers)
    }
}
