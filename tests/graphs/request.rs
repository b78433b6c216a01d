//! Requests with headers and bodies.

use std::convert::Infallible;

use bytes::Bytes;
use futures::channel::mpsc;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::authority;
use crate::wash::TIMEOUT;

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Asks with an `authorization` if there is one.
pub(crate) async fn ask(url: &str, path: &str, word: Option<&str>, body: &str) -> Answer {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    let response = send(url, request(path, word, body)).await;
    let (head, body) = response.into_parts();
    let body = timeout(TIMEOUT, body.collect()).await.expect("a body");
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8_lossy(&body.unwrap().to_bytes()).into_owned(),
    }
}

/// Sends a body piece by piece, each when the one before has come back.
pub(crate) async fn converse(url: &str, path: &str, word: Option<&str>, pieces: &[&str]) {
    let (pieces_sent, receiver) = mpsc::unbounded();
    let response = send(url, request(path, word, StreamBody::new(receiver)));
    let piece =
        |text: &str| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(text.as_bytes())));
    pieces_sent.unbounded_send(piece(pieces[0])).unwrap();
    let response = response.await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    for (index, expected) in pieces.iter().enumerate() {
        if index > 0 {
            pieces_sent.unbounded_send(piece(expected)).unwrap();
        }
        let mut received = Vec::new();
        while received.len() < expected.len() {
            received.extend(next(&mut body).await.expect("the piece comes back"));
        }
        assert_eq!(String::from_utf8_lossy(&received), *expected);
    }
    drop(pieces_sent);
    assert_eq!(next(&mut body).await, None);
}

async fn next(body: &mut Incoming) -> Option<Bytes> {
    let frame = timeout(TIMEOUT, body.frame()).await.expect("a frame")?;
    frame.unwrap().into_data().ok()
}

fn request<B>(path: &str, word: Option<&str>, body: B) -> Request<B> {
    let mut request = Request::post(path);
    if let Some(word) = word {
        request = request.header("authorization", word);
    }
    request.body(body).unwrap()
}

async fn send<B>(url: &str, mut request: Request<B>) -> http::Response<Incoming>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let authority = authority(url);
    let host = authority.parse().expect("an authority is a header's value");
    request.headers_mut().insert("host", host);
    let stream = TcpStream::connect(authority).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = timeout(TIMEOUT, sender.send_request(request)).await;
    response.expect("an answer").unwrap()
}
