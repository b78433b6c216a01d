//! Components that take the place of WASI for others, when the project's config says so.

use serde_json::json;

use crate::client::{authority, text};
use crate::graph::Graph;

#[tokio::test(flavor = "multi_thread")]
async fn a_component_can_be_the_clock() {
    let graph = Graph::of("ordinary").with("notebook").with("fixed-clock");
    let (wash, url) = graph.serving().await;
    // It is there, but nobody asked for it.
    assert_ne!(text(&url, "/time").await, "86400.000000005s");
    drop(wash);

    let graph = graph.set(
        "imports",
        json!({ "wasi:clocks/wall-clock": "fixed-clock" }),
    );
    let (_wash, url) = graph.serving().await;
    assert_eq!(text(&url, "/time").await, "86400.000000005s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_can_be_the_way_out() {
    let (_server, server) = Graph::of("probe").serving().await;
    let settings = json!({
        "environment": { "SERVER": authority(&server) },
        "allowedHosts": [authority(&server)],
    });
    let graph = Graph::of("probe")
        .with_settings("gateway", settings)
        .set("workload", json!({ "allowedHosts": [] }))
        .set(
            "imports",
            json!({ "wasi:http/outgoing-handler": "gateway" }),
        );
    let (_wash, url) = graph.serving().await;
    assert_eq!(text(&url, "/fetch?inside.example").await, "status 200");
    let refused = text(&url, "/fetch?outside.example").await;
    assert_eq!(refused, "ErrorCode::DestinationNotFound");
    let refused = text(&url, &format!("/fetch?{}", authority(&server))).await;
    assert_eq!(refused, "ErrorCode::DestinationNotFound");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_can_be_the_web() {
    let graph = Graph::of("probe-p3")
        .with("local-web")
        .set("workload", json!({ "allowedHosts": [] }))
        .set("imports", json!({ "wasi:http/client": "local-web" }));
    let (_wash, url) = graph.serving().await;
    assert_eq!(text(&url, "/fetch?inside.example").await, "status 200");
    assert_eq!(text(&url, "/fetch?teapot.example").await, "status 418");
    let refused = text(&url, "/fetch?outside.example").await;
    assert_eq!(refused, "ErrorCode::DestinationNotFound");
}
