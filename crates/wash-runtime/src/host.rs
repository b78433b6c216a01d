//! The host manages the lifecycle of workloads, and nothing else.
//!
//! [`Host`] is plain data in and out: no wasmtime, network or config types. `workload` has the data, and
//! `local` the host inside this process. What a
//! workload may use while it runs is served by the folders of `capability`.

use std::time::SystemTime;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use crate::workload::{NoSuchWorkload, StartError, Workload, WorkloadId};

/// Something that runs workloads.
#[async_trait]
pub trait Host: Send + Sync {
    /// Tells that the host lives, and what it holds.
    async fn heartbeat(&self) -> Heartbeat;

    /// Validates a workload, prepares it until it can answer, and makes it the running one.
    ///
    /// With `replaces`, the new workload takes the routes of the old one in one step: from then on new requests reach
    /// the new version, and the old one stops when its last request has ended, its service last. The new service starts
    /// as the routes are swapped. When the start is refused or fails, the old one goes on untouched.
    async fn start(&self, request: StartRequest) -> Result<Started, StartError>;

    /// The same for a workload that may be out of date before it has started: once `superseded` is cancelled, what does
    /// not start at once is given up with [`StartError::GivenUp`].
    async fn start_unless(
        &self,
        request: StartRequest,
        superseded: CancellationToken,
    ) -> Result<Started, StartError> {
        let _ = superseded;
        self.start(request).await
    }

    /// Tells how a workload is doing. A workload that has stopped is unknown.
    async fn status(&self, id: &WorkloadId) -> Result<WorkloadStatus, NoSuchWorkload>;

    /// Takes a workload's routes away, lets its requests in flight finish, and drops it with its service.
    async fn stop(&self, id: &WorkloadId) -> Result<(), NoSuchWorkload>;
}

#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// A random identifier, new with each start of the host.
    pub host_id: String,
    pub version: &'static str,
    pub started_at: SystemTime,
    /// Workloads that it knows, whatever their state.
    pub workloads: usize,
    /// Services that run at this moment.
    pub services: usize,
    /// Requests and messages being answered at this moment.
    pub in_flight: usize,
}

#[derive(Debug, Clone)]
pub struct StartRequest {
    pub workload: Workload,
    pub replaces: Option<WorkloadId>,
}

#[derive(Debug, Clone)]
pub struct Started {
    pub id: WorkloadId,
    pub timings: StartTimings,
}

/// What a start spent its time on.
#[derive(Debug, Clone, Copy, Default)]
pub struct StartTimings {
    /// Compiling, or loading compiled code from the cache.
    pub compile: std::time::Duration,
    /// Whether the compiled code came from the cache.
    pub cached: bool,
    /// Whether any code was compiled quickly. It is replaced by optimized code when that is there.
    pub quick: bool,
    /// Everything else, up to the moment the routes were swapped.
    pub link: std::time::Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadStatus {
    pub id: WorkloadId,
    pub name: String,
    pub state: WorkloadState,
    /// Requests and messages being answered right now.
    pub in_flight: usize,
    /// Requests and messages answered since the start.
    pub requests: u64,
    /// Requests and messages that ended in a trap.
    pub traps: u64,
    /// How the service is doing, if there is one.
    pub service: Option<ServiceStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatus {
    pub state: ServiceState,
    /// How often it was started again.
    pub restarts: u64,
    /// How its last failure ended, as one line: a trap, or an exit that was not success.
    pub last_failure: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceState {
    Running,
    /// It failed, and starts again at this time.
    Waiting {
        until: SystemTime,
    },
    /// It is not started again.
    Ended {
        success: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkloadState {
    Running,
    /// Replaced or stopped; finishing its requests in flight.
    Draining,
    /// Its service was all it had, and has ended with success.
    Completed,
    /// Its service was all it had, and has failed and is not started again.
    Failed,
}
