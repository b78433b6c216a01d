//! The host inside this process.
//!
//! A start checks everything it can with nothing running, compiles, links, and tries the component out once; only then
//! does it touch the routes. A workload that was replaced or stopped keeps what its requests in flight need until the
//! last of them has ended.

mod back_off;
#[cfg(test)]
pub(crate) mod contract;
mod supervisor;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::activity::Activity;
use crate::capability::{Capabilities, Capability};
use crate::engine::{Answering, Callee, Engines, Means, Optimization, Prepared, Serving};
use crate::events::{Events, RequestId};
use crate::host::{
    Heartbeat, Host, ServiceState, StartRequest, Started, WorkloadState, WorkloadStatus,
};
use crate::http::{Body, Handler, Request, Router};
use crate::instance::Extensions;
use crate::workload::{
    Drive, Entry, Grant, Limits, Member, MemberSettings, NoSuchWorkload, StartError, Workload,
    WorkloadId,
};
use crate::{capability, engine};

use supervisor::{Failure, Run, Supervisor};
use wash_component::call::{Program, Value};
use wash_component::{Shape, ShapeError};

/// How long whoever still holds the handler of a workload that goes is waited for. Requests that were counted are waited
/// for as long as they take.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(1);

/// Where the requests for a workload come from.
pub trait Routes: Send + Sync {
    /// From now on `handler` answers, instead of the one that did before.
    fn serve(&self, id: &WorkloadId, handler: Arc<dyn Handler>);

    /// Takes away the routes of a workload, if it is the one that has them.
    fn clear(&self, id: &WorkloadId);
}

/// Nothing comes from outside.
pub struct NoRoutes;

impl Routes for NoRoutes {
    fn serve(&self, _: &WorkloadId, _: Arc<dyn Handler>) {}

    fn clear(&self, _: &WorkloadId) {}
}

pub struct HostOptions {
    /// Where compiled code is kept; `None` compiles everything anew. See [`default_cache_dir`].
    pub cache_dir: Option<PathBuf>,
    pub events: Events,
    pub routes: Arc<dyn Routes>,
}

/// The folder for compiled code in the user's cache folder, if there is one.
pub fn default_cache_dir() -> Option<PathBuf> {
    engine::cache::default_dir()
}

/// Runs workloads in this process. A clone is the same host.
#[derive(Clone)]
pub struct LocalHost(Arc<Inner>);

struct Inner {
    id: String,
    started_at: SystemTime,
    engines: Arc<Engines>,
    capabilities: Capabilities,
    events: Events,
    routes: Arc<dyn Routes>,
    next: AtomicU64,
    workloads: Mutex<BTreeMap<WorkloadId, Running>>,
}

struct Running {
    name: String,
    draining: bool,
    /// Cancelled when it begins to drain.
    retired: CancellationToken,
    activity: Arc<Activity>,
    /// Cancelled when nobody holds the handler of its requests any more, so that no request can come any more.
    handed_over: CancellationToken,
    service: Option<Supervisor>,
    /// What can be called by name.
    callee: Option<Arc<Callee>>,
    /// Nothing drives it but itself.
    only_service: bool,
    /// What the capabilities keep for it, such as its volumes; `None` once it is being dropped.
    kept: Option<Extensions>,
    /// Nothing of it is left.
    gone: CancellationToken,
}

impl LocalHost {
    pub fn new(options: HostOptions) -> Self {
        Self::with(options, Capabilities::default())
    }

    /// A host with capabilities of its own, besides those that come with it.
    pub fn with_capabilities(options: HostOptions, others: Vec<Box<dyn Capability>>) -> Self {
        Self::with(options, Capabilities::default().with_all(others))
    }

