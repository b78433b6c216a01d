//! Shapes of graphs: chains, diamonds, one component with several providers, functions in no interface.

use crate::client::text;
use crate::graph::Graph;

#[tokio::test(flavor = "multi_thread")]
async fn all_who_need_a_provider_share_it() {
    let graph = Graph::of("counts")
        .with("left")
        .with("right")
        .with("counter");
    let (wash, url) = graph.serving().await;
    // By a function of its own and by two others in between; each request has a counter of its own.
    for _ in 0..2 {
        assert_eq!(text(&url, "/").await, "[0, 1, 2, 3, 3]");
    }
    let console = wash.console();
    for import in [
        "demo:graphs/left",
        "demo:graphs/right",
        "demo:graphs/counter",
        "peek",
    ] {
        assert!(console.contains(import), "no `{import}` in {console}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_lacks_is_told_with_its_name() {
    let graph = Graph::of("counts").with("left").with("right");
    let console = graph.refused().await;
    for part in ["`left`", "`right`", "demo:graphs/counter@1.0.0", "`peek`"] {
        assert!(console.contains(part), "no `{part}` in {console}");
    }
}
