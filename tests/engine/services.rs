//! Services run beside what answers requests, end, fail and start again.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::{Duration, SystemTime};

use http_body_util::BodyExt;
use wash_runtime::capability::wasi::{Access, Directories, Directory, Process, Volume};
use wash_runtime::host::{
    Host, ServiceState, ServiceStatus, StartRequest, WorkloadState, WorkloadStatus,
};
use wash_runtime::workload::{Drive, MemberSettings, Restart, StartError, Workload};

use crate::stage::{Stage, alone, probe, request, within};

const DAEMONS: [&str; 2] = ["daemon", "daemon-p3"];
const ENDED: ServiceState = ServiceState::Ended { success: true };
const FAILED: ServiceState = ServiceState::Ended { success: false };

/// A workload that is a service alone.
fn service(name: &str, does: &str, restart: Restart) -> Workload {
    let settings = MemberSettings::default().with(Process {
        arguments: does.split(' ').map(str::to_owned).collect(),
        ..Process::default()
    });
    let mut workload = alone(probe(name), settings);
    workload.entries[0].drive = Drive::Service { restart };
    workload
}

/// A workload that answers requests, with a service that ticks under another name.
fn with_service(name: &str, member: &str) -> Workload {
    let mut workload = alone(probe("probe"), MemberSettings::default());
    let mut entry = service(name, "tick", Restart::default()).entries.remove(0);
    entry.members[0].name = member.to_owned();
    workload.entries.push(entry);
    workload
}