    /// A workload of one component as it was built: its imports that grant something are granted to it, as far as this host
    /// serves them.
    ///
    /// # Errors
    ///
    /// When the bytes are no component.
    pub fn workload(
        &self,
        name: &str,
        component: Arc<[u8]>,
        drive: Drive,
        settings: MemberSettings,
    ) -> Result<Workload, ShapeError> {
        let shape = Shape::parse(&component)?;
        let imports = shape.imports.iter();
        let grants = imports.filter_map(|(import, item)| {
            let interface = item.interface.as_ref()?.to_string();
            let is_granted = self.0.capabilities.grants(&interface);
            is_granted.then(|| Grant {
                import: import.clone(),
                interface,
                member: 0,
            })
        });
        let entry = Entry {
            name: name.to_owned(),
            grants: grants.collect(),
            component,
            members: vec![Member {
                name: name.to_owned(),
                settings,
            }],
            drive,
            limits: Limits::default(),
        };
        Ok(Workload {
            name: name.to_owned(),
            entries: vec![entry],
        })
    }

    pub(super) fn with(options: HostOptions, capabilities: Capabilities) -> Self {
        let HostOptions {
            cache_dir,
            events,
            routes,
        } = options;
        Self(Arc::new(Inner {
            id: random_id(),
            started_at: SystemTime::now(),
            engines: Arc::new(Engines::new(cache_dir, events.clone())),
            capabilities,
            events,
            routes,
            next: AtomicU64::new(1),
            workloads: Mutex::default(),
        }))
    }
}

/// Why a function that was called by name gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("{summary}")]
    Trap {
        /// What happened, as one line.
        summary: String,
        /// The same with the backtrace below it, demangled.
        report: String,
    },
    #[error("the guest called `exit` with status {0}")]
    Exit(i32),
    #[error("workload `{0}` has nothing that can be called by name")]
    NothingToCall(WorkloadId),
    #[error(transparent)]
    NoSuchWorkload(#[from] NoSuchWorkload),
}

impl LocalHost {
    /// Calls functions that the [`Drive::Calls`] entry of a workload exports, in a fresh
    /// instance, and waits for the answer of the last; `None` if it answers nothing. Dropping this stops the guest.
    pub async fn call(
        &self,
        id: &WorkloadId,
        program: &Program,
    ) -> Result<Option<Value>, CallError> {
        let (callee, flight) = {
            let workloads = self.0.workloads();
            let running = workloads
                .get(id)
                .ok_or_else(|| NoSuchWorkload(id.clone()))?;
            let callee = running.callee.clone();
            let callee = callee.ok_or_else(|| CallError::NothingToCall(id.clone()))?;
            // Counted before the workload can be stopped.
            let flight = callee.flight();
            (callee, flight)
        };
        let called = callee.call(program, flight).await;
        called.map_err(|failure| match failure {
            engine::Failure::Exit(status) => CallError::Exit(status),
            engine::Failure::Trap(report) => CallError::Trap {
                report: report.text(),
                summary: report.summary,
            },
        })
    }

    /// Has a workload that runs quickly compiled code run optimized code, as long as nothing newer replaces it.
    fn optimize(&self, id: &WorkloadId, optimization: Optimization) {
        let workloads = self.0.workloads();
        let Some(running) = workloads.get(id) else {
            return;
        };
        let retired = running.retired.clone();
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let engines = Arc::clone(&inner.engines);
            optimization
                .run(engines, &inner.capabilities, &inner.events, &retired)
                .await;
        });
    }

    /// Lets the requests of a workload end, and then forgets it.
    fn drain(&self, id: WorkloadId) -> JoinHandle<()> {
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move { inner.drain(&id).await })
    }
}

#[async_trait]
impl Host for LocalHost {
    async fn heartbeat(&self) -> Heartbeat {
        let workloads = self.0.workloads();
        let services = workloads.values().filter_map(|running| {
            let service = running.service.as_ref()?;
            (service.status().state == ServiceState::Running).then_some(())
        });
        Heartbeat {
            host_id: self.0.id.clone(),
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.0.started_at,
            workloads: workloads.len(),
            services: services.count(),
            in_flight: workloads
                .values()
                .map(|running| running.activity.in_flight())
                .sum(),
        }
    }

