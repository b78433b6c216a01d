//! What every [`Host`] must do, as checks that run against any of them, without a network.
//!
//! A check returns what was broken instead of panicking, so that hosts with a fault can be checked too: each of them
//! must be caught.

use std::time::Duration;

use async_trait::async_trait;

use super::{Host, StartError, StartRequest, WorkloadState, WorkloadStatus};
use crate::testing::{answers, broken, invalid};
use crate::workload::{Workload, WorkloadId};

type Outcome = Result<(), String>;

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}

mod faulty;
mod local;
mod messages;
mod services;

/// A host, and a way to reach what runs on it.
#[async_trait]
trait Rig: Send + Sync {
    type Host: Host;

    fn host(&self) -> &Self::Host;

    /// Sends a request to whatever has the routes. `None` when nothing answers.
    async fn send(&self) -> Option<u16>;

    /// Has a message handled by whatever takes messages. `None` when nothing does.
    async fn deliver(&self) -> Option<Result<(), String>>;

    /// How many lines on the terminal hold a text.
    fn told(&self, text: &str) -> usize;

    /// How many volumes there are that go with their workload.
    fn volumes(&self) -> usize;
}

/// A workload that answers with `status`, and takes its time.
fn workload(status: u16, delay: Duration) -> Workload {
    crate::testing::workload([answers(status, delay)])
}

async fn start(
    host: &impl Host,
    workload: Workload,
    replaces: Option<&WorkloadId>,
) -> Result<WorkloadId, String> {
    let request = StartRequest {
        workload,
        replaces: replaces.cloned(),
    };
    host.start(request)
        .await
        .map(|started| started.id)
        .map_err(|error| format!("the start failed: {error}"))
}

async fn a_started_workload_answers_and_is_known<R: Rig>(rig: &R) -> Outcome {
    let before = rig.host().heartbeat().await.workloads;
    let id = start(rig.host(), workload(201, Duration::ZERO), None).await?;
    ensure!(
        rig.send().await == Some(201),
        "a started workload must answer"
    );
    let status = idle(rig.host(), &id).await?;
    ensure!(
        status.id == id && status.state == WorkloadState::Running,
        "its status must be its own: {status:?}"
    );
    ensure!(
        status.requests == 1,
        "its requests must be counted: {status:?}"
    );
    let now = rig.host().heartbeat().await.workloads;
    ensure!(
        now == before + 1,
        "the heartbeat must count it, not tell {now}"
    );
    Ok(())
}

async fn a_replacement_takes_the_routes_and_the_old_one_goes<R: Rig>(rig: &R) -> Outcome {
    let old = start(rig.host(), workload(201, Duration::ZERO), None).await?;
    let new = start(rig.host(), workload(202, Duration::ZERO), Some(&old)).await?;
    ensure!(new != old, "each start must have an id of its own");
    ensure!(
        rig.send().await == Some(202),
        "after a replacement the new version must answer"
    );
    ensure!(
        gone(rig.host(), &old).await,
        "a replaced workload without requests must be forgotten"
    );
    Ok(())
}

async fn a_refused_start_leaves_the_old_one_serving<R: Rig>(rig: &R) -> Outcome {
    let old = start(rig.host(), workload(201, Duration::ZERO), None).await?;
    for bad in [invalid(), broken()] {
        let request = StartRequest {
            workload: bad,
            replaces: Some(old.clone()),
        };
        ensure!(
            rig.host().start(request).await.is_err(),
            "a bad workload must be refused"
        );
        ensure!(
            rig.send().await == Some(201),
            "after a refused start the old version must answer"
        );
        let status = rig
            .host()
            .status(&old)
            .await
            .map_err(|error| error.to_string())?;
        ensure!(
            status.state == WorkloadState::Running,
            "after a refused start the old version must be running"
        );
    }
    let workloads = rig.host().heartbeat().await.workloads;
    ensure!(
        workloads == 1,
        "a refused start must leave nothing behind: there are {workloads}"
    );
    Ok(())
}

