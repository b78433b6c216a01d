//! The contract, checked on the local host: requests come through a pipe in memory.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use crate::console::Console;
use crate::host::local::{HostOptions, LocalHost, Routes};
use crate::host::workload::WorkloadId;
use crate::http::{Handler, RequestId};

use super::Rig;

pub(super) struct LocalRig {
    host: LocalHost,
    routes: Arc<Slot>,
}

#[derive(Default)]
struct Slot(Mutex<Option<(WorkloadId, Arc<dyn Handler>)>>);

impl Routes for Slot {
    fn serve(&self, id: &WorkloadId, handler: Arc<dyn Handler>) {
        *self.0.lock().unwrap() = Some((id.clone(), handler));
    }

    fn clear(&self, id: &WorkloadId) {
        self.0.lock().unwrap().take_if(|(current, _)| current == id);
    }
}

impl LocalRig {
    pub(super) fn new() -> Self {
        let routes = Arc::new(Slot::default());
        let (console, _) = Console::capture();
        let host = LocalHost::new(HostOptions {
            cache_dir: None,
            console,
            routes: routes.clone(),
        });
        Self { host, routes }
    }
}

#[async_trait]
impl Rig for LocalRig {
    type Host = LocalHost;

    fn host(&self) -> &LocalHost {
        &self.host
    }

    async fn send(&self) -> Option<u16> {
        let handler = Arc::clone(&self.routes.0.lock().unwrap().as_ref()?.1);
        let (here, there) = tokio::io::duplex(4096);
        let service = service_fn(move |request| {
            let handler = Arc::clone(&handler);
            async move { Ok::<_, Infallible>(handler.handle(request, RequestId(1)).await) }
        });
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(there), service)
                .await;
        });
        let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(here))
            .await
            .ok()?;
        tokio::spawn(connection);
        let request = http::Request::get("/")
            .header("host", "test")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let response = client.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        response.into_body().collect().await.ok()?;
        Some(status)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_host_keeps_the_contract() {
    assert_eq!(super::check(LocalRig::new).await, Ok(()));
}