    async fn start(&self, request: StartRequest) -> Result<Started, StartError> {
        self.start_unless(request, CancellationToken::new()).await
    }

    async fn start_unless(
        &self,
        request: StartRequest,
        superseded: CancellationToken,
    ) -> Result<Started, StartError> {
        let StartRequest { workload, replaces } = request;
        if let Some(old) = &replaces {
            self.0.known(old)?;
        }
        let means = Means {
            engines: &self.0.engines,
            capabilities: &self.0.capabilities,
            events: &self.0.events,
        };
        let mut prepared = means.prepare(&workload, &superseded).await?;
        let timings = prepared.timings;
        let optimization = std::mem::take(&mut prepared.optimization);
        let id = self.0.swap(workload.name, prepared, replaces.as_ref())?;
        if !optimization.is_empty() {
            self.optimize(&id, optimization);
        }
        if let Some(old) = replaces {
            self.drain(old);
        }
        Ok(Started { id, timings })
    }

    async fn status(&self, id: &WorkloadId) -> Result<WorkloadStatus, NoSuchWorkload> {
        let workloads = self.0.workloads();
        let running = workloads
            .get(id)
            .ok_or_else(|| NoSuchWorkload(id.clone()))?;
        let activity = &running.activity;
        Ok(WorkloadStatus {
            id: id.clone(),
            name: running.name.clone(),
            state: running.state(),
            in_flight: activity.in_flight(),
            requests: activity.requests(),
            traps: activity.traps(),
            service: running.service.as_ref().map(Supervisor::status),
        })
    }

    async fn stop(&self, id: &WorkloadId) -> Result<(), NoSuchWorkload> {
        self.0.known(id)?;
        self.0.routes.clear(id);
        for capability in self.0.capabilities.iter() {
            capability.retire(id, &self.0.events);
        }
        // Whoever asked may stop waiting; the workload is dropped all the same.
        let _ = self.drain(id.clone()).await;
        Ok(())
    }
}

impl Inner {
    fn workloads(&self) -> MutexGuard<'_, BTreeMap<WorkloadId, Running>> {
        self.workloads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, id: &WorkloadId) -> Result<(), NoSuchWorkload> {
        match self.workloads().contains_key(id) {
            true => Ok(()),
            false => Err(NoSuchWorkload(id.clone())),
        }
    }

    /// Makes a workload the running one, and the one it replaces a draining one.
    fn swap(
        &self,
        name: String,
        prepared: Prepared,
        replaces: Option<&WorkloadId>,
    ) -> Result<WorkloadId, NoSuchWorkload> {
        let id = WorkloadId(format!(
            "{name}-{}",
            self.next.fetch_add(1, Ordering::Relaxed)
        ));
        let Prepared {
            answering,
            receiving,
            service,
            callee,
            activity,
            kept,
            timings: _,
            optimization: _,
        } = prepared;
        let mut workloads = self.workloads();
        if let Some(old) = replaces {
            // It may have been stopped while its successor was compiled.
            workloads
                .get_mut(old)
                .ok_or_else(|| NoSuchWorkload(old.clone()))?
                .retire();
        }
        let running = capability::Running {
            id: &id,
            replaces,
            receiving: &receiving,
            kept: &kept,
            events: &self.events,
        };
        for capability in self.capabilities.iter() {
            capability.bind(&running);
        }
        let only_service = answering.is_empty() && receiving.is_empty();
        let service = service.map(|serving| self.supervise(serving));
        let handed_over = CancellationToken::new();
        let router = router(answering, handed_over.clone().drop_guard());
        workloads.insert(
            id.clone(),
            Running {
                name,
                draining: false,
                retired: CancellationToken::new(),
                activity,
                handed_over,
                service,
                callee: callee.map(Arc::new),
                only_service,
                kept: Some(kept),
                gone: CancellationToken::new(),
            },
        );
        match router {
            Some(router) => self.routes.serve(&id, router),
            // What answered before goes without a successor.
            None => replaces.into_iter().for_each(|old| self.routes.clear(old)),
        }
        Ok(id)
    }

    fn supervise(&self, serving: Serving) -> Supervisor {
        let Serving {
            name,
            restart,
            service,
        } = serving;
        Supervisor::start(name, restart, service, self.events.clone())
    }

    /// Waits for the last request of a workload, ends its service, and forgets it once nothing of it is left.
    async fn drain(&self, id: &WorkloadId) {
        let (activity, handed_over, gone) = {
            let mut workloads = self.workloads();
            let Some(running) = workloads.get_mut(id) else {
                return;
            };
            running.retire();
            (
                Arc::clone(&running.activity),
                running.handed_over.clone(),
                running.gone.clone(),
            )
        };
        // Whoever has taken the handler at the last moment counts as a request as soon as it is called.
        let _ = timeout(HANDOVER_TIMEOUT, handed_over.cancelled()).await;
        activity.idle().await;
        let last = {
            let mut workloads = self.workloads();
            workloads.get_mut(id).and_then(Running::end)
        };
        let Some((ended, kept)) = last else {
            // Somebody else stops it as well, and is further.
            return gone.cancelled().await;
        };
        ended.await;
        for capability in self.capabilities.iter() {
            capability.unbind(id);
        }
        // Removes its volumes.
        let _ = tokio::task::spawn_blocking(move || drop(kept)).await;
        self.workloads().remove(id);
        gone.cancel();
        let _ = tokio::task::spawn_blocking(engine::give_back_memory).await;
    }
}

