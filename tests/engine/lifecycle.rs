//! Workloads come, replace each other, and go, with requests in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::BodyExt;
use wash_runtime::host::{Host, StartRequest, WorkloadState};
use wash_runtime::workload::{MemberSettings, StartError};

use crate::cache::start;
use crate::stage::{Stage, alone, probe, request, within};

/// A handler that does nothing, with something more in its core module.
const HANDLER: &str = r#"(component
    (core module $m MODULE (func (export "handle") (param i32 i32)))
    (core instance $i (instantiate $m))
    (import "wasi:http/types@0.2.0" (instance $types
        (export "incoming-request" (type (sub resource)))
        (export "response-outparam" (type (sub resource)))))
    (alias export $types "incoming-request" (type $request))
    (alias export $types "response-outparam" (type $out))
    (func $handle (param "request" (own $request)) (param "response-out" (own $out))
        (canon lift (core func $i "handle")))
    (instance $export (export "handle" (func $handle)))
    (export "wasi:http/incoming-handler@0.2.0" (instance $export)))"#;

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_finish_where_they_began() {
    let stage = Stage::probe("probe").await;
    let mut old = stage.open(request("GET", "/forever", "")).await.into_body();
    let workload = alone(probe("probe-p3"), MemberSettings::default());
    let replaces = Some(stage.id.clone());
    let new = stage
        .host
        .start(StartRequest { workload, replaces })
        .await
        .unwrap();
    assert_eq!(stage.get("/hello").await.0, 200);
    assert_eq!(stage.status().await.state, WorkloadState::Draining);
    assert_eq!(stage.host.heartbeat().await.workloads, 2);
    assert!(
        old.frame().await.unwrap().is_ok(),
        "the old version goes on"
    );
    drop(old);
    within("the old version is forgotten", async {
        while stage.host.status(&stage.id).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let status = within("the new version is idle", async {
        loop {
            let status = stage.host.status(&new.id).await.unwrap();
            if status.in_flight == 0 {
                break status;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((status.requests, status.state), (1, WorkloadState::Running));
}

#[tokio::test(flavor = "multi_thread")]
async fn not_one_request_fails_while_versions_change() {
    let stage = Arc::new(Stage::probe("probe").await);
    let done = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stage, done) = (Arc::clone(&stage), Arc::clone(&done));
            tokio::spawn(async move {
                let mut answers = 0;
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(stage.get("/sleep?5").await, (200, "slept".into()));
                    answers += 1;
                }
                answers
            })
        })
        .collect();
    let mut current = stage.id.clone();
    for turn in 0..50 {
        let workload = alone(
            probe(["probe-p3", "probe"][turn % 2]),
            MemberSettings::default(),
        );
        let replaces = Some(current);
        current = stage
            .host
            .start(StartRequest { workload, replaces })
            .await
            .unwrap()
            .id;
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_the_last_request() {
    let stage = Stage::probe("probe").await;
    let answer = stage.get("/sleep?1000");
    let stop = async {
        stage.busy().await;
        stage.host.stop(&stage.id).await.unwrap();
        stage.host.status(&stage.id).await.unwrap_err();
    };
    let (answer, ()) = tokio::join!(answer, stop);
    assert_eq!(answer, (200, "slept".into()));
    stage.host.stop(&stage.id).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_traps_as_it_starts_replaces_nothing() {
    let stage = Stage::probe("probe").await;
    let text = HANDLER.replace("MODULE", "(func $start unreachable) (start $start)");
    let workload = alone(
        wat::parse_str(text).unwrap().into(),
        MemberSettings::default(),
    );
    let replaces = Some(stage.id.clone());
    let error = stage
        .host
        .start(StartRequest { workload, replaces })
        .await
        .map(drop)
        .unwrap_err();
    let StartError::Trap { report, .. } = error else {
        panic!("{error:?}")
    };
    assert!(report.contains("unreachable"), "{report}");
    assert_eq!(stage.get("/hello").await.0, 200);
    assert_eq!(stage.status().await.state, WorkloadState::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_too_large_for_the_pool_runs_and_is_compiled_once() {
    let root = tempfile::tempdir().unwrap();
    let text = HANDLER.replace("MODULE", "(table 1000000 funcref)");
    let workload = alone(
        wat::parse_str(text).unwrap().into(),
        MemberSettings::default(),
    );
    for cached in [false, true] {
        let (from_cache, _) = start(&root.path().join("compiled"), &workload).await;
        assert_eq!(from_cache, cached);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_is_refused_with_its_reason() {
    let stage = Stage::probe("probe").await;
    for bytes in [&b"not wasm"[..], b"\0asm\x01\0\0\0", b""] {
        let mut workload = alone(probe("probe"), MemberSettings::default());
        workload.entries[0].component = bytes.into();
        let error = stage
            .host
            .start(StartRequest {
                workload,
                replaces: None,
            })
            .await
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, StartError::Load { .. }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_answers_no_http_is_refused_with_its_exports() {
    let text = r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f"))) (export "hello" (func $f)))"#;
    let workload = alone(
        wat::parse_str(text).unwrap().into(),
        MemberSettings::default(),
    );
    let Err(StartError::Invalid { problems, .. }) = Stage::try_new(workload).await.map(drop) else {
        panic!()
    };
    assert!(problems[0].message.contains("`hello`"), "{problems:?}");
    assert!(problems[0].hint.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_nobody_serves_is_refused() {
    let text = r#"(component (import "my:own/thing@1.0.0" (instance (export "f" (func))))
        (import "my:own/types" (instance (type $r (record (field "a" u8))) (export "r" (type (eq $r))))))"#;
    let workload = alone(
        wat::parse_str(text).unwrap().into(),
        MemberSettings::default(),
    );
    let Err(StartError::Invalid { problems, .. }) = Stage::try_new(workload).await.map(drop) else {
        panic!()
    };
    let imports = problems
        .iter()
        .filter(|problem| problem.message.contains("import"));
    let imports: Vec<_> = imports.collect();
    assert_eq!(
        imports.len(),
        1,
        "an interface of types alone needs nobody: {problems:?}"
    );
    assert!(imports[0].message.contains("my:own/thing@1.0.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_what_is_not_there_is_refused() {
    let stage = Stage::probe("probe").await;
    stage.host.stop(&stage.id).await.unwrap();
    let workload = alone(probe("probe"), MemberSettings::default());
    let request = StartRequest {
        workload,
        replaces: Some(stage.id.clone()),
    };
    assert!(matches!(
        stage.host.start(request).await,
        Err(StartError::NoSuchWorkload(_))
    ));
    assert_eq!(stage.host.heartbeat().await.workloads, 0);
}
