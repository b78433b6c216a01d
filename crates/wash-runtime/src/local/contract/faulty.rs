//! Hosts with one fault each, made from the local host: the contract must catch every one of them.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::Rig;
use super::local::{LocalRig, message};
use crate::capability::wasi::Directories;
use crate::host::{
    Heartbeat, Host, NoSuchWorkload, ServiceState, StartRequest, Started, WorkloadState,
    WorkloadStatus,
};
use crate::messages::MessageHandler;
use crate::testing::restart;
use crate::workload::{Drive, Entry, Restart, StartError, Workload, WorkloadId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SettingsError {
    /// Stops the old version before the new one has been looked at.
    StopsFirst,
    /// Starts the new version beside the old one, and forgets to drain it.
    KeepsTheOld,
    /// Takes a bad workload without a word.
    RefusesNothing,
    /// Stops without taking the routes away.
    StopsNothing,
    /// Says that all is well whatever it is asked about.
    KnowsEverything,
    /// Counts workloads wrong.
    CountsWrong,
    /// Calls a draining workload running.
    HidesDraining,
    /// Says nothing about why.
    GivesNoReasons,
    /// Starts the service before the workload has been looked at.
    StartsTheServiceFirst,
    /// Leaves the service of a stopped workload running.
    LeavesTheService,
    /// Leaves the service of a replaced workload running.
    LeavesTheReplacedService,
    /// Knows of no services.
    HidesServices,
    /// Counts the services of the whole host wrong.
    MiscountsServices,
    /// Starts nothing again.
    NeverRestarts,
    /// Starts again what was to be left alone.
    RestartsEverything,
    /// Starts a service again as often as it fails.
    NeverGivesUp,
    /// Starts a service again without waiting.
    DoesNotBackOff,
    /// Counts restarts that it did not make.
    MiscountsRestarts,
    /// Calls a service that waits running.
    HidesTheWait,
    /// Waits for a restart, and does not know until when.
    ForgetsTheTime,
    /// Does not say why a service failed.
    HidesTheFailure,
    /// Calls a failure a success.
    CallsFailureSuccess,
    /// Calls a workload running that has nothing left to do.
    HidesTheEnd,
    /// Tells each failure twice.
    RepeatsItself,
    /// Has messages handled by a workload that was stopped.
    DeliversToTheStopped,
    /// Has messages handled by the workload that was there first.
    DeliversToTheFirst,
    /// Leaves the volumes of workloads behind.
    LeavesVolumes,
    /// Gives each member a volume of its own.
    SharesNoVolume,
}

const FAULTS: [SettingsError; 28] = [
    SettingsError::StopsFirst,
    SettingsError::KeepsTheOld,
    SettingsError::RefusesNothing,
    SettingsError::StopsNothing,
    SettingsError::KnowsEverything,
    SettingsError::CountsWrong,
    SettingsError::HidesDraining,
    SettingsError::GivesNoReasons,
    SettingsError::StartsTheServiceFirst,
    SettingsError::LeavesTheService,
    SettingsError::LeavesTheReplacedService,
    SettingsError::HidesServices,
    SettingsError::MiscountsServices,
    SettingsError::NeverRestarts,
    SettingsError::RestartsEverything,
    SettingsError::NeverGivesUp,
    SettingsError::DoesNotBackOff,
    SettingsError::MiscountsRestarts,
    SettingsError::HidesTheWait,
    SettingsError::ForgetsTheTime,
    SettingsError::HidesTheFailure,
    SettingsError::CallsFailureSuccess,
    SettingsError::HidesTheEnd,
    SettingsError::RepeatsItself,
    SettingsError::DeliversToTheStopped,
    SettingsError::DeliversToTheFirst,
    SettingsError::LeavesVolumes,
    SettingsError::SharesNoVolume,
];

struct Faulty {
    inner: LocalRig,
    fault: SettingsError,
    /// The services of the workloads that were started, and what took messages first.
    services: Mutex<Vec<(WorkloadId, Entry)>>,
    first: Mutex<Option<Arc<dyn MessageHandler>>>,
    /// The most volumes there have been.
    volumes: Mutex<usize>,
}

#[async_trait]
impl Rig for Faulty {
    type Host = Self;

    fn host(&self) -> &Self {
        self
    }

    async fn send(&self) -> Option<u16> {
        self.inner.send().await
    }

    async fn deliver(&self) -> Option<Result<(), String>> {
        let first = self.first.lock().unwrap().clone();
        let handler = match self.fault {
            SettingsError::DeliversToTheStopped => self.inner.handler().or(first),
            SettingsError::DeliversToTheFirst => self.inner.handler().and(first),
            _ => self.inner.handler(),
        };
        Some(handler?.handle_in_turn(message()).await)
    }

    fn told(&self, text: &str) -> usize {
        let told = self.inner.told(text);
        match self.fault {
            SettingsError::RepeatsItself if text.contains("failed") => told * 2,
            _ => told,
        }
    }

    fn volumes(&self) -> usize {
        let now = self.inner.volumes();
        if self.fault != SettingsError::LeavesVolumes {
            return now;
        }
        let mut most = self.volumes.lock().unwrap();
        *most = now.max(*most);
        *most
    }
}

impl Faulty {
    fn new(fault: SettingsError, cache: &Path) -> Self {
        Self {
            inner: LocalRig::new(cache),
            fault,
            services: Mutex::default(),
            first: Mutex::default(),
            volumes: Mutex::default(),
        }
    }

    /// Runs services that belong to nothing.
    async fn run(&self, services: impl IntoIterator<Item = Entry>) {
        for service in services {
            let request = StartRequest {
                workload: crate::testing::workload([service]),
                replaces: None,
            };
            let _ = self.inner.host().start(request).await;
        }
    }

    async fn run_again(&self, id: &WorkloadId) {
        let services = self.services.lock().unwrap().clone();
        let of_it = services.into_iter().filter(|(of, _)| of == id);
        self.run(of_it.map(|(_, service)| service)).await;
    }

    fn spoil(&self, workload: &mut Workload) {
        for (index, entry) in workload.entries.iter_mut().enumerate() {
            if let Drive::Service { restart: policy } = &mut entry.drive {
                match (self.fault, &policy) {
                    (SettingsError::NeverRestarts, _) => *policy = Restart::Never,
                    (SettingsError::RestartsEverything, Restart::Never) => {
                        *policy = restart(Duration::from_millis(1), 1);
                    }
                    (SettingsError::NeverGivesUp, Restart::OnFailure { first, most, .. }) => {
                        *policy = Restart::OnFailure {
                            first: *first,
                            most: *most,
                            tries: None,
                        };
                    }
                    (SettingsError::DoesNotBackOff, Restart::OnFailure { tries, .. }) => {
                        *policy = Restart::OnFailure {
                            first: Duration::from_millis(1),
                            most: Duration::from_millis(1),
                            tries: *tries,
                        };
                    }
                    _ => {}
                }
            }
            if self.fault == SettingsError::SharesNoVolume {
                for directory in &mut entry.members[0].settings.get_mut::<Directories>().0 {
                    if let crate::capability::wasi::Volume::Empty { name } = &mut directory.volume {
                        name.push_str(&index.to_string());
                    }
                }
            }
        }
    }
}

fn services(workload: &Workload) -> Vec<Entry> {
    let entries = workload.entries.iter();
    let services = entries.filter(|entry| matches!(entry.drive, Drive::Service { .. }));
    services.cloned().collect()
}

#[async_trait]
impl Host for Faulty {
    async fn heartbeat(&self) -> Heartbeat {
        let mut heartbeat = self.inner.host().heartbeat().await;
        match self.fault {
            SettingsError::CountsWrong => heartbeat.workloads *= 2,
            SettingsError::MiscountsServices => heartbeat.services += 1,
            _ => {}
        }
        heartbeat
    }

    async fn start(&self, mut request: StartRequest) -> Result<Started, StartError> {
        let services = services(&request.workload);
        match self.fault {
            SettingsError::StopsFirst => {
                if let Some(old) = request.replaces.take() {
                    self.inner.host().stop(&old).await?;
                }
            }
            SettingsError::KeepsTheOld => request.replaces = None,
            SettingsError::StartsTheServiceFirst => self.run(services.clone()).await,
            _ => self.spoil(&mut request.workload),
        }
        let replaces = request.replaces.clone();
        let started = self.inner.host().start(request).await;
        if let Ok(Started { id, .. }) = &started {
            let of_it = services.into_iter().map(|service| (id.clone(), service));
            self.services.lock().unwrap().extend(of_it);
            let mut first = self.first.lock().unwrap();
            *first = first.take().or_else(|| self.inner.handler());
        }
        if let (SettingsError::LeavesTheReplacedService, Some(old)) = (self.fault, &replaces) {
            self.run_again(old).await;
        }
        match started {
            Err(StartError::Invalid { name, .. })
                if self.fault == SettingsError::GivesNoReasons =>
            {
                Err(StartError::Invalid {
                    name,
                    problems: Vec::new(),
                })
            }
            Err(_) if self.fault == SettingsError::RefusesNothing => Ok(Started {
                id: WorkloadId("fine".into()),
                timings: Default::default(),
            }),
            other => other,
        }
    }

    async fn status(&self, id: &WorkloadId) -> Result<WorkloadStatus, NoSuchWorkload> {
        let mut status = match self.inner.host().status(id).await {
            Err(_) if self.fault == SettingsError::KnowsEverything => made_up(id),
            other => other?,
        };
        let over = matches!(
            status.state,
            WorkloadState::Completed | WorkloadState::Failed
        );
        if self.fault == SettingsError::HidesDraining
            || (self.fault == SettingsError::HidesTheEnd && over)
        {
            status.state = WorkloadState::Running;
        }
        if self.fault == SettingsError::HidesServices {
            status.service = None;
        }
        if let Some(service) = &mut status.service {
            let waits = matches!(service.state, ServiceState::Waiting { .. });
            match self.fault {
                SettingsError::MiscountsRestarts => service.restarts += 1,
                SettingsError::HidesTheFailure => service.last_failure = None,
                SettingsError::HidesTheWait if waits => service.state = ServiceState::Running,
                SettingsError::ForgetsTheTime if waits => {
                    service.state = ServiceState::Waiting {
                        until: SystemTime::now(),
                    };
                }
                SettingsError::CallsFailureSuccess
                    if service.state == (ServiceState::Ended { success: false }) =>
                {
                    service.state = ServiceState::Ended { success: true };
                }
                _ => {}
            }
        }
        Ok(status)
    }

    async fn stop(&self, id: &WorkloadId) -> Result<(), NoSuchWorkload> {
        match self.fault {
            SettingsError::StopsNothing => self.inner.host().status(id).await.map(drop),
            SettingsError::LeavesTheService => {
                self.inner.host().stop(id).await?;
                self.run_again(id).await;
                Ok(())
            }
            _ => self.inner.host().stop(id).await,
        }
    }
}

fn made_up(id: &WorkloadId) -> WorkloadStatus {
    let state = WorkloadState::Running;
    WorkloadStatus {
        id: id.clone(),
        name: String::new(),
        state,
        in_flight: 0,
        requests: 0,
        traps: 0,
        service: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_caught() {
    let cache = tempfile::tempdir().unwrap();
    let checks = FAULTS.map(async |fault| {
        let caught = super::check(|| Faulty::new(fault, cache.path())).await;
        assert!(
            caught.is_err(),
            "the contract does not catch a host that {fault:?}"
        );
    });
    futures::future::join_all(checks).await;
}