impl Running {
    /// It gets nothing new, and its service is not started again.
    fn retire(&mut self) {
        self.draining = true;
        self.retired.cancel();
        if let Some(service) = &self.service {
            service.retire();
        }
    }

    /// Stops its service. Returns what waits for the end of that, and what is to be dropped then; only once.
    fn end(&mut self) -> Option<(impl Future<Output = ()> + use<>, Extensions)> {
        let kept = self.kept.take()?;
        let ended = self.service.as_ref().map(Supervisor::end);
        let ended = async move {
            if let Some(ended) = ended {
                ended.await;
            }
        };
        Some((ended, kept))
    }

    fn state(&self) -> WorkloadState {
        let service = self.service.as_ref().filter(|_| self.only_service);
        match service.map(|service| service.status().state) {
            _ if self.draining => WorkloadState::Draining,
            Some(ServiceState::Ended { success: true }) => WorkloadState::Completed,
            Some(ServiceState::Ended { success: false }) => WorkloadState::Failed,
            _ => WorkloadState::Running,
        }
    }
}

/// What answers requests for all entries that do. It holds the guard for as long as anybody holds it.
fn router(answering: Vec<Answering>, guard: DropGuard) -> Option<Arc<dyn Handler>> {
    if answering.is_empty() {
        return None;
    }
    let routes = answering.into_iter().flat_map(|entry| {
        let Answering { routes, handler } = entry;
        routes
            .into_iter()
            .map(move |route| (route, Arc::clone(&handler) as Arc<dyn Handler>))
    });
    Some(Arc::new(Guarded {
        router: Router::new(routes),
        _guard: guard,
    }))
}

/// The handler of a workload, which tells when it goes.
struct Guarded {
    router: Router,
    _guard: DropGuard,
}

#[async_trait]
impl Handler for Guarded {
    async fn handle(&self, request: Request, id: RequestId) -> http::Response<Body> {
        self.router.handle(request, id).await
    }
}

#[async_trait]
impl Run for engine::Service {
    async fn run(&self) -> Result<(), Failure> {
        let ended = engine::Service::run(self).await;
        ended.map_err(|report| Failure {
            text: report.text(),
            summary: report.summary,
        })
    }
}

fn random_id() -> String {
    // Each state is seeded by the operating system.
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
