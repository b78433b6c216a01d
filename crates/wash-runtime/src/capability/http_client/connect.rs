//! Opens connections, no more than the workload may have.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tower_service::Service;

use super::reach;
use super::reach::Reach;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long a connection that is about to become idle may take to be used again by the same host, before idle ones are
/// closed to make room.
const GRACE: Duration = Duration::from_millis(50);

/// How long to wait until the system is asked whether an idle peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// There is no room for another connection.
#[derive(Debug, thiserror::Error)]
#[error("no room for another connection")]
pub(super) struct Full;

/// The name of a host is not known.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(io::Error);

/// The host is this machine, or on its link, and the request may not go there.
#[derive(Debug, thiserror::Error)]
#[error("the host is this machine, or on its link")]
pub(super) struct Local;

/// Connects with TCP, and TLS where the scheme asks for it.
#[derive(Clone)]
pub(super) struct Connector {
    inner: HttpsConnector<HttpConnector<Resolver>>,
    reach: Reach,
    room: Arc<Semaphore>,
}

/// Which versions of HTTP a connection may turn out to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    /// HTTP/2 if the server agrees to it in the TLS handshake, else HTTP/1.1.
    Negotiated,
    Http2,
}

impl Connector {
    pub(super) fn new(
        config: ClientConfig,
        versions: Versions,
        reach: Reach,
        room: Arc<Semaphore>,
    ) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver {
            system: GaiResolver::new(),
            reach,
        });
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(KEEPALIVE));
        let builder = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http();
        let inner = match versions {
            Versions::Negotiated => builder.enable_all_versions().wrap_connector(http),
            Versions::Http2 => builder.enable_http2().wrap_connector(http),
        };
        Self { inner, reach, room }
    }
}

impl Service<Uri> for Connector {
    type Response = Held;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Held, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (room, mut inner) = (Arc::clone(&self.room), self.inner.clone());
        // What is spelled as an address is not resolved.
        let covered = reach::literal(&uri).is_none_or(|address| self.reach.covers(address));
        Box::pin(async move {
            if !covered {
                return Err(Local.into());
            }
            let permit = match timeout(GRACE, room.acquire_owned()).await {
                Ok(permit) => permit.expect("the semaphore is never closed"),
                Err(_) => return Err(Full.into()),
            };
            let stream = inner.call(uri).await?;
            Ok(Held {
                stream,
                uses: Uses::default(),
                _permit: permit,
            })
        })
    }
}

/// How many requests have had a connection.
#[derive(Clone, Default)]
pub(super) struct Uses(Arc<AtomicUsize>);

impl Uses {
    /// Counts another one. Whether the connection is an old one, which its server may have been about to close.
    pub(super) fn count(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) > 0
    }
}

/// A connection, counted as long as it is open.
pub(super) struct Held {
    stream: MaybeHttpsStream<TokioIo<TcpStream>>,
    uses: Uses,
    _permit: OwnedSemaphorePermit,
}

impl Connection for Held {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.uses.clone())
    }
}

impl Read for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Held {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }
}

/// The system's resolver, whose failures can be told from others, without the addresses that a request may not go to.
#[derive(Clone)]
pub(super) struct Resolver {
    system: GaiResolver,
    reach: Reach,
}

pub(super) struct Resolving {
    system: <GaiResolver as Service<Name>>::Future,
    reach: Reach,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Resolving;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let ready = self.system.poll_ready(cx);
        ready.map_err(|error| Unresolved(error).into())
    }

    fn call(&mut self, name: Name) -> Resolving {
        Resolving {
            system: self.system.call(name),
            reach: self.reach,
        }
    }
}

impl Future for Resolving {
    type Output = Result<std::vec::IntoIter<SocketAddr>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let found = ready!(Pin::new(&mut self.system).poll(cx)).map_err(Unresolved)?;
        let found: Vec<SocketAddr> = found.collect();
        let covered = found.iter().copied();
        let covered: Vec<_> = covered
            .filter(|address| self.reach.covers(address.ip()))
            .collect();
        Poll::Ready(match covered.is_empty() && !found.is_empty() {
            true => Err(Local.into()),
            false => Ok(covered.into_iter()),
        })
    }
}
