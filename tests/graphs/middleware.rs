//! Handlers of HTTP requests in front of others.

use http::StatusCode;
use serde_json::json;

use crate::graph::Graph;
use crate::request::{ask, converse};

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_wasi_0_2_stand_in_front_of_others() {
    let graph = Graph::of("probe")
        .with_settings("auth", json!({ "environment": { "WORD": "sesame" } }))
        .with("log")
        .http(&["auth", "log", "probe"]);
    let (mut wash, url) = graph.serving().await;

    let refused = ask(&url, "/hello", None, "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.body, "who is it?");

    let answer = ask(&url, "/hello", Some("sesame"), "").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::OK, "hello")
    );
    for part in ["before /hello", "after /hello"] {
        let line = wash.line(part).await;
        assert!(line.contains("log #2 |"), "{line}");
    }
    // Whoever was refused came no further.
    assert_eq!(wash.console().matches("before /hello").count(), 1);

    converse(&url, "/echo", Some("sesame"), &["first", "second"]).await;
    let failed = ask(&url, "/panic", Some("sesame"), "").await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_wasi_0_3_stand_in_front_of_others() {
    let graph = Graph::of("streams")
        .with("source")
        .with("relay")
        .with_settings("auth-p3", json!({ "environment": { "WORD": "sesame" } }))
        .with("log-p3")
        .http(&["log-p3", "auth-p3", "streams"]);
    let (mut wash, url) = graph.serving().await;

    let refused = ask(&url, "/headers", Some("wrong"), "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.body, "who is it?");
    assert_eq!(refused.headers["x-path"], "/headers");
    wash.line("401 /headers").await;

    // Headers change on the way there and back.
    let answer = ask(&url, "/headers", Some("sesame"), "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("x-user: friend\n"), "{}", answer.body);
    assert!(!answer.body.contains("sesame"), "{}", answer.body);
    assert_eq!(answer.headers["x-path"], "/headers");
    wash.line("200 /headers").await;

    converse(&url, "/echo", Some("sesame"), &["first", "second"]).await;
    let total = ask(&url, "/total", Some("sesame"), "").await;
    assert_eq!(total.body, "500500 10");
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_different_wasi_are_told_apart() {
    let graph = Graph::of("probe").with("log-p3").http(&["log-p3", "probe"]);
    let console = graph.refused().await;
    for part in [
        "`probe` after `log-p3`",
        "`wasi:http/handler@0.3.2`",
        "a handler of WASI 0.2 and one of WASI 0.3 cannot be chained",
    ] {
        assert!(console.contains(part), "no `{part}` in {console}");
    }
}
