//! What a request and its response may look like.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use wash_runtime::workload::MemberSettings;

use crate::stage::{Stage, alone, probe, request, within};

const PROBES: [&str; 2] = ["probe", "probe-p3"];

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        assert_eq!(stage.get("/hello").await, (200, "hello".into()));
        assert_eq!(
            stage.get("/path/and?query").await,
            (200, "/path/and".into())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_stream_both_ways_at_once() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        let (mut sender, receiver) =
            futures::channel::mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
        let request = http::Request::post("/echo")
            .header("host", "h")
            .body(StreamBody::new(receiver))
            .unwrap();
        // The head comes before the request ends.
        let mut response = stage.open(request).await.into_body();
        for word in ["one", "two", "three"] {
            sender.try_send(Ok(Frame::data(word.into()))).unwrap();
            let frame = within("each chunk comes back", response.frame())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(frame.into_data().unwrap(), word, "{name}");
        }
        drop(sender);
        assert!(response.frame().await.is_none());
        stage.idle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_pass_both_ways_over_http_2() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        let stream = TcpStream::connect(stage.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        tokio::spawn(connection);
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-in", "out".parse().unwrap());
        let frames = [
            Ok::<_, Infallible>(Frame::data(Bytes::from("body"))),
            Ok(Frame::trailers(trailers)),
        ];
        let body = StreamBody::new(futures::stream::iter(frames));
        let request = http::Request::post("http://test.example/echo")
            .body(body)
            .unwrap();
        let body = sender
            .send_request(request)
            .await
            .unwrap()
            .into_body()
            .collect()
            .await
            .unwrap();
        assert_eq!(body.trailers().unwrap()["x-in"], "out", "{name}");
        assert_eq!(body.to_bytes(), "body");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_may_send_trailers_over_http_1() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        let mut request = request("GET", "/trailers", "");
        request
            .headers_mut()
            .insert("te", "trailers".parse().unwrap());
        let body = stage
            .open(request)
            .await
            .into_body()
            .collect()
            .await
            .unwrap();
        // HTTP/1.1 has trailers only where the `trailer` header announced them; the body must be whole all the same.
        assert_eq!(body.to_bytes(), "body", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_after_the_answer_is_finished() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        let answer = stage.get("/after?1000").await;
        assert_eq!(answer, (200, "answered".into()));
        assert!(!stage.output.text().contains("done after"), "{name}");
        assert_eq!(stage.status().await.in_flight, 1, "{name}");
        stage.idle().await;
        assert!(
            stage.output.text().contains("done after the answer"),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_request_has_no_body_and_ends() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        assert_eq!(
            stage.send(request("HEAD", "/hello", "")).await,
            (200, String::new()),
            "{name}"
        );
        stage.idle().await;
        assert_eq!(stage.status().await.traps, 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_prefixed_line_by_line() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        stage.get("/print").await;
        stage.idle().await;
        let text = stage.output.text();
        assert!(
            text.lines()
                .any(|line| line.starts_with("api #") && line.ends_with("| one line")),
            "{name}: {text}"
        );
        assert!(
            text.lines().any(|line| line.ends_with("| no end")),
            "{name}: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_the_limit_wait() {
    let mut workload = alone(probe("probe"), MemberSettings::default());
    workload.entries[0].limits.concurrent_requests = 2;
    let stage = Stage::new(workload).await;
    let started = std::time::Instant::now();
    let answers = futures::future::join_all((0..6).map(|_| stage.get("/sleep?100"))).await;
    assert!(
        answers
            .iter()
            .all(|answer| *answer == (200, "slept".into()))
    );
    assert!(
        started.elapsed() >= Duration::from_millis(300),
        "six in twos take three turns"
    );
}
