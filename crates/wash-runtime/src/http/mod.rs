//! The HTTP server: one listener that never closes, in front of a handler that can be swapped.
//!
//! Knows nothing of components: a [`Handler`] answers requests, and the engine has one. [`listen()`] takes the port,
//! [`Server`] speaks HTTP on it, inside TLS if it is given [`tls`], and [`HttpService`] numbers each request, gives it to the
//! handler of the moment and writes its line to the access log. A [`Router`] is a handler in front of several.

mod access;
mod connection;
mod front;
mod hosts;
mod listen;
mod page;
mod request_body;
mod router;
mod server;
mod target;
#[cfg(test)]
mod tests;
pub mod tls;

pub use connection::Timeouts;
pub use front::HttpService;
pub use hosts::AllowedHosts;
pub use listen::{ListenError, Listening, Skipped, listen};
pub use page::{Page, Wants};
pub use request_body::{RequestBody, RequestBodyError};
pub use router::Router;
pub use server::{Server, Stop};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

use crate::events::RequestId;

/// A response's body: streams, never collected.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// What can go wrong while a body streams; the connection (HTTP/1) or the stream (HTTP/2) is reset.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A request as it came from the wire. One that came inside TLS has [`http::uri::Scheme::HTTPS`] among its extensions.
pub type Request = http::Request<RequestBody>;

/// Answers requests. Never fails: what goes wrong becomes a response, and a line on the console.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    async fn handle(&self, request: Request, id: RequestId) -> http::Response<Body>;
}