/// Waits until the service is in a state, whatever comes before.
async fn until(stage: &Stage, wanted: impl Fn(&ServiceStatus) -> bool) -> WorkloadStatus {
    within("the service gets there", async {
        loop {
            let status = stage.status().await;
            if wanted(status.service.as_ref().unwrap()) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
}

async fn ended(stage: &Stage) -> WorkloadStatus {
    until(stage, |service| {
        matches!(service.state, ServiceState::Ended { .. })
    })
    .await
}

fn ticks(stage: &Stage, member: &str) -> usize {
    let tick = format!("{member} | tick");
    let output = stage.output.text();
    output
        .lines()
        .filter(|line| line.starts_with(&tick))
        .count()
}

async fn ticking(stage: &Stage, member: &str) {
    let before = ticks(stage, member);
    within("the service goes on", async {
        while ticks(stage, member) < before + 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_runs_until_it_is_stopped() {
    for name in DAEMONS {
        let stage = Stage::new(service(name, "tick", Restart::default())).await;
        ticking(&stage, "api").await;
        let status = stage.status().await;
        assert_eq!(status.state, WorkloadState::Running, "{name}");
        assert_eq!(status.service.unwrap().state, ServiceState::Running);
        assert_eq!(status.in_flight, 0, "it is no request");
        let heartbeat = stage.host.heartbeat().await;
        assert_eq!((heartbeat.workloads, heartbeat.services), (1, 1));

        stage.host.stop(&stage.id).await.unwrap();
        let stopped = ticks(&stage, "api");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(ticks(&stage, "api"), stopped, "{name}");
        stage.host.status(&stage.id).await.unwrap_err();
        assert_eq!(stage.host.heartbeat().await.services, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ends_with_success_is_not_started_again() {
    for name in DAEMONS {
        for does in ["end", "exit 0"] {
            let stage = Stage::new(service(name, does, Restart::default())).await;
            let status = ended(&stage).await;
            assert_eq!(status.state, WorkloadState::Completed, "{name} {does}");
            let service = status.service.unwrap();
            assert_eq!(
                (service.state, service.restarts, service.last_failure),
                (ENDED, 0, None)
            );
            let output = stage.output.text();
            assert!(output.contains("service `api` ended"), "{output}");
            assert_eq!(output.contains("api | done"), does == "end", "{output}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_service_failed_is_told() {
    for name in DAEMONS {
        for (does, why) in [
            ("fail", "`run` returned an error"),
            ("exit 7", "it exited with status 7"),
            ("panic", "panicked at src/"),
        ] {
            // The C library of 0.2 guests passes on whether it was success, and no more.
            let why = match (name, does) {
                ("daemon", "exit 7") => "it exited with status 1",
                _ => why,
            };
            let stage = Stage::new(service(name, does, Restart::Never)).await;
            let status = ended(&stage).await;
            assert_eq!(status.state, WorkloadState::Failed, "{name} {does}");
            let service = status.service.unwrap();
            assert_eq!((service.state, service.restarts), (FAILED, 0));
            let failure = service.last_failure.unwrap();
            assert!(failure.starts_with(why), "{name} {does}: {failure}");
            let output = stage.output.text();
            assert!(
                output.contains(&format!("service `api` failed: {failure}"))
                    && output.contains("it is not started again"),
                "{output}"
            );
            if does == "panic" {
                assert!(failure.ends_with(": told to"), "{failure}");
                assert!(
                    output.contains("[api]") && !output.contains("_ZN"),
                    "a backtrace, demangled: {output}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loop_backs_off_and_gives_up() {
    let restart = Restart::OnFailure {
        first: Duration::from_millis(20),
        most: Duration::from_secs(20),
        tries: NonZeroU32::new(4),
    };
    for name in DAEMONS {
        let stage = Stage::new(service(name, "panic", restart.clone())).await;
        let status = ended(&stage).await;
        assert_eq!(status.service.unwrap().restarts, 4);
        let output = stage.output.text();
        assert_eq!(
            output.matches("service `api` failed").count(),
            5,
            "{output}"
        );
        let waits: Vec<_> = output
            .lines()
            .filter_map(|line| line.strip_prefix("it starts again in "))
            .collect();
        assert_eq!(waits, ["20 ms", "40 ms", "80 ms", "160 ms"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_service_tells_when_it_starts_again_and_can_be_stopped() {
    let minute = Duration::from_secs(60);
    let restart = Restart::OnFailure {
        first: minute,
        most: minute,
        tries: None,
    };
    let stage = Stage::new(service("daemon", "panic", restart)).await;
    let status = until(&stage, |service| service.state != ServiceState::Running).await;
    let ServiceState::Waiting { until } = status.service.unwrap().state else {
        panic!()
    };
    let wait = until.duration_since(SystemTime::now()).unwrap();
    assert!(wait > Duration::from_secs(30) && wait <= minute, "{wait:?}");
    assert_eq!(status.state, WorkloadState::Running);
    assert_eq!(stage.host.heartbeat().await.services, 0);
    let stopped = tokio::time::timeout(minute / 4, stage.host.stop(&stage.id)).await;
    stopped.expect("it does not wait for the restart").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_recovers_goes_on() {
    for name in DAEMONS {
        let root = tempfile::tempdir().unwrap();
        let restart = Restart::OnFailure {
            first: Duration::from_millis(1),
            most: Duration::from_secs(1),
            tries: None,
        };
        let mut workload = service(name, "recover", restart);
        workload.entries[0].members[0]
            .settings
            .get_mut::<Directories>()
            .0 = vec![Directory {
            volume: Volume::HostPath {
                path: root.path().to_owned(),
                create: false,
            },
            guest: "/data".into(),
            access: Access::ReadWrite,
        }];
        let stage = Stage::new(workload).await;
        until(&stage, |service| {
            service.restarts == 1 && stage.output.text().contains("api | recovered")
        })
        .await;
        let service = stage.status().await.service.unwrap();
        assert_eq!(service.state, ServiceState::Running);
        assert!(service.last_failure.unwrap().contains("the first time"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_compute_as_long_as_it_rests_in_between() {
    for name in DAEMONS {
        let limited = |does| {
            let mut workload = service(name, does, Restart::Never);
            workload.entries[0].limits.cpu_time = Duration::from_millis(500);
            workload.entries[0].limits.memory = NonZeroU64::new(64 << 20).unwrap();
            workload
        };
        let stage = Stage::new(limited("work")).await;
        assert_eq!(
            ended(&stage).await.state,
            WorkloadState::Completed,
            "{name}"
        );
        assert!(stage.output.text().contains("api | worked"));

        for (does, limit) in [
            ("spin", "dev.limits.cpu_time"),
            ("hoard", "dev.limits.memory"),
        ] {
            let stage = Stage::new(limited(does)).await;
            let failure = ended(&stage).await.service.unwrap().last_failure.unwrap();
            assert!(failure.contains(limit), "{name}: {failure}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spinning_service_leaves_the_requests_their_turn_and_is_stopped() {
    let mut workload = with_service("daemon", "spinner");
    workload.entries[1].members[0]
        .settings
        .get_mut::<Process>()
        .arguments = vec!["spin".into()];
    workload.entries[1].limits.cpu_time = Duration::from_secs(3600);
    let stage = Stage::new(workload).await;
    for _ in 0..10 {
        assert_eq!(stage.get("/hello").await.0, 200);
    }
    within("it is stopped", stage.host.stop(&stage.id))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_service_goes_with_the_last_request() {
    for name in DAEMONS {
        let stage = Stage::new(with_service(name, "before")).await;
        let mut old = stage.open(request("GET", "/forever", "")).await.into_body();
        ticking(&stage, "before").await;
        let start = StartRequest {
            workload: with_service(name, "after"),
            replaces: Some(stage.id.clone()),
        };
        stage.host.start(start).await.unwrap();
        assert!(old.frame().await.unwrap().is_ok());
        ticking(&stage, "after").await;
        ticking(&stage, "before").await;
        assert_eq!(stage.host.heartbeat().await.services, 2);
        drop(old);
        within("the old version is forgotten", async {
            while stage.host.status(&stage.id).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let stopped = ticks(&stage, "before");
        ticking(&stage, "after").await;
        assert_eq!(ticks(&stage, "before"), stopped, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_when_any_entry_is_refused() {
    let stage = Stage::new(with_service("daemon", "old")).await;
    let mut trapping = with_service("daemon", "new");
    let text = include_str!("trapping.wat");
    trapping.entries[0].component = wat::parse_str(text).unwrap().into();
    trapping.entries[0].grants.clear();
    trapping.entries.reverse();
    let mut no_service = with_service("daemon", "new");
    no_service.entries[1].component = probe("probe");
    let mut two = with_service("daemon", "new");
    let again = two.entries[1].clone();
    two.entries.push(again);
    let none = Workload {
        name: "none".into(),
        entries: Vec::new(),
    };
    for (workload, reason) in [
        (trapping, "unreachable"),
        (no_service, "runs as a service"),
        (two, "at most one service"),
        (none, "at least one entry"),
    ] {
        let replaces = Some(stage.id.clone());
        let refused = stage.host.start(StartRequest { workload, replaces }).await;
        let told = match refused.map(drop).unwrap_err() {
            StartError::Invalid { problems, .. } => format!("{problems:?}"),
            StartError::Trap { report, .. } => report,
            other => panic!("{other:?}"),
        };
        assert!(told.contains(reason), "{told}");
    }
    ticking(&stage, "old").await;
    assert_eq!(ticks(&stage, "new"), 0);
    assert_eq!(stage.status().await.state, WorkloadState::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_without_routes_leaves_none_behind() {
    let stage = Stage::probe("probe").await;
    assert_eq!(stage.get("/hello").await.0, 200);
    let start = StartRequest {
        workload: service("daemon", "tick", Restart::default()),
        replaces: Some(stage.id.clone()),
    };
    stage.host.start(start).await.unwrap();
    assert!(stage.routes.handler().is_none());
}
