//! What a host must do with entries that take messages, and with volumes.

use std::time::Duration;

use super::{Outcome, Rig, gone, idle, start, wait_for_flight};
use crate::host::{Host, StartRequest};
use crate::testing::{ACCEPT, REFUSE, beats, broken, takes, with_volumes, workload};

pub(super) async fn check<R: Rig>(rig: impl Fn() -> R) -> Outcome {
    messages_reach_what_runs(&rig()).await?;
    messages_in_flight_finish_where_they_began(&rig()).await?;
    volumes_go_with_their_workload(&rig()).await
}

fn refused() -> Option<Result<(), String>> {
    Some(Err("`messages` answered with an error: refused".to_owned()))
}

async fn messages_reach_what_runs<R: Rig>(rig: &R) -> Outcome {
    let accepting = workload([takes(ACCEPT, Duration::ZERO)]);
    let old = start(rig.host(), accepting, None).await?;
    ensure!(
        rig.deliver().await == Some(Ok(())),
        "a started workload must take messages"
    );
    let status = idle(rig.host(), &old).await?;
    ensure!(
        (status.requests, status.traps) == (1, 0),
        "its messages must be counted: {status:?}"
    );
    let refusing = workload([takes(REFUSE, Duration::ZERO)]);
    let new = start(rig.host(), refusing, Some(&old)).await?;
    let answer = rig.deliver().await;
    ensure!(
        answer == refused(),
        "after a replacement the new version must take messages: {answer:?}"
    );
    rig.host()
        .stop(&new)
        .await
        .map_err(|error| error.to_string())?;
    ensure!(
        rig.deliver().await.is_none(),
        "a stopped workload must not take messages"
    );
    Ok(())
}

async fn messages_in_flight_finish_where_they_began<R: Rig>(rig: &R) -> Outcome {
    let slow = workload([takes(REFUSE, Duration::from_millis(200))]);
    let old = start(rig.host(), slow, None).await?;
    let replace = async {
        wait_for_flight(rig.host(), &old).await;
        let accepting = workload([takes(ACCEPT, Duration::ZERO)]);
        start(rig.host(), accepting, Some(&old)).await
    };
    let (answer, new) = tokio::join!(rig.deliver(), replace);
    new?;
    ensure!(
        answer == refused(),
        "a message must be handled by the version it reached, not {answer:?}"
    );
    ensure!(
        gone(rig.host(), &old).await,
        "a replaced workload without messages must be forgotten"
    );
    Ok(())
}

async fn volumes_go_with_their_workload<R: Rig>(rig: &R) -> Outcome {
    let shared = |name| with_volumes(beats(name), &["a", "b"]);
    let mut entries = vec![shared("one")];
    entries.push(with_volumes(takes(ACCEPT, Duration::ZERO), &["b"]));
    let id = start(rig.host(), workload(entries), None).await?;
    let there = rig.volumes();
    ensure!(
        there == 2,
        "each volume must be made once, not {there} in all"
    );
    let mut bad = broken();
    bad.entries.push(shared("two"));
    let request = StartRequest {
        workload: bad,
        replaces: None,
    };
    ensure!(
        rig.host().start(request).await.is_err() && rig.volumes() == 2,
        "a refused start must leave no volume behind"
    );
    let new = start(rig.host(), workload([shared("two")]), Some(&id)).await?;
    ensure!(
        gone(rig.host(), &id).await && rig.volumes() == 2,
        "the volumes of a replaced workload must go, and only they"
    );
    rig.host()
        .stop(&new)
        .await
        .map_err(|error| error.to_string())?;
    let left = rig.volumes();
    ensure!(
        left == 0,
        "volumes must be removed with their workload: {left} are left"
    );
    Ok(())
}
