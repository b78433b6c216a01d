//! What a host must do with services.

use std::time::{Duration, SystemTime};

use super::{Outcome, Rig, eventually, gone, start, status};
use crate::host::{Host, ServiceState, ServiceStatus, StartRequest, WorkloadState};
use crate::testing::{answers, beats, broken, crashes, ends, fails, restart, workload};
use crate::workload::{Entry, Restart, WorkloadId};

pub(super) async fn check<R: Rig>(rig: impl Fn() -> R) -> Outcome {
    a_service_runs_until_it_is_stopped(&rig()).await?;
    a_service_goes_with_the_workload_that_was_replaced(&rig()).await?;
    a_refused_start_runs_nothing(&rig()).await?;
    success_is_the_end(&rig()).await?;
    a_failure_without_restart_is_the_end(&rig()).await?;
    a_crash_loop_backs_off_and_gives_up(&rig()).await?;
    a_waiting_service_says_so_and_can_be_stopped(&rig()).await
}

async fn service<R: Rig>(rig: &R, id: &WorkloadId) -> Result<ServiceStatus, String> {
    let status = status(rig.host(), id).await?;
    status.service.ok_or("a service must have a status".into())
}

/// The status of a service once it is in such a state.
async fn until<R: Rig>(
    rig: &R,
    id: &WorkloadId,
    wanted: impl Fn(&ServiceState) -> bool,
) -> Result<ServiceStatus, String> {
    let reached = eventually(async || {
        let service = service(rig, id).await;
        service.is_ok_and(|service| wanted(&service.state))
    });
    ensure!(
        reached.await,
        "a service must get where it has to: {:?}",
        service(rig, id).await
    );
    service(rig, id).await
}

fn ended(state: &ServiceState) -> bool {
    matches!(state, ServiceState::Ended { .. })
}

/// How often services of this name said something.
fn beats_of<R: Rig>(rig: &R, name: &str) -> usize {
    rig.told(&format!("{name} | beat"))
}

async fn is_beating<R: Rig>(rig: &R, name: &str) -> bool {
    let before = beats_of(rig, name);
    eventually(async || beats_of(rig, name) > before + 1).await
}

async fn is_silent<R: Rig>(rig: &R, name: &str) -> bool {
    let before = beats_of(rig, name);
    tokio::time::sleep(Duration::from_millis(200)).await;
    beats_of(rig, name) == before
}

async fn a_service_runs_until_it_is_stopped<R: Rig>(rig: &R) -> Outcome {
    let id = start(rig.host(), workload([beats("heart")]), None).await?;
    ensure!(is_beating(rig, "heart").await, "a service must run");
    let state = status(rig.host(), &id).await?.state;
    ensure!(
        state == WorkloadState::Running,
        "a workload whose service runs must be running, not {state:?}"
    );
    let now = service(rig, &id).await?;
    ensure!(
        now.state == ServiceState::Running && now.restarts == 0 && now.last_failure.is_none(),
        "a service that never failed must say so: {now:?}"
    );
    let heartbeat = rig.host().heartbeat().await;
    ensure!(
        heartbeat.services == 1,
        "the heartbeat must count services, not tell {}",
        heartbeat.services
    );
    rig.host()
        .stop(&id)
        .await
        .map_err(|error| error.to_string())?;
    ensure!(
        is_silent(rig, "heart").await,
        "a stopped service must not run"
    );
    Ok(())
}

async fn a_service_goes_with_the_workload_that_was_replaced<R: Rig>(rig: &R) -> Outcome {
    let both = |status, name: &str| -> [Entry; 2] {
        [answers(status, Duration::from_millis(200)), beats(name)]
    };
    let old = start(rig.host(), workload(both(201, "old")), None).await?;
    let replace = async {
        super::wait_for_flight(rig.host(), &old).await;
        let new = start(rig.host(), workload(both(202, "new")), Some(&old)).await?;
        ensure!(is_beating(rig, "new").await, "the new service must run");
        Ok(new)
    };
    let (answer, new) = tokio::join!(rig.send(), replace);
    new?;
    ensure!(
        answer == Some(201),
        "the old version must finish: {answer:?}"
    );
    ensure!(
        gone(rig.host(), &old).await,
        "a replaced workload must go, its service with it"
    );
    ensure!(
        is_silent(rig, "old").await,
        "the service of a workload that was replaced must end"
    );
    ensure!(is_beating(rig, "new").await, "the new service must go on");
    Ok(())
}

