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

#[tokio::test(flavor = "multi_thread")]
async fn a_component_can_be_the_file_system() {
    // Streams are resources: whoever takes files from a component takes all that speaks of streams from it.
    let imports = json!({
        "wasi:filesystem": "memory-files",
        "wasi:io": "memory-files",
        "wasi:cli/stdin": "memory-files",
        "wasi:cli/stdout": "memory-files",
        "wasi:cli/stderr": "memory-files",
    });
    let graph = Graph::of("ordinary")
        .with("memory-files")
        .with_settings("notebook", json!({ "imports": imports }));
    let (_wash, url) = graph.serving().await;
    let expected = "[\"long\", \"short\"] \"a short note\" true";
    // A directory for each request: the second finds no notes of the first.
    for _ in 0..2 {
        assert_eq!(text(&url, "/miss").await, "true");
        assert_eq!(text(&url, "/notes").await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_file_system_is_refused() {
    // Its files speak of its own streams, and the notebook would have those of the host.
    let graph = Graph::of("ordinary").with("memory-files").with_settings(
        "notebook",
        json!({ "imports": { "wasi:filesystem": "memory-files" } }),
    );
    let console = graph.refused().await;
    for part in ["`notebook`", "wasi:filesystem/types@0.2", "`memory-files`"] {
        assert!(console.contains(part), "no `{part}` in {console}");
    }
}
