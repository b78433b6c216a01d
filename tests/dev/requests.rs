//! What a request and its response may look like.

use http::{HeaderMap, HeaderValue, Request, StatusCode};

use crate::client::{Client, get, text};
use crate::exchange::{Exchange, Version};
use crate::probe::{PROBES, project};
use crate::wash::Dev;

const VERSIONS: [Version; 2] = [Version::Http1, Version::Http2];

#[tokio::test(flavor = "multi_thread")]
async fn bodies_stream_both_ways_at_once() {
    for probe in PROBES {
        let projects = project(probe, "");
        let (mut wash, url) = Dev::on(&projects).serving().await;
        for (version, id) in VERSIONS.into_iter().zip(["#1", "#2"]) {
            let mut echo = Exchange::open(&url, version, Request::post("/echo?x=y")).await;
            assert_eq!(echo.response.status(), StatusCode::OK);
            for word in ["one", "two", "three"] {
                echo.write(word);
                assert_eq!(echo.read().await, word, "{probe} {version:?}");
            }
            let (rest, _) = echo.finish(HeaderMap::new()).await;
            assert!(rest.is_empty(), "{probe} {version:?}: {rest:?}");

            let line = wash.line("/echo").await;
            let start = format!("{id} POST /echo?x=y 200 ");
            assert!(line.starts_with(&start) && line.ends_with('s'), "{line}");
        }
        assert_eq!(text(&url, "/hello").await, "hello");
        wash.line("#3 GET /hello 200").await;
        let console = wash.console();
        let access = console.lines().filter(|line| line.starts_with('#'));
        assert_eq!(access.count(), 3, "one line for each request:\n{console}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_pass_both_ways_over_http_2() {
    for probe in PROBES {
        let projects = project(probe, "");
        let (_wash, url) = Dev::on(&projects).serving().await;
        let echo = Exchange::open(&url, Version::Http2, Request::post("/echo")).await;
        echo.write("body");
        let sent = HeaderMap::from_iter([("x-in".parse().unwrap(), HeaderValue::from(7))]);
        let (body, trailers) = echo.finish(sent.clone()).await;
        assert_eq!((&body[..], &trailers), (&b"body"[..], &sent), "{probe}");
    }
}

/// HTTP/1.1 has trailers only where both sides said so before.
#[tokio::test(flavor = "multi_thread")]
async fn announced_trailers_pass_over_http_1() {
    for guest in ["workbench", "hello-p3"] {
        let projects = project(guest, "");
        let (_wash, url) = Dev::on(&projects).serving().await;
        let request = Request::post("/echo").header("te", "trailers");
        let request = request.header("trailer", "x-in");
        let echo = Exchange::open(&url, Version::Http1, request).await;
        echo.write("body");
        let sent = HeaderMap::from_iter([("x-in".parse().unwrap(), HeaderValue::from(7))]);
        let (body, trailers) = echo.finish(sent).await;
        assert_eq!(&body[..], b"body", "{guest}");
        assert_eq!(trailers["x-bytes"], "4", "{guest}");
        // This one sends back those of the request as well.
        if guest == "workbench" {
            assert_eq!(trailers["x-in"], "7");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_what_went_wrong_with_a_response() {
    let short = "cut off: the component wrote 5 of the 10 bytes that its `content-length` promises";
    let status = "answered with status 103, which cannot be the last answer to a request";
    let words = "the component answered with an error: ";
    for probe in PROBES {
        let projects = project(probe, "");
        let (mut wash, url) = Dev::on(&projects).serving().await;
        let mut cut_off = vec![("/short", short)];
        match probe {
            "probe" => cut_off.push((
                "/drop-body",
                "dropped the body of its response without finishing it",
            )),
            _ => cut_off.push((
                "/panic-short",
                "cut off: the guest failed while it wrote the response",
            )),
        }
        for (path, told) in cut_off {
            let mut client = Client::connect(&url).await.unwrap();
            let answer = client.get(path).await;
            assert!(answer.is_err(), "{probe} {path}: {answer:?}");
            let line = wash.line(&format!("GET {path} 200")).await;
            assert!(line.ends_with(told), "{probe}: {line}");
        }
        for (path, told) in [
            ("/status?103", status),
            ("/status?101", "status 101"),
            ("/words", words),
        ] {
            let (status, body) = get(&url, path).await;
            assert_eq!(
                status,
                StatusCode::INTERNAL_SERVER_ERROR,
                "{probe} {path}: {body}"
            );
            assert!(
                body.contains(told) && !body.contains('\x1b'),
                "{probe}: {body:?}"
            );
            wash.line(told).await;
        }
        // A response that was finished is delivered, whatever its guest does next.
        for _ in 0..50 {
            assert_eq!(text(&url, "/panic-after-end").await, "whole", "{probe}");
        }
        wash.line("told to, after the end").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_lives_for_one_request() {
    for probe in PROBES {
        let projects = project(probe, "");
        let (_wash, url) = Dev::on(&projects).serving().await;
        for _ in 0..10 {
            assert_eq!(text(&url, "/remember").await, "knows nothing", "{probe}");
        }
    }
}
