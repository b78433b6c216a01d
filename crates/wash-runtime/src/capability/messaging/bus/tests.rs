use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;

const LONG: Duration = Duration::from_secs(60);

fn envelope(subject: &str, body: &str) -> Envelope {
    Envelope {
        subject: subject.parse().unwrap(),
        reply_to: None,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// A subscriber with its patterns, separated by commas.
fn subscription((name, patterns): &(&str, &str)) -> Subscription {
    let patterns = patterns.split(',').filter(|pattern| !pattern.is_empty());
    Subscription {
        name: (*name).to_owned(),
        patterns: patterns.map(|pattern| pattern.parse().unwrap()).collect(),
        most: NonZeroUsize::new(3).unwrap(),
        most_bytes: NonZeroU64::new(100).unwrap(),
    }
}

fn take_over(bus: &Arc<Bus>, subscribers: &[(&str, &str)]) -> (Vec<Lease>, Vec<Lost>) {
    bus.take_over(subscribers.iter().map(subscription).collect())
}

fn bus(subscribers: &[(&str, &str)]) -> (Arc<Bus>, Vec<Lease>) {
    let bus = Arc::default();
    let (leases, lost) = take_over(&bus, subscribers);
    assert_eq!(lost, []);
    (bus, leases)
}

async fn next(lease: &Lease) -> Envelope {
    let next = tokio::time::timeout(LONG, lease.next(|| ())).await;
    let next = next.expect("a message waits");
    next.expect("the lease goes on").0
}

/// What waits in a queue, without waiting for more.
async fn waiting(lease: &Lease) -> Vec<String> {
    let mut bodies = Vec::new();
    while let Ok(Some((envelope, ()))) =
        tokio::time::timeout(Duration::ZERO, lease.next(|| ())).await
    {
        bodies.push(String::from_utf8(envelope.body.to_vec()).unwrap());
    }
    bodies
}

fn lost(queue: &str, count: usize) -> Lost {
    Lost {
        queue: queue.to_owned(),
        count,
    }
}

#[tokio::test]
async fn each_message_goes_once_to_all_who_want_it() {
    let (bus, leases) = bus(&[("a", "t.x,t.*"), ("b", "t.>"), ("c", "u"), ("d", "")]);
    assert_eq!(bus.publish(envelope("t.x", "1")), Ok(3));
    assert_eq!(bus.publish(envelope("t.x.y", "2")), Ok(2));
    assert_eq!(bus.publish(envelope("nobody", "3")), Ok(1));
    for (lease, expected) in leases
        .iter()
        .zip([&["1"][..], &["1", "2"], &[], &["1", "2", "3"]])
    {
        assert_eq!(waiting(lease).await, expected);
    }
}

#[tokio::test]
async fn a_full_queue_takes_nothing_and_neither_do_the_others() {
    let (bus, leases) = bus(&[("a", "t"), ("b", "")]);
    for body in ["1", "2", "3"] {
        bus.publish(envelope("t", body)).unwrap();
    }
    next(&leases[1]).await;
    let refusal = bus.publish(envelope("t", "4")).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the message on `t` was rejected: the queue of `a`, which holds 3, is full"
    );
    assert_eq!(waiting(&leases[1]).await, ["2", "3"]);
    assert_eq!(bus.publish(envelope("u", "5")), Ok(1));
    next(&leases[0]).await;
    assert_eq!(bus.publish(envelope("t", "6")), Ok(2));
}

#[tokio::test]
async fn what_waits_has_a_limit_in_bytes() {
    let (bus, leases) = bus(&[("a", "t"), ("b", "t")]);
    // With its subject.
    let half = "x".repeat(49);
    bus.publish(envelope("t", &half)).unwrap();
    next(&leases[0]).await;
    bus.publish(envelope("t", &half)).unwrap();
    let refusal = bus.publish(envelope("t", "1")).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the message on `t` was rejected: what waits in the queue of `b` would have 102 bytes, more than the 100 of its \
         memory limit"
    );
    // The limit goes on with what waits, and what is gone does not count.
    let (leases, _) = take_over(&bus, &[("b", "t")]);
    bus.publish(envelope("t", "1")).unwrap_err();
    assert_eq!(waiting(&leases[0]).await, [half.as_str(); 2]);
    bus.publish(envelope("t", &half)).unwrap();
    bus.stop();
    take_over(&bus, &[("b", "t")]);
    bus.publish(envelope("t", &"x".repeat(99))).unwrap();
}

