//! What a guest is given, and what it gives back besides responses: settings, the network, its output and its log.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Mutex;

use bytes::Bytes;
use futures::channel::mpsc::{self, UnboundedSender};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::client::{get, text};
use crate::exchange::{Exchange, Version};
use crate::probe::project;
use crate::wash::Dev;

#[tokio::test(flavor = "multi_thread")]
async fn settings_reach_the_guest() {
    let config = "workload:\n  config: { greeting: hi }\n  environment: { config: { COLOR: red } }\n  env_file: .env\n";
    let projects = project("workbench", config);
    projects.write(".env", "SHAPE=\"quite round\"\n");
    let (_wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/config?key=greeting").await, "hi\n");
    assert_eq!(
        get(&url, "/config?key=farewell").await.0,
        StatusCode::NOT_FOUND
    );
    let all = text(&url, "/config").await;
    assert!(
        all.contains("greeting=hi\n") && all.contains("SHAPE=quite round\n"),
        "{all}"
    );
    let environment = text(&url, "/env").await;
    for variable in ["COLOR=red", "SHAPE=quite round"] {
        assert!(environment.contains(variable), "{environment}");
    }
    // And nothing else: not the environment of `wash`, and no directory.
    assert_eq!(
        environment.matches("environment ").count(),
        2,
        "{environment}"
    );
    assert!(!environment.contains("directory "), "{environment}");

    let projects = project("probe-p3", config);
    projects.write(".env", "SHAPE=\"quite round\"\n");
    let (_wash, url) = Dev::on(&projects).serving().await;
    let environment = text(&url, "/environment").await;
    for variable in ["COLOR=red\n", "SHAPE=quite round\n"] {
        assert!(environment.contains(variable), "{environment}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_and_log_lines_say_whose_they_are() {
    let projects = project("workbench", "");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    text(&url, "/request").await;
    text(&url, "/log?level=warn&context=stock&message=running%20low").await;
    wash.line("workbench #2 | warn stock: running low").await;
    text(&url, "/print?text=printed&err=complained").await;
    // They come through two pipes, in any order.
    let first = wash.line("workbench #3 | ").await;
    let second = wash.line("workbench #3 | ").await;
    let mut both = [first, second];
    both.sort();
    assert_eq!(
        both,
        ["workbench #3 | complained", "workbench #3 | printed"]
    );

    let projects = project("probe-p3", "");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    text(&url, "/print").await;
    for line in ["one line", "by the stream", "no end"] {
        wash.line(&format!("probe-p3 #1 | {line}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outgoing_requests_stream_and_only_reach_allowed_hosts() {
    let (address, reply) = server().await;
    let projects = project(
        "workbench",
        &format!("workload: {{ allowedHosts: [\"{address}\"] }}\n"),
    );
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let path = format!("/fetch?url=http://{address}/");
    let mut fetch = Exchange::open(&url, Version::Http1, Request::get(path)).await;
    for word in ["one", "two"] {
        let frame = Frame::data(Bytes::from(word));
        reply.unbounded_send(Ok(frame)).unwrap();
        assert_eq!(fetch.read().await, word);
    }
    drop(reply);
    assert!(fetch.finish(HeaderMap::new()).await.0.is_empty());

    let (status, page) = get(&url, "/fetch?url=http://127.0.0.1:1/").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{page}");
    wash.line("request to `127.0.0.1:1` denied").await;
    wash.line("allowedHosts").await;

    let (address, reply) = server().await;
    drop(reply);
    let projects = project("probe-p3", "");
    let (_wash, url) = Dev::on(&projects).serving().await;
    let answer = text(&url, &format!("/fetch?{address}")).await;
    assert_eq!(answer, "status 200");
}

type Reply = UnboundedSender<Result<Frame<Bytes>, Infallible>>;

/// A server elsewhere, and what the body of its answer to the one request is made of.
async fn server() -> (SocketAddr, Reply) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (reply, frames) = mpsc::unbounded();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let frames = Mutex::new(Some(frames));
        let service = service_fn(|_| {
            let frames = frames.lock().unwrap().take().expect("one request");
            async { Ok::<_, Infallible>(Response::new(StreamBody::new(frames))) }
        });
        // How it ends is up to the client.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    });
    (address, reply)
}
