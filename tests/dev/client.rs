//! An HTTP client.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::wash::TIMEOUT;

/// A connection that stays open between requests.
pub(crate) struct Client {
    authority: String,
    sender: SendRequest<Empty<Bytes>>,
}

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Client {
    pub(crate) async fn connect(url: &str) -> Result<Self, Failure> {
        let authority = authority(url).to_string();
        let stream = TcpStream::connect(&authority).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { authority, sender })
    }

    /// As if another name led here.
    pub(crate) fn called(mut self, host: &str) -> Self {
        self.authority = host.to_string();
        self
    }

    /// Sends a request, and returns when the head of the response is there.
    pub(crate) async fn send(&mut self, path: &str) -> Result<Response<Incoming>, Failure> {
        let request = Request::get(path).header("host", &self.authority);
        self.sender.ready().await?;
        Ok(self
            .sender
            .send_request(request.body(Empty::new())?)
            .await?)
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<(StatusCode, String), Failure> {
        let response = self.send(path).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// The answer to a request on a connection of its own.
pub(crate) async fn get(url: &str, path: &str) -> (StatusCode, String) {
    let answer = async { Client::connect(url).await?.get(path).await };
    timeout(TIMEOUT, answer).await.expect("an answer").unwrap()
}

/// The body of a request that must succeed.
pub(crate) async fn text(url: &str, path: &str) -> String {
    let (status, body) = get(url, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

pub(crate) fn authority(url: &str) -> &str {
    url.strip_prefix("http://").unwrap_or(url)
}