#[tokio::test]
async fn the_first_answer_reaches_who_asked_and_nobody_else() {
    let (bus, leases) = bus(&[("a", "t"), ("spy", ">"), ("all", "")]);
    let answer = async {
        let request = next(&leases[0]).await;
        let reply_to = request.reply_to.unwrap();
        for (body, heard) in [("first", 1), ("second", 0)] {
            let answer = envelope(reply_to.as_str(), body);
            assert_eq!(bus.publish(answer), Ok(heard));
        }
    };
    let request = bus.request("t".parse().unwrap(), Bytes::from("hello"), LONG);
    let (answered, ()) = tokio::join!(request, answer);
    assert_eq!(answered.unwrap().body, "first");
    assert_eq!(waiting(&leases[1]).await, ["hello"]);
    assert_eq!(waiting(&leases[2]).await, ["hello"]);
    assert!(bus.state().inboxes.is_empty());
}

#[tokio::test]
async fn an_answer_may_ask_in_turn() {
    let (bus, leases) = bus(&[("a", "t"), ("spy", ">")]);
    let answer = async {
        let request = next(&leases[0]).await;
        let which = bus.request(request.reply_to.unwrap(), "which?".into(), LONG);
        which.await.unwrap().body
    };
    let ask = async {
        let asked = bus.request("t".parse().unwrap(), "hello".into(), LONG);
        let back = asked.await.unwrap().reply_to.unwrap();
        assert_eq!(bus.publish(envelope(back.as_str(), "this")), Ok(1));
    };
    let (body, ()) = tokio::join!(answer, ask);
    assert_eq!(body, "this");
    assert_eq!(waiting(&leases[1]).await, ["hello"]);
}

#[tokio::test]
async fn nobody_to_answer_is_known_at_once() {
    let (bus, _leases) = bus(&[("a", "t.*")]);
    let subject: Subject = "t".parse().unwrap();
    let refusal = bus.request(subject.clone(), Bytes::new(), LONG).await;
    assert_eq!(refusal, Err(Refusal::NoResponders { subject }));
    assert!(bus.state().inboxes.is_empty());
}

#[tokio::test]
async fn silence_ends_with_the_timeout() {
    let (bus, leases) = bus(&[("a", "t")]);
    let patience = Duration::from_millis(20);
    let begin = Instant::now();
    let refusal = bus.request("t".parse().unwrap(), Bytes::new(), patience);
    let refusal = refusal.await.unwrap_err();
    assert!(begin.elapsed() >= patience);
    assert_eq!(
        refusal.to_string(),
        "timeout: the request on `t` was not answered within 20 ms"
    );
    // The message is still there, and an answer to it is too late.
    let late = next(&leases[0]).await.reply_to.unwrap();
    assert_eq!(bus.publish(envelope(late.as_str(), "late")), Ok(0));
    assert!(bus.state().inboxes.is_empty());
}

#[tokio::test]
async fn a_request_fails_when_all_who_were_asked_have() {
    let (bus, leases) = bus(&[("a", "t"), ("b", "t")]);
    let fail = async {
        for (lease, reason) in leases.iter().zip(["broken", "broken as well"]) {
            let request = next(lease).await;
            bus.failed(&request.reply_to.unwrap(), reason);
        }
    };
    let request = bus.request("t".parse().unwrap(), Bytes::new(), LONG);
    let (answered, ()) = tokio::join!(request, fail);
    let text = answered.unwrap_err().to_string();
    assert_eq!(text, "the request on `t` failed: broken as well");
}

