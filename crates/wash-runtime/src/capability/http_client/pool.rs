//! The connections of a workload: opened when needed, kept for a while, shared by members that trust the same servers.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::body::{Arriving, Lent, Sending};
use super::connect::{Connector, Uses, Versions};
use super::failure;
use super::failure::{Failure, Trouble};
use super::reach::Reach;
use super::trust::Trust;
use crate::capability::SettingsError;
use crate::capability::http_client::HttpClient;

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(30);

/// For everything that a guest has set no timeout for.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The pools of a host.
#[derive(Default)]
pub(super) struct Pools(Mutex<HashMap<Key, Weak<Pool>>>);

/// A new version of a workload goes on with the connections of the one before.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    workload: String,
    connections: usize,
    wait: Duration,
}

impl Pools {
    pub(super) fn of(&self, workload: &str, settings: &HttpClient) -> Arc<Pool> {
        let key = Key {
            workload: workload.to_owned(),
            connections: settings.connections.get(),
            wait: settings.wait,
        };
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|_, pool| pool.strong_count() > 0);
        if let Some(pool) = pools.get(&key).and_then(Weak::upgrade) {
            return pool;
        }
        let pool = Arc::new(Pool {
            most: key.connections,
            wait: key.wait,
            room: Arc::new(Semaphore::new(key.connections.min(Semaphore::MAX_PERMITS))),
            transports: Mutex::default(),
        });
        pools.insert(key, Arc::downgrade(&pool));
        pool
    }
}

/// The connections of one workload.
pub(super) struct Pool {
    pub(super) most: usize,
    pub(super) wait: Duration,
    room: Arc<Semaphore>,
    transports: Mutex<HashMap<(Trust, Reach), Weak<Transport>>>,
}

/// The connections of those who trust the same servers and may go equally far.
pub(super) struct Transport {
    config: ClientConfig,
    reach: Reach,
    room: Arc<Semaphore>,
    clients: Mutex<Clients>,
}

#[derive(Clone)]
struct Clients {
    negotiated: Client<Connector, Lent>,
    http2: Client<Connector, Lent>,
}

impl Clients {
    fn new(config: &ClientConfig, reach: Reach, room: &Arc<Semaphore>) -> Self {
        let client = |versions: Versions| {
            Client::builder(TokioExecutor::new())
                .http2_only(versions == Versions::Http2)
                .pool_idle_timeout(IDLE)
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .build(Connector::new(
                    config.clone(),
                    versions,
                    reach,
                    Arc::clone(room),
                ))
        };
        Self {
            negotiated: client(Versions::Negotiated),
            http2: client(Versions::Http2),
        }
    }
}

impl Transport {
    /// A server of gRPC speaks HTTP/2 only, and in the clear there is nothing to negotiate it with.
    fn client(&self, headers: &HeaderMap) -> Client<Connector, Lent> {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        match is_grpc(headers) {
            true => clients.http2.clone(),
            false => clients.negotiated.clone(),
        }
    }

    /// Lets go of the connections that are idle. The others are closed as they become idle.
    fn close_idle(&self) {
        let new = Clients::new(&self.config, self.reach, &self.room);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *clients, new);
        drop(clients);
        drop(old);
    }
}

impl Pool {
    pub(super) fn transport(
        &self,
        trust: &Trust,
        reach: Reach,
    ) -> Result<Arc<Transport>, SettingsError> {
        let key = (trust.clone(), reach);
        let mut transports = self
            .transports
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        transports.retain(|_, transport| transport.strong_count() > 0);
        if let Some(transport) = transports.get(&key).and_then(Weak::upgrade) {
            return Ok(transport);
        }
        let (config, room) = (trust.config()?, Arc::clone(&self.room));
        let transport = Arc::new(Transport {
            clients: Mutex::new(Clients::new(&config, reach, &room)),
            config,
            reach,
            room,
        });
        transports.insert(key, Arc::downgrade(&transport));
        Ok(transport)
    }

    /// Sends a request, and returns when the head of the response is there.
    pub(super) async fn send(
        &self,
        transport: &Transport,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Failure> {
        let begin = Instant::now();
        let connected_by = begin + options.connect_timeout.unwrap_or(TIMEOUT);
        let room_by = begin + self.wait;
        let first_byte = options.first_byte_timeout.unwrap_or(TIMEOUT);
        let between_bytes = options.between_bytes_timeout.unwrap_or(TIMEOUT);

        let (head, body) = request.into_parts();
        let body = Sending::new(body);
        loop {
            let mut attempt = Request::from_parts(head.clone(), body.lend());
            let mut captured = capture_connection(&mut attempt);
            let client = transport.client(&head.headers);
            let mut response = pin!(client.request(attempt));
            drop(client);
            let done = tokio::select! {
                biased;
                done = &mut response => done,
                () = async { drop(captured.wait_for_connection_metadata().await) } => {
                    let in_time = timeout(first_byte, response.as_mut()).await;
                    in_time.map_err(|_| Error::ConnectionReadTimeout)?
                }
                () = sleep_until(connected_by) => return Err(Error::ConnectionTimeout.into()),
            };
            // Told apart from one that was opened for this request.
            let is_old = {
                let mut extras = http::Extensions::new();
                let metadata = captured.connection_metadata();
                if let Some(connected) = &*metadata {
                    connected.get_extras(&mut extras);
                }
                extras.get::<Uses>().is_some_and(Uses::count)
            };
            match done {
                Ok(response) => {
                    return Ok(
                        response.map(|body| Arriving::new(body, between_bytes).boxed_unsync())
                    );
                }
                Err(error) if failure::is_full(&error) => {
                    self.make_room(room_by, connected_by).await?;
                }
                // It had closed the connection as idle when the request was on its way.
                Err(error)
                    if is_old
                        && failure::is_unanswered(&error)
                        && may_repeat(&head)
                        && body.is_whole() => {}
                Err(error) => {
                    return Err(match body.failure() {
                        Some(own) => own.into(),
                        None => failure::of_request(&error),
                    });
                }
            }
        }
    }

    /// Waits until a connection may be opened, after those that nobody uses have been closed.
    async fn make_room(&self, room_by: Instant, connected_by: Instant) -> Result<(), Failure> {
        let transports = self.transports.lock();
        let transports = transports.unwrap_or_else(PoisonError::into_inner).clone();
        for transport in transports.values().filter_map(Weak::upgrade) {
            transport.close_idle();
        }
        match timeout_at(room_by.min(connected_by), self.room.acquire()).await {
            Ok(_) => Ok(()),
            Err(_) if connected_by < room_by => Err(Error::ConnectionTimeout.into()),
            Err(_) => Err(Failure {
                code: Error::ConnectionLimitReached,
                trouble: Some(Trouble::Crowded),
            }),
        }
    }
}

/// Whether a request that the server may have seen already means the same when it comes again (RFC 9110, 9.2.2).
fn may_repeat(head: &Parts) -> bool {
    head.method.is_idempotent() || head.headers.contains_key("idempotency-key")
}

/// Whether a request is gRPC, as its content type says. gRPC-Web is not: it was made for HTTP/1.1.
fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let rest = content_type.and_then(|value| value.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_told_by_its_content_type() {
        let grpc = |content_type: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
            is_grpc(&headers)
        };
        assert!(grpc("application/grpc"));
        assert!(grpc("application/grpc+proto"));
        assert!(grpc("application/grpc; charset=utf-8"));
        assert!(!grpc("application/grpc-web+proto"));
        assert!(!grpc("application/json"));
        assert!(!is_grpc(&HeaderMap::new()));
    }
}
