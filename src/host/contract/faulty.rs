//! Hosts with one fault each, made from the local host: the contract must catch every one of them.

use async_trait::async_trait;

use crate::host::workload::WorkloadId;
use crate::host::{
    Heartbeat, Host, NoSuchWorkload, StartError, StartRequest, Started, WorkloadState,
    WorkloadStatus,
};

use super::Rig;
use super::local::LocalRig;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
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
}

const FAULTS: [Fault; 8] = [
    Fault::StopsFirst,
    Fault::KeepsTheOld,
    Fault::RefusesNothing,
    Fault::StopsNothing,
    Fault::KnowsEverything,
    Fault::CountsWrong,
    Fault::HidesDraining,
    Fault::GivesNoReasons,
];

struct Faulty {
    inner: LocalRig,
    fault: Fault,
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
}

#[async_trait]
impl Host for Faulty {
    async fn heartbeat(&self) -> Heartbeat {
        let mut heartbeat = self.inner.host().heartbeat().await;
        heartbeat.workloads *= if self.fault == Fault::CountsWrong {
            2
        } else {
            1
        };
        heartbeat
    }

    async fn start(&self, mut request: StartRequest) -> Result<Started, StartError> {
        match self.fault {
            Fault::StopsFirst => {
                if let Some(old) = request.replaces.take() {
                    self.inner.host().stop(&old).await?;
                }
            }
            Fault::KeepsTheOld => request.replaces = None,
            _ => {}
        }
        match self.inner.host().start(request).await {
            Err(StartError::Invalid { name, .. }) if self.fault == Fault::GivesNoReasons => {
                Err(StartError::Invalid {
                    name,
                    problems: Vec::new(),
                })
            }
            Err(_) if self.fault == Fault::RefusesNothing => Ok(Started {
                id: WorkloadId("fine".into()),
                timings: Default::default(),
            }),
            other => other,
        }
    }

    async fn status(&self, id: &WorkloadId) -> Result<WorkloadStatus, NoSuchWorkload> {
        let mut status = match self.inner.host().status(id).await {
            Err(_) if self.fault == Fault::KnowsEverything => made_up(id),
            other => other?,
        };
        if self.fault == Fault::HidesDraining {
            status.state = WorkloadState::Running;
        }
        Ok(status)
    }

    async fn stop(&self, id: &WorkloadId) -> Result<(), NoSuchWorkload> {
        match self.fault {
            Fault::StopsNothing => self.inner.host().status(id).await.map(drop),
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
    for fault in FAULTS {
        let rig = || Faulty {
            inner: LocalRig::new(),
            fault,
        };
        assert!(
            super::check(rig).await.is_err(),
            "the contract does not catch a host that {fault:?}"
        );
    }
}