#[tokio::test]
async fn the_next_version_takes_the_queues_over() {
    let (bus, old) = bus(&[("a", "t"), ("b", "t"), ("gone", "t")]);
    for body in ["1", "2"] {
        bus.publish(envelope("t", body)).unwrap();
    }
    assert_eq!(next(&old[0]).await.body, "1");
    let (new, dropped) = take_over(&bus, &[("b", "t"), ("a", "other"), ("fresh", "t")]);
    assert_eq!(dropped, [lost("gone", 2)]);
    for lease in &old {
        assert!(lease.next(|| ()).await.is_none());
    }
    bus.publish(envelope("t", "3")).unwrap();
    assert_eq!(waiting(&new[0]).await, ["1", "2", "3"]);
    assert_eq!(waiting(&new[1]).await, ["2"]);
    assert_eq!(waiting(&new[2]).await, ["3"]);
}

#[tokio::test]
async fn a_lease_that_waits_ends_when_the_queue_is_taken_over() {
    let (bus, leases) = bus(&[("a", "t")]);
    let waits = tokio::spawn(async move { leases[0].next(|| ()).await.is_none() });
    tokio::task::yield_now().await;
    take_over(&bus, &[("a", "t")]);
    assert!(waits.await.unwrap());
}

#[tokio::test]
async fn stopping_finishes_requests_and_takes_nothing_else() {
    let (bus, leases) = bus(&[("a", "t")]);
    bus.publish(envelope("t", "1")).unwrap();
    let asked = tokio::spawn({
        let bus = Arc::clone(&bus);
        async move { bus.request("t".parse().unwrap(), "2".into(), LONG).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(bus.stop(), [lost("a", 1)]);
    let refusal = bus.publish(envelope("t", "3")).unwrap_err();
    assert!(matches!(refusal, Refusal::Stopping { .. }), "{refusal}");
    let request = next(&leases[0]).await;
    assert_eq!(request.body, "2");
    let mut answer = envelope("t", "done");
    answer.subject = request.reply_to.unwrap();
    assert_eq!(bus.publish(answer), Ok(1));
    assert_eq!(asked.await.unwrap().unwrap().body, "done");

    let asked = bus.request("t".parse().unwrap(), Bytes::new(), LONG);
    let close = async {
        next(&leases[0]).await;
        bus.close();
    };
    let (answered, ()) = tokio::join!(asked, close);
    assert!(matches!(answered, Err(Refusal::Stopping { .. })));
    assert!(leases[0].next(|| ()).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_message_is_lost_or_doubled_while_versions_change() {
    const MESSAGES: usize = 2000;
    let bus: Arc<Bus> = Arc::default();
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    let version = || {
        let (leases, lost) = take_over(&bus, &[("a", "t")]);
        assert_eq!(lost, []);
        for lease in leases {
            let sender = sender.clone();
            tokio::spawn(async move {
                while let Some((envelope, ())) = lease.next(|| ()).await {
                    sender.send(envelope.body).unwrap();
                }
            });
        }
    };
    version();
    let publish = tokio::spawn({
        let bus = Arc::clone(&bus);
        async move {
            for number in 0..MESSAGES {
                while bus.publish(envelope("t", &number.to_string())).is_err() {
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    while !publish.is_finished() {
        version();
        tokio::task::yield_now().await;
    }
    publish.await.unwrap();
    let mut numbers = Vec::new();
    while numbers.len() < MESSAGES {
        let body = tokio::time::timeout(LONG, received.recv()).await;
        let body = body.expect("no message is lost").unwrap();
        numbers.push(
            std::str::from_utf8(&body)
                .unwrap()
                .parse::<usize>()
                .unwrap(),
        );
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..MESSAGES));
    assert!(received.try_recv().is_err());
}