async fn a_refusal_says_why<R: Rig>(rig: &R) -> Outcome {
    let request = StartRequest {
        workload: invalid(),
        replaces: None,
    };
    let Err(StartError::Invalid { problems, .. }) = rig.host().start(request).await else {
        return Err("a workload that is not valid must be refused as such".to_owned());
    };
    ensure!(!problems.is_empty(), "a refusal must have reasons");
    let nobody = WorkloadId("nobody".into());
    let request = StartRequest {
        workload: workload(201, Duration::ZERO),
        replaces: Some(nobody),
    };
    match rig.host().start(request).await {
        Err(StartError::NoSuchWorkload(_)) => Ok(()),
        other => Err(format!(
            "replacing what is not there must be refused as such: {:?}",
            other.map(drop)
        )),
    }
}

async fn stopping_forgets_and_happens_once<R: Rig>(rig: &R) -> Outcome {
    let id = start(rig.host(), workload(201, Duration::ZERO), None).await?;
    rig.host()
        .stop(&id)
        .await
        .map_err(|error| error.to_string())?;
    ensure!(
        rig.send().await.is_none(),
        "a stopped workload must not answer"
    );
    ensure!(
        rig.host().status(&id).await.is_err(),
        "a stopped workload must be unknown"
    );
    ensure!(
        rig.host().stop(&id).await.is_err(),
        "a workload can be stopped once"
    );
    ensure!(
        rig.host().heartbeat().await.workloads == 0,
        "a stopped workload must not be counted"
    );
    Ok(())
}

async fn requests_in_flight_finish_where_they_began<R: Rig>(rig: &R) -> Outcome {
    let old = start(rig.host(), workload(201, Duration::from_secs(1)), None).await?;
    let replace = async {
        wait_for_flight(rig.host(), &old).await;
        let new = start(
            rig.host(),
            workload(202, Duration::from_secs(1)),
            Some(&old),
        )
        .await?;
        let status = rig
            .host()
            .status(&old)
            .await
            .map_err(|error| error.to_string())?;
        ensure!(
            status.state == WorkloadState::Draining,
            "a replaced workload with requests must be draining"
        );
        Ok(new)
    };
    let (first, new) = tokio::join!(rig.send(), replace);
    let new = new?;
    ensure!(
        first == Some(201),
        "a request must finish on the version it began with, not {first:?}"
    );
    let stop = async {
        wait_for_flight(rig.host(), &new).await;
        rig.host()
            .stop(&new)
            .await
            .map_err(|error| error.to_string())
    };
    let (second, stopped) = tokio::join!(rig.send(), stop);
    stopped?;
    ensure!(
        second == Some(202),
        "stopping must let a request in flight finish: {second:?}"
    );
    Ok(())
}

/// Waits until a workload has something to do. Without that, what is checked next fails.
async fn wait_for_flight(host: &impl Host, id: &WorkloadId) {
    eventually(async || {
        let status = host.status(id).await;
        !status.is_ok_and(|status| status.in_flight == 0 && status.requests == 0)
    })
    .await;
}

async fn status(host: &impl Host, id: &WorkloadId) -> Result<WorkloadStatus, String> {
    host.status(id).await.map_err(|error| error.to_string())
}

/// The status of a workload when its requests have ended: the client may have the answer a moment before that.
async fn idle(host: &impl Host, id: &WorkloadId) -> Result<WorkloadStatus, String> {
    eventually(async || !matches!(host.status(id).await, Ok(status) if status.in_flight > 0)).await;
    status(host, id).await
}

async fn gone(host: &impl Host, id: &WorkloadId) -> bool {
    eventually(async || host.status(id).await.is_err()).await
}

/// Waits until something is so, for as long as a busy machine may need.
async fn eventually(is_so: impl AsyncFn() -> bool) -> bool {
    for _ in 0..5000 {
        if is_so().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    false
}

/// Runs every check on a rig of its own. Returns the first that fails, with what it found.
async fn check<R: Rig>(rig: impl Fn() -> R) -> Outcome {
    a_started_workload_answers_and_is_known(&rig()).await?;
    a_replacement_takes_the_routes_and_the_old_one_goes(&rig()).await?;
    a_refused_start_leaves_the_old_one_serving(&rig()).await?;
    a_refusal_says_why(&rig()).await?;
    stopping_forgets_and_happens_once(&rig()).await?;
    requests_in_flight_finish_where_they_began(&rig()).await?;
    services::check(&rig).await?;
    messages::check(&rig).await
}
