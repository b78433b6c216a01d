//! An HTTP client.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::wash::PATIENCE;

/// A connection that stays open between requests.
pub struct Client {
    authority: String,
    sender: SendRequest<Empty<Bytes>>,
}

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Client {
    pub async fn connect(url: &str) -> Result<Self, Failure> {
        let authority = authority(url).to_string();
        let stream = TcpStream::connect(&authority).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { authority, sender })
    }

    pub async fn get(&mut self, path: &str) -> Result<(StatusCode, String), Failure> {
        let request = Request::get(path)
            .header("host", &self.authority)
            .body(Empty::new())?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// The answer to a request on a connection of its own.
pub async fn get(url: &str, path: &str) -> (StatusCode, String) {
    let answer = async { Client::connect(url).await?.get(path).await };
    timeout(PATIENCE, answer).await.expect("an answer").unwrap()
}

/// The body of a request that must succeed.
pub async fn text(url: &str, path: &str) -> String {
    let (status, body) = get(url, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

pub fn authority(url: &str) -> &str {
    url.strip_prefix("http://").unwrap_or(url)
}