async fn a_refused_start_runs_nothing<R: Rig>(rig: &R) -> Outcome {
    let old = start(rig.host(), workload([beats("old")]), None).await?;
    let mut bad = broken();
    bad.entries.insert(0, beats("new"));
    let two = workload([beats("new"), beats("new")]);
    for workload in [bad, two] {
        let request = StartRequest {
            workload,
            replaces: Some(old.clone()),
        };
        ensure!(
            rig.host().start(request).await.is_err(),
            "a bad workload must be refused"
        );
    }
    ensure!(
        is_silent(rig, "new").await && beats_of(rig, "new") == 0,
        "nothing of a refused workload may run"
    );
    ensure!(
        is_beating(rig, "old").await,
        "after a refused start the old service must run"
    );
    Ok(())
}

async fn success_is_the_end<R: Rig>(rig: &R) -> Outcome {
    let id = start(rig.host(), workload([ends("once")]), None).await?;
    let service = until(rig, &id, ended).await?;
    ensure!(
        service.state == ServiceState::Ended { success: true } && service.last_failure.is_none(),
        "a service that ended well must say so: {service:?}"
    );
    let state = status(rig.host(), &id).await?.state;
    ensure!(
        state == WorkloadState::Completed,
        "a workload that has nothing left to do must be completed, not {state:?}"
    );
    ensure!(
        is_silent(rig, "once").await && beats_of(rig, "once") == 1,
        "a service that ended well must not be started again"
    );
    Ok(())
}

async fn a_failure_without_restart_is_the_end<R: Rig>(rig: &R) -> Outcome {
    for entry in [crashes("once", Restart::Never), fails("once")] {
        let before = beats_of(rig, "once");
        let id = start(rig.host(), workload([entry]), None).await?;
        let service = until(rig, &id, ended).await?;
        ensure!(
            service.state == ServiceState::Ended { success: false },
            "a service that failed must say so: {service:?}"
        );
        ensure!(
            service.last_failure.is_some_and(|text| !text.is_empty()),
            "a failure must have a reason"
        );
        let state = status(rig.host(), &id).await?.state;
        ensure!(
            state == WorkloadState::Failed,
            "a workload whose service failed for good must have failed, not {state:?}"
        );
        ensure!(
            is_silent(rig, "once").await && beats_of(rig, "once") == before + 1,
            "a service that is not to be started again must not be"
        );
    }
    Ok(())
}

async fn a_crash_loop_backs_off_and_gives_up<R: Rig>(rig: &R) -> Outcome {
    let first = Duration::from_millis(20);
    let began = std::time::Instant::now();
    let id = start(
        rig.host(),
        workload([crashes("loop", restart(first, 3))]),
        None,
    )
    .await?;
    let service = until(rig, &id, ended).await?;
    let took = began.elapsed();
    ensure!(
        took >= first * 7,
        "each wait must be twice the one before: all of them took {took:?}"
    );
    let runs = beats_of(rig, "loop");
    ensure!(
        runs == 4 && service.restarts == 3,
        "three restarts make four runs, not {runs}: {service:?}"
    );
    let told = rig.told("`loop` failed");
    ensure!(
        told == 4,
        "each failure must be told once, not {told} in all"
    );
    Ok(())
}

async fn a_waiting_service_says_so_and_can_be_stopped<R: Rig>(rig: &R) -> Outcome {
    let hour = Duration::from_secs(3600);
    let entry = crashes("loop", restart(hour, 1));
    let id = start(rig.host(), workload([entry]), None).await?;
    let service = until(rig, &id, |state| *state != ServiceState::Running).await?;
    let ServiceState::Waiting { until } = service.state else {
        return Err(format!("a service must wait for its restart: {service:?}"));
    };
    let wait = until.duration_since(SystemTime::now()).unwrap_or_default();
    ensure!(
        wait > hour / 2 && wait <= hour,
        "it must say when it starts again, not in {wait:?}"
    );
    let stopped = tokio::time::timeout(hour / 360, rig.host().stop(&id)).await;
    ensure!(
        matches!(stopped, Ok(Ok(()))),
        "stopping must not wait for a restart"
    );
    Ok(())
}
