//! Messages: an API that publishes and asks, a worker that answers, and one that listens.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::time::timeout;

use crate::client::{get, text};
use crate::project::Projects;
use crate::wash::{Dev, TIMEOUT};

const CONFIG: &str = "tasks/.wash/config.yaml";

fn three(test: &str) -> Projects {
    Projects::copy(test, &["tasks", "leet", "auditor"])
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_and_who_listens_hears_them() {
    let (mut wash, url) = Dev::on(&three("messages")).serving().await;
    let console = wash.console();
    for line in [
        "leet for tasks.leet",
        "auditor for tasks.*, audit.>",
        "wasmcloud:messaging/consumer@0.2.0",
    ] {
        assert!(console.contains(line), "{line}: {console}");
    }
    assert_eq!(text(&url, "/request/tasks.leet/elite/60000").await, "31i73");
    wash.line("auditor | noted tasks.leet elite").await;

    // What only one of them wants reaches that one, once.
    let published = text(&url, "/publish/audit.a.b/deep/1").await;
    assert_eq!(published, "published 1");
    wash.line("auditor | noted audit.a.b deep").await;
    text(&url, "/publish/tasks.leet.deeper/lost/1").await;
    text(&url, "/publish/tasks.leet/both/1").await;
    let both = ["did both", "noted tasks.leet both"];
    let first = wash.one_of(&both).await;
    let second = wash.one_of(&both).await;
    assert_ne!(first, second);
    let console = wash.console();
    assert_eq!(console.matches("noted").count(), 3, "{console}");
    assert!(!console.contains("did lost"), "{console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_learns_that_there_is_no_answer() {
    let (mut wash, url) = Dev::on(&three("no-answer")).serving().await;
    let refused = async |path: &str| {
        let (status, reason) = get(&url, path).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY, "{reason}");
        reason
    };
    let begin = Instant::now();
    assert_eq!(
        refused("/request/nobody/hello/600000").await,
        "no responders: nothing subscribes to `nobody`"
    );
    assert!(begin.elapsed() < Duration::from_secs(300));
    assert_eq!(
        refused("/request/tasks.leet/silent/50").await,
        "timeout: the request on `tasks.leet` was not answered within 50 ms"
    );
    // The one who only listens might still answer.
    let reason = refused("/request/tasks.leet/panic/1000").await;
    assert!(reason.starts_with("timeout"), "{reason}");
    let told = wash.line("a message on `tasks.leet` to `leet`").await;
    assert!(told.contains("told to"), "{told}");
    wash.line("src/lib.rs:").await;

    for (bad, why) in [
        ("tasks..leet", "`tasks..leet` is not a subject"),
        ("tasks.*", "`tasks.*` has a wildcard"),
    ] {
        let reason = refused(&format!("/request/{bad}/hello/1000")).await;
        assert!(reason.starts_with(why), "{reason}");
        let reason = refused(&format!("/publish/{bad}/hello/1")).await;
        assert!(reason.contains(why), "{reason}");
    }
    assert_eq!(text(&url, "/request/tasks.leet/still/60000").await, "s7i11");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_fails_is_told_to_who_asked() {
    let projects = Projects::copy("failing-worker", &["tasks", "leet"]);
    // No subscriptions: everything. And one message at a time, of which two may wait.
    projects.write(
        CONFIG,
        "name: tasks\ndev:\n  components:\n    - name: leet\n      path: ../leet\n      \
         limits: { concurrent_requests: 1, queued_messages: 2 }\n",
    );
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let console = wash.console();
    assert!(console.contains("leet for all messages"), "{console}");

    let (status, reason) = get(&url, "/request/any.thing/refuse/600000").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert_eq!(
        reason,
        "the request on `any.thing` failed: `leet` answered with an error: no thanks"
    );
    wash.line("a message on `any.thing` to `leet` failed").await;
    let (_, reason) = get(&url, "/request/any.thing/panic/600000").await;
    assert!(
        reason.contains("failed: ") && reason.contains("told to"),
        "{reason}"
    );

    let (status, reason) = get(&url, "/publish/any.thing/wait-300/20").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(
        reason.ends_with(
            "the message on `any.thing` was rejected: the queue of `leet`, which holds 2, is full"
        ),
        "{reason}"
    );
    // It goes on, with what it had taken.
    wash.line("did wait-300").await;
    wash.line("did wait-300").await;
    let answered = async { while get(&url, "/request/any.thing/toll/60000").await.1 != "7011" {} };
    timeout(TIMEOUT, answered).await.expect("an answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_loses_no_message() {
    let projects = Projects::copy("flowing", &["tasks", "leet"]);
    projects.write(
        CONFIG,
        "name: tasks\ndev:\n  components:\n    - name: leet\n      path: ../leet\n      \
         config: { subscriptions: tasks.leet }\n      limits: { concurrent_requests: 2 }\n",
    );
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let flow = tokio::spawn(async move {
        let mut sent = 0;
        while stopped.try_recv().is_err() {
            // Each is handled more slowly than the next one comes, so that some wait at any time.
            text(&url, &format!("/publish/tasks.leet/task-{sent}/1")).await;
            text(&url, "/publish/tasks.leet/wait-20/2").await;
            sent += 1;
        }
        sent
    });
    wash.line("did task-5").await;
    projects.replace("leet/src/lib.rs", "did {text}", "really did {text}");
    wash.line("reloaded leet").await;
    wash.line("really did task-").await;
    stop.send(()).unwrap();
    let sent = flow.await.unwrap();
    let did = loop {
        let console = wash.console();
        let tasks = console.lines().filter_map(|line| {
            let (_, number) = line.split_once("did task-")?;
            number.parse::<usize>().ok()
        });
        let did: Vec<usize> = tasks.collect();
        if did.len() >= sent {
            break did;
        }
        wash.line("did task-").await;
    };
    assert_eq!(did.len(), sent, "none was handled twice");
    assert_eq!(BTreeSet::from_iter(did), BTreeSet::from_iter(0..sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_can_be_switched_off() {
    let projects = Projects::copy("no-messages", &["tasks"]);
    projects.write(
        CONFIG,
        "name: tasks\ndev:\n  capabilities: { messaging: false }\n",
    );
    let mut wash = Dev::on(&projects).spawn();
    wash.line("component `tasks` imports `wasmcloud:messaging/consumer@0.2.0`")
        .await;
    wash.line("`messaging` is switched off: `dev.capabilities.messaging` in")
        .await;
    wash.line("answers 503").await;
}
