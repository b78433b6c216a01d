//! Bodies of any size, made as they are sent and hashed as they arrive: nobody here holds one.

use std::convert::Infallible;

use bytes::Bytes;
use futures::stream;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::authority;
use crate::wash::TIMEOUT;

pub(crate) const MB: u64 = 1_000_000;

/// How much is sent at once, in bytes.
const PIECE: u64 = 256 * 1024;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A file of our own making.
#[derive(Clone, Copy)]
pub(crate) struct File {
    pub(crate) size: u64,
    /// Another one gives other bytes.
    pub(crate) seed: u64,
}

impl File {
    fn pieces(self) -> impl Iterator<Item = Bytes> + Send {
        let mut random = self.seed;
        let mut left = self.size;
        std::iter::from_fn(move || {
            let size = left.min(PIECE);
            left -= size;
            let mut piece = Vec::with_capacity(size as usize + 8);
            while (piece.len() as u64) < size {
                // SplitMix64: each word depends on its place in the file.
                random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut word = random;
                word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                piece.extend((word ^ (word >> 31)).to_le_bytes());
            }
            piece.truncate(size as usize);
            (size > 0).then(|| piece.into())
        })
    }

    pub(crate) fn hash(self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.pieces().for_each(|piece| hash.update(piece));
        hash.finalize().into()
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.pieces().flatten().collect()
    }

    pub(crate) async fn upload(self, url: &str, path: &str) -> StatusCode {
        let pieces = self.pieces().map(|piece| Ok(Frame::data(piece)));
        let body = StreamBody::new(stream::iter(pieces)).boxed_unsync();
        let request = Request::put(path).header("content-length", self.size);
        send(url, request.body(body).unwrap()).await.status()
    }
}

/// The size and the hash of what comes back.
pub(crate) async fn download(url: &str, path: &str) -> (u64, [u8; 32]) {
    let response = send(url, Request::get(path).body(empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let mut body = response.into_body();
    let (mut size, mut hash) = (0, Sha256::new());
    while let Some(frame) = in_time(body.frame()).await {
        if let Ok(data) = frame.expect("the body arrives").into_data() {
            size += data.len() as u64;
            hash.update(data);
        }
    }
    (size, hash.finalize().into())
}

pub(crate) async fn status(url: &str, method: Method, path: &str) -> StatusCode {
    let request = Request::builder().method(method).uri(path);
    send(url, request.body(empty()).unwrap()).await.status()
}

fn empty() -> Body {
    Empty::new().boxed_unsync()
}

async fn send(url: &str, mut request: Request<Body>) -> Response<Incoming> {
    let authority = authority(url);
    let host = authority.parse().expect("an authority is a header's value");
    request.headers_mut().insert("host", host);
    let stream = TcpStream::connect(authority).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    in_time(sender.send_request(request)).await.unwrap()
}

async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    timeout(TIMEOUT, waiting).await.expect("it goes on")
}
