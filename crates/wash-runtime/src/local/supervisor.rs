//! Keeps a service running: starts it, and starts it again after a failure, as its policy says.
//!
//! A guest cannot be told to end. When its workload goes, a service is started no more; once nothing else of the
//! workload runs, it is dropped where it waits, as a process is killed.

use std::time::{Instant, SystemTime};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::back_off::BackOff;
use crate::events::{Event, Events, ServiceEvent};
use crate::host::{ServiceState, ServiceStatus};
use crate::workload::Restart;

/// A service that can be run, again and again.
#[async_trait]
pub(super) trait Run: Send + Sync + 'static {
    /// Runs until it ends. Dropping this stops it.
    async fn run(&self) -> Result<(), Failure>;
}

/// How a run failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// One line.
    pub(super) summary: String,
    /// The summary, and a backtrace if there is one.
    pub(super) text: String,
}

/// A service that is taken care of. It stops when this is dropped.
pub(super) struct Supervisor {
    status: watch::Receiver<ServiceStatus>,
    last: CancellationToken,
    tracker: TaskTracker,
    task: AbortOnDropHandle<()>,
}

impl Supervisor {
    /// Starts the service.
    pub(super) fn start(name: String, restart: Restart, run: impl Run, events: Events) -> Self {
        let (sender, status) = watch::channel(ServiceStatus {
            state: ServiceState::Running,
            restarts: 0,
            last_failure: None,
        });
        let last = CancellationToken::new();
        let care = Supervision {
            name,
            run,
            events,
            back_off: BackOff::new(restart),
            status: sender,
            last: last.clone(),
        };
        let tracker = TaskTracker::new();
        let task = AbortOnDropHandle::new(tracker.spawn(care.take()));
        tracker.close();
        Self {
            status,
            last,
            tracker,
            task,
        }
    }

    pub(super) fn status(&self) -> ServiceStatus {
        self.status.borrow().clone()
    }

    /// The present run is the last one.
    pub(super) fn retire(&self) {
        self.last.cancel();
    }

    /// Stops the service. What is returned waits until nothing of it is left.
    pub(super) fn end(&self) -> impl Future<Output = ()> + use<> {
        self.task.abort();
        let tracker = self.tracker.clone();
        async move { tracker.wait().await }
    }
}

/// What the task of a service has in hand.
struct Supervision<R> {
    name: String,
    run: R,
    events: Events,
    back_off: BackOff,
    status: watch::Sender<ServiceStatus>,
    last: CancellationToken,
}

impl<R: Run> Supervision<R> {
    async fn take(mut self) {
        loop {
            let began = Instant::now();
            let Err(failure) = self.run.run().await else {
                self.tell(ServiceEvent::Ended);
                return self.set(ServiceState::Ended { success: true });
            };
            let wait = self.back_off.after(began.elapsed());
            let wait = wait.filter(|_| !self.last.is_cancelled());
            self.tell(ServiceEvent::Failed {
                summary: &failure.summary,
                report: &failure.text,
                starts_again_in: wait,
            });
            self.status
                .send_modify(|status| status.last_failure = Some(failure.summary));
            let Some(wait) = wait else {
                return self.set(ServiceState::Ended { success: false });
            };
            self.set(ServiceState::Waiting {
                until: SystemTime::now() + wait,
            });
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.last.cancelled() => {
                    return self.set(ServiceState::Ended { success: false });
                }
            }
            self.status.send_modify(|status| {
                status.state = ServiceState::Running;
                status.restarts += 1;
            });
        }
    }

    fn set(&self, state: ServiceState) {
        self.status.send_modify(|status| status.state = state);
    }

    fn tell(&self, state: ServiceEvent<'_>) {
        let name = &self.name;
        self.events.tell(Event::Service { name, state });
    }
}
