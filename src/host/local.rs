//! The host inside this process.
//!
//! A start checks everything it can with nothing running, compiles, links, and tries the component out once; only then
//! does it touch the routes. A workload that was replaced or stopped keeps what its requests in flight need until the
//! last of them has ended.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use crate::capability::Capabilities;
use crate::console::Console;
use crate::engine::handler::ComponentHandler;
use crate::engine::{self, Engines, Means, Prepared};
use crate::http::Handler;

use super::workload::WorkloadId;
use super::{
    Heartbeat, Host, NoSuchWorkload, StartError, StartRequest, Started, WorkloadState,
    WorkloadStatus,
};

/// Where the requests for a workload come from.
pub trait Routes: Send + Sync {
    /// From now on `handler` answers, instead of the one that did before.
    fn serve(&self, id: &WorkloadId, handler: Arc<dyn Handler>);

    /// Takes away the routes of a workload, if it is the one that has them.
    fn clear(&self, id: &WorkloadId);
}

pub struct HostOptions {
    /// Where compiled code is kept; `None` compiles everything anew. See [`default_cache_dir`].
    pub cache_dir: Option<PathBuf>,
    pub console: Console,
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
    console: Console,
    routes: Arc<dyn Routes>,
    next: AtomicU64,
    workloads: Mutex<BTreeMap<WorkloadId, Running>>,
}

struct Running {
    name: String,
    state: WorkloadState,
    handler: Arc<ComponentHandler>,
}

impl LocalHost {
    pub fn new(options: HostOptions) -> Self {
        let HostOptions {
            cache_dir,
            console,
            routes,
        } = options;
        Self(Arc::new(Inner {
            id: random_id(),
            started_at: SystemTime::now(),
            engines: Arc::new(Engines::new(cache_dir, console.clone())),
            capabilities: Capabilities::default(),
            console,
            routes,
            next: AtomicU64::new(1),
            workloads: Mutex::default(),
        }))
    }
}

impl LocalHost {
    /// Lets the requests of a workload end, and then forgets it.
    fn drain(&self, id: WorkloadId) -> JoinHandle<()> {
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move { inner.drain(&id).await })
    }
}

#[async_trait]
impl Host for LocalHost {
    async fn heartbeat(&self) -> Heartbeat {
        Heartbeat {
            host_id: self.0.id.clone(),
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.0.started_at,
            workloads: self.0.workloads().len(),
        }
    }

    async fn start(&self, request: StartRequest) -> Result<Started, StartError> {
        let StartRequest { workload, replaces } = request;
        if let Some(old) = &replaces {
            self.0.running(old)?;
        }
        let means = Means {
            engines: &self.0.engines,
            capabilities: &self.0.capabilities,
            console: &self.0.console,
        };
        let Prepared { handlers, timings } = means.prepare(&workload).await?;
        let [answering] = <[_; 1]>::try_from(handlers).ok().expect("one");
        let id = self
            .0
            .swap(workload.name, answering.handler, replaces.as_ref())?;
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
        let activity = running.handler.activity();
        Ok(WorkloadStatus {
            id: id.clone(),
            name: running.name.clone(),
            state: running.state.clone(),
            in_flight: activity.in_flight(),
            requests: activity.requests(),
            traps: activity.traps(),
        })
    }

    async fn stop(&self, id: &WorkloadId) -> Result<(), NoSuchWorkload> {
        self.0.running(id)?;
        self.0.routes.clear(id);
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

    /// A workload that runs or drains.
    fn running(&self, id: &WorkloadId) -> Result<Arc<ComponentHandler>, NoSuchWorkload> {
        let workloads = self.workloads();
        let running = workloads
            .get(id)
            .ok_or_else(|| NoSuchWorkload(id.clone()))?;
        Ok(Arc::clone(&running.handler))
    }

    /// Makes a workload the running one, and the one it replaces a draining one.
    fn swap(
        &self,
        name: String,
        handler: Arc<ComponentHandler>,
        replaces: Option<&WorkloadId>,
    ) -> Result<WorkloadId, NoSuchWorkload> {
        let id = WorkloadId(format!(
            "{name}-{}",
            self.next.fetch_add(1, Ordering::Relaxed)
        ));
        let mut workloads = self.workloads();
        if let Some(old) = replaces {
            // It may have been stopped while its successor was compiled.
            workloads
                .get_mut(old)
                .ok_or_else(|| NoSuchWorkload(old.clone()))?
                .state = WorkloadState::Draining;
        }
        workloads.insert(
            id.clone(),
            Running {
                name,
                state: WorkloadState::Running,
                handler: Arc::clone(&handler),
            },
        );
        self.routes.serve(&id, handler);
        Ok(id)
    }

    /// Waits for the last request of a workload, and drops it.
    async fn drain(&self, id: &WorkloadId) {
        let activity = {
            let mut workloads = self.workloads();
            let Some(running) = workloads.get_mut(id) else {
                return;
            };
            running.state = WorkloadState::Draining;
            Arc::clone(running.handler.activity())
        };
        activity.idle().await;
        self.workloads().remove(id);
    }
}

fn random_id() -> String {
    // Each state is seeded by the operating system.
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
