//! The host manages the lifecycle of workloads, and nothing else.
//!
//! [`Host`] is plain data in and out: no wasmtime, network or config types. [`workload`] has the data, and
//! [`local`] the host inside this process. What a
//! workload may use while it runs is served by the folders of `capability`.

mod back_off;
#[cfg(test)]
pub(crate) mod contract;
pub mod local;
pub mod sockets;
mod supervisor;
pub mod workload;

use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use workload::{Workload, WorkloadId};

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

/// Why a workload was not started. Nothing of it runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("workload `{name}` is not valid")]
    Invalid {
        name: String,
        problems: Vec<Problem>,
    },
    #[error("the composed component of workload `{name}` does not load")]
    Load {
        name: String,
        /// The reason, most important line first.
        reason: String,
    },
    #[error("workload `{name}` trapped while it started")]
    Trap {
        name: String,
        /// The trap with its backtrace, demangled.
        report: String,
    },
    #[error(
        "workload `{name}` did not start: `{component}` waits for something while it is instantiated, and had no end \
         after {} s", limit.as_secs()
    )]
    TooLate {
        name: String,
        /// The component that is driven; what it waits for may be in one that is composed behind it.
        component: String,
        limit: std::time::Duration,
    },
    /// See [`Host::start_unless`].
    #[error("workload `{name}` was given up for a newer one before it had started")]
    GivenUp { name: String },
    #[error(transparent)]
    NoSuchWorkload(#[from] NoSuchWorkload),
}

/// One reason why a workload was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The member it concerns, if it concerns one.
    pub member: Option<String>,
    /// What is wrong, as one line: which setting, what was found, what was expected.
    pub message: String,
    pub hint: Option<String>,
}

impl StartError {
    /// Everything that is wrong, where the error itself names the workload only.
    pub fn told(&self) -> String {
        match self {
            Self::Invalid { problems, .. } => {
                let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
                problems.join("\n")
            }
            Self::Load { reason, .. } => format!("{self}: {reason}"),
            Self::Trap { report, .. } => format!("{self}\n{report}"),
            Self::TooLate { .. } | Self::GivenUp { .. } | Self::NoSuchWorkload(_) => {
                self.to_string()
            }
        }
    }

    /// What to do about it, where that is not part of what is wrong.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooLate { .. } => Some(
                "what runs while a component is instantiated (a core module's `start`, constructors of globals) must not wait: do it in the handler, or in `run`",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "`{member}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no workload `{0}` on this host")]
pub struct NoSuchWorkload(pub WorkloadId);
