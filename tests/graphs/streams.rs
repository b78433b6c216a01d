//! Streams, futures and async functions of WASI 0.3 between three components: `streams` uses `source` and `relay`, and
//! `relay` uses `source`.

use crate::client::text;
use crate::graph::Graph;
use crate::request::{ask, converse};

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_futures_pass_between_components() {
    let graph = Graph::of("streams").with("source").with("relay");
    let (_wash, url) = graph.serving().await;
    for (path, expected) in [
        ("/numbers", "[1, 2, 3, 4, 5]"),
        ("/total", "500500 10"),
        ("/doubled", "100 numbers, the last is Some(200)"),
        ("/endless", "Some(2) Some(4)"),
        ("/future", "done, as promised; of our own"),
        ("/slow", "Err(\"that is not slow\") Ok(30) Ok(20)"),
    ] {
        assert_eq!(text(&url, path).await, expected, "{path}");
    }
    let long = "body ".repeat(100_000);
    assert!(ask(&url, "/echo", None, &long).await.body == long);
    converse(&url, "/echo", None, &["first", "second", "third"]).await;
}
