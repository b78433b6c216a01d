//! The contract, checked on the local host: requests come through a pipe in memory, messages from a capability that
//! hands them over.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use tempfile::TempDir;
use wash_component::host_interface::Tier;
use wasmtime::component::Linker;

use super::Rig;
use crate::capability::{Capabilities, Capability, Interface, InterfaceDeclaration, Running};
use crate::events::{Events, Recorder, RequestId};
use crate::host::{Host, StartRequest};
use crate::http::{Handler, RequestBody};
use crate::instance::State;
use crate::local::{HostOptions, LocalHost, Routes};
use crate::messages::{Message, MessageHandler};
use crate::testing::{ACCEPT, broken, takes, workload};
use crate::workload::WorkloadId;

pub(super) struct LocalRig {
    host: LocalHost,
    routes: Arc<Slot>,
    deliveries: Arc<Deliveries>,
    output: Recorder,
    volumes: TempDir,
}

/// Hands messages to the workload that was bound last, and notes what it is told.
#[derive(Default)]
pub(super) struct Deliveries {
    to: Mutex<Option<(WorkloadId, Arc<dyn MessageHandler>)>>,
    heard: Mutex<Vec<String>>,
}

impl Deliveries {
    fn note(&self, what: String) {
        self.heard.lock().unwrap().push(what);
    }

    fn take_from(&self, id: &WorkloadId) {
        self.to
            .lock()
            .unwrap()
            .take_if(|(current, _)| current == id);
    }

    pub(super) fn handler(&self) -> Option<Arc<dyn MessageHandler>> {
        let to = self.to.lock().unwrap();
        to.as_ref().map(|(_, handler)| Arc::clone(handler))
    }
}

impl Capability for Arc<Deliveries> {
    fn name(&self) -> &'static str {
        "deliveries"
    }

    fn tier(&self) -> Tier {
        Tier::Capability
    }

    fn interfaces(&self) -> &'static [InterfaceDeclaration] {
        &[]
    }

    fn bind(&self, running: &Running<'_>) {
        let id = running.id;
        match running.replaces {
            Some(old) => self.note(format!("bind {id} for {old}")),
            None => self.note(format!("bind {id}")),
        }
        if let Some(old) = running.replaces {
            self.take_from(old);
        }
        if let Some(receiving) = running.receiving.first() {
            assert!(receiving.subscriptions.is_empty());
            *self.to.lock().unwrap() = Some((id.clone(), Arc::clone(&receiving.handler)));
        }
    }

    fn retire(&self, id: &WorkloadId, _: &Events) {
        self.note(format!("retire {id}"));
        self.take_from(id);
    }

    fn unbind(&self, id: &WorkloadId) {
        self.note(format!("unbind {id}"));
    }

    fn grant(
        &self,
        _: &mut Linker<State>,
        _: &str,
        _: &Interface<'_>,
        _: usize,
    ) -> wasmtime::Result<bool> {
        Ok(false)
    }
}

pub(super) fn message() -> Message {
    Message {
        subject: "test.subject".to_owned(),
        body: b"hello".to_vec(),
        reply_to: Some("back".to_owned()),
    }
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
    /// `cache`: where compiled code is kept, so that a busy machine compiles each guest once.
    pub(super) fn new(cache: &Path) -> Self {
        let routes = Arc::new(Slot::default());
        let deliveries = Arc::new(Deliveries::default());
        let volumes = tempfile::tempdir().unwrap();
        let (events, output) = Recorder::new();
        let options = HostOptions {
            cache_dir: Some(cache.to_owned()),
            events,
            routes: routes.clone(),
        };
        let capabilities = Capabilities::new(volumes.path().to_owned());
        let capabilities = capabilities.with(Arc::clone(&deliveries));
        Self {
            host: LocalHost::with(options, capabilities),
            routes,
            deliveries,
            output,
            volumes,
        }
    }

    pub(super) fn handler(&self) -> Option<Arc<dyn MessageHandler>> {
        self.deliveries.handler()
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
        let service = service_fn(move |request: http::Request<Incoming>| {
            let handler = Arc::clone(&handler);
            let request = request.map(RequestBody::from);
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

    async fn deliver(&self) -> Option<Result<(), String>> {
        let handler = self.handler()?;
        Some(handler.handle_in_turn(message()).await)
    }

    fn told(&self, text: &str) -> usize {
        let output = self.output.text();
        output.lines().filter(|line| line.contains(text)).count()
    }

    fn volumes(&self) -> usize {
        std::fs::read_dir(self.volumes.path()).unwrap().count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_host_keeps_the_contract() {
    let cache = tempfile::tempdir().unwrap();
    assert_eq!(super::check(|| LocalRig::new(cache.path())).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_follow_the_life_of_a_workload() {
    let cache = tempfile::tempdir().unwrap();
    let rig = LocalRig::new(cache.path());
    let start = async |workload, replaces| {
        let request = StartRequest { workload, replaces };
        rig.host.start(request).await.map(|started| started.id)
    };
    let takes = || workload([takes(ACCEPT, Duration::ZERO)]);
    let old = start(takes(), None).await.unwrap();
    start(broken(), Some(old.clone())).await.unwrap_err();
    let new = start(takes(), Some(old.clone())).await.unwrap();
    assert!(super::gone(&rig.host, &old).await);
    rig.host.stop(&new).await.unwrap();
    assert_eq!(
        *rig.deliveries.heard.lock().unwrap(),
        [
            "bind test-1",
            "bind test-2 for test-1",
            "unbind test-1",
            "retire test-2",
            "unbind test-2"
        ]
    );
}
