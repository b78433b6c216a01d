//! What goes wrong in a guest ends its own request, says why, and harms no other.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use wash_runtime::workload::MemberSettings;

use crate::stage::{Stage, alone, probe, request, within};

const PROBES: [&str; 2] = ["probe", "probe-p3"];

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_is_a_500_and_a_backtrace() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        let (status, text) = stage.get("/panic").await;
        assert_eq!(status, 500);
        assert!(text.starts_with("request #"), "{text}");
        assert!(text.contains("panicked at src/lib.rs:"), "{text}");
        assert!(text.contains("told to"), "{text}");
        assert_eq!(
            text.lines().count(),
            1,
            "the backtrace is for the terminal: {text}"
        );
        let output = stage.output.text();
        assert!(
            output.contains("told to"),
            "the guest's own message: {output}"
        );
        assert!(output.contains("src/lib.rs:"), "file and line: {output}");
        assert!(
            output.contains("Guest>::handle") || output.contains("{async_fn#0}"),
            "demangled: {output}"
        );
        assert!(
            !output.contains("_ZN") && !output.contains("_RN"),
            "demangled: {output}"
        );
        assert!(
            !output.contains("std::panicking"),
            "how a panic gets going is nobody's interest: {output}"
        );
        assert!(output.contains("[api]"), "the member: {output}");
        assert_eq!(stage.status().await.traps, 1);
        assert_eq!(stage.get("/hello").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_after_the_head_resets_the_body() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        let response = stage.open(request("GET", "/panic-after-head", "")).await;
        assert_eq!(response.status(), 200);
        assert!(
            within("the body fails", response.into_body().collect())
                .await
                .is_err(),
            "{name}"
        );
        stage.idle().await;
        let output = stage.output.text();
        assert!(
            output.contains("told to, late") && output.contains("src/lib.rs:"),
            "{name}: {output}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_spins_is_stopped_and_others_go_on() {
    for name in PROBES {
        let mut workload = alone(probe(name), MemberSettings::default());
        workload.entries[0].limits.cpu_time = Duration::from_millis(700);
        let stage = Stage::new(workload).await;
        let spinning = async {
            let (status, text) = stage.get("/spin").await;
            assert_eq!(status, 500);
            assert!(text.contains("dev.limits.cpu_time"), "{text}");
            Instant::now()
        };
        let others = async {
            for _ in 0..10 {
                assert_eq!(stage.get("/hello").await.0, 200);
            }
            Instant::now()
        };
        let (stopped, answered) = tokio::join!(spinning, others);
        assert!(answered < stopped, "{name}: the others had to wait");
        assert!(
            stage.output.text().contains("dev.limits.cpu_time"),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_spinning_guests_than_threads_do_not_stop_the_others() {
    let mut workload = alone(probe("probe"), MemberSettings::default());
    workload.entries[0].limits.cpu_time = Duration::from_millis(500);
    let stage = Stage::new(workload).await;
    let spinning = futures::future::join_all((0..8).map(|_| stage.get("/spin")));
    let other = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stage.get("/hello").await.0
    };
    let (spinning, other) = tokio::join!(spinning, other);
    assert_eq!(other, 200);
    assert!(spinning.iter().all(|(status, _)| *status == 500));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_is_not_computing() {
    for name in PROBES {
        let mut workload = alone(probe(name), MemberSettings::default());
        workload.entries[0].limits.cpu_time = Duration::from_millis(200);
        let stage = Stage::new(workload).await;
        assert_eq!(
            stage.get("/sleep?1000").await,
            (200, "slept".into()),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_takes_memory_without_end_is_stopped() {
    for name in PROBES {
        let mut workload = alone(probe(name), MemberSettings::default());
        workload.entries[0].limits.memory = (32 << 20).try_into().unwrap();
        let stage = Stage::new(workload).await;
        let (status, text) = stage.get("/grow").await;
        assert_eq!(status, 500);
        assert!(
            text.contains("dev.limits.memory") && text.contains("33554432"),
            "{name}: {text}"
        );
        assert_eq!(stage.get("/hello").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_never_answers_is_a_500_that_says_so() {
    let stage = Stage::probe("probe").await;
    let (status, text) = stage.get("/never").await;
    assert_eq!(status, 500);
    assert!(text.contains("response-outparam"), "{text}");
    assert_eq!(stage.status().await.traps, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_code_is_a_500_that_names_it() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        let (status, text) = stage.get("/error").await;
        assert_eq!(status, 500);
        assert!(text.contains("request loop detected"), "{name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_with_success_after_the_answer_is_fine() {
    let stage = Stage::probe("probe").await;
    assert_eq!(stage.get("/exit").await, (200, "bye".into()));
    stage.idle().await;
    assert_eq!(stage.status().await.traps, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_stops_the_guest() {
    for name in PROBES {
        for path in ["/spin", "/sleep?3600000", "/spin-after-head", "/forever"] {
            let stage = Stage::probe(name).await;
            {
                let mut opening = std::pin::pin!(stage.open(request("GET", path, "")));
                let running = async {
                    stage.busy().await;
                    tokio::time::sleep(Duration::from_millis(300)).await;
                };
                let _response = tokio::select! {
                    response = &mut opening => Some(response),
                    () = running => None,
                };
                assert_eq!(stage.status().await.in_flight, 1, "{name} {path}");
            }
            stage.idle().await;
            assert_eq!(stage.status().await.traps, 0, "{name} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_cut_off_half_way_ends_the_request() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        let (mut sender, receiver) =
            futures::channel::mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(4);
        let request = http::Request::post("/count")
            .header("host", "h")
            .body(StreamBody::new(receiver))
            .unwrap();
        sender
            .try_send(Ok(Frame::data(Bytes::from(vec![0; 1000]))))
            .unwrap();
        let upload = tokio::time::timeout(Duration::from_millis(200), stage.open(request)).await;
        assert!(upload.is_err());
        drop(sender);
        stage.idle().await;
        assert_eq!(stage.status().await.traps, 0, "{name}");
        assert_eq!(stage.get("/hello").await.0, 200);
    }
}
