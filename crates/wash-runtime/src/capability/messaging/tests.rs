//! Small components that call each other by messages, in both engines.

use super::*;
use crate::capability::Capabilities;
use crate::engine::{Engines, Means, Prepared};
use crate::events::Recorder;
use crate::messages::Message;
use crate::workload::{Drive, Entry, Grant, Limits, Member, MemberSettings, Workload};

/// Asks on `question`, and says what it came to.
const ASK: &str = "(call $request (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 8) \
                   (i32.const 60000) (i32.const 64))";

/// Sends an empty message back.
const ANSWER: &str = "(call $publish (local.get $reply-to) (local.get $reply-to-length) \
                      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64))";

const TRAP: &str = "(unreachable)";

fn entry(name: &str, model: &str, then: &str) -> Entry {
    let text = include_str!("guest.wat")
        .replace("MODEL", model)
        .replace("THEN", then);
    let consumer = "wasmcloud:messaging/consumer@0.2.7";
    Entry {
        name: name.to_owned(),
        component: wat::parse_str(text).unwrap().into(),
        members: vec![Member {
            name: name.to_owned(),
            settings: MemberSettings::default(),
        }],
        grants: vec![Grant {
            import: consumer.to_owned(),
            interface: consumer.to_owned(),
            member: 0,
        }],
        drive: Drive::Messages {
            subscriptions: vec![name.to_owned()],
        },
        limits: Limits::default(),
    }
}

async fn prepare(events: &Events, entries: &[Entry]) -> Prepared {
    let workload = Workload {
        name: "test".to_owned(),
        entries: entries.to_vec(),
    };
    let means = Means {
        engines: &Arc::new(Engines::new(None, events.clone())),
        capabilities: &Capabilities::default(),
        events,
    };
    let superseded = Default::default();
    means.prepare(&workload, &superseded).await.unwrap()
}

/// Starts the entries and sends the first of them a message.
async fn run(
    messaging: &MessagingCapability,
    id: &str,
    entries: &[Entry],
) -> (std::result::Result<(), String>, String) {
    let (events, captured) = Recorder::new();
    let prepared = prepare(&events, entries).await;
    let id = WorkloadId(id.to_owned());
    messaging.bind(&Running {
        id: &id,
        replaces: None,
        receiving: &prepared.receiving,
        kept: &prepared.kept,
        events: &events,
    });
    let outcome = send_to_first(&prepared).await;
    (outcome, captured.text())
}

async fn send_to_first(prepared: &Prepared) -> std::result::Result<(), String> {
    let message = Message {
        subject: "start".to_owned(),
        body: Vec::new(),
        reply_to: None,
    };
    prepared.receiving[0].handler.handle_in_turn(message).await
}

/// Of WASI 0.2, and with something of the component model's async.
const MODELS: [&str; 2] = ["", "(type (stream u8))"];

#[tokio::test(flavor = "multi_thread")]
async fn components_ask_and_answer_in_both_engines() {
    for model in MODELS {
        for other in MODELS {
            let entries = [entry("ask", model, ASK), entry("question", other, ANSWER)];
            let (outcome, _) = run(&MessagingCapability::default(), "a", &entries).await;
            assert_eq!(outcome, Ok(()), "{model} {other}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_traps_is_told_to_who_asked_and_on_the_console() {
    let entries = [entry("ask", "", ASK), entry("question", "", TRAP)];
    let (outcome, told) = run(&MessagingCapability::default(), "a", &entries).await;
    let reason = outcome.unwrap_err();
    assert!(
        reason.contains("the request on `question` failed: wasm trap"),
        "{reason}"
    );
    assert!(
        told.contains("a message on `question` to `question` failed"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_hears_nothing_of_another() {
    let messaging = MessagingCapability::default();
    let answering = [entry("question", "", ANSWER)];
    let (outcome, _) = run(&messaging, "a", &answering).await;
    // Nobody asked, and so there is no subject to send the answer to.
    assert!(outcome.unwrap_err().contains("is not a subject"));
    let (outcome, _) = run(&messaging, "b", &[entry("ask", "", ASK)]).await;
    let reason = outcome.unwrap_err();
    assert!(reason.contains("no responders"), "{reason}");
}

#[tokio::test]
async fn nothing_is_sent_before_the_workload_runs() {
    let (events, _) = Recorder::new();
    let prepared = prepare(&events, &[entry("ask", "", ASK)]).await;
    let outcome = send_to_first(&prepared).await;
    assert!(outcome.unwrap_err().contains("before the workload runs"));
}
