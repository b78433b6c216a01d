//! Values and resources that pass between three components: `values` uses `workshop` and `clerk`, and `clerk` uses
//! `workshop`.

use http::StatusCode;
use serde_json::json;

use crate::client::{get, text};
use crate::graph::Graph;
use crate::request::ask;

fn three() -> Graph {
    Graph::of("values").with("workshop").with("clerk")
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_live_until_their_last_owner_drops_them() {
    let (_wash, url) = three().serving().await;
    let expected = "\
borrowed `apple` (3 made, 0 dropped)
longest Some(2) (3 made, 0 dropped)
sorted apple banana fig (3 made, 0 dropped)
kept apple banana fig (3 made, 0 dropped)
taken date, no pear true (3 made, 0 dropped)
discarded by another (3 made, 1 dropped)
dropped with what it kept (3 made, 3 dropped)
merged x+y+z (8 made, 7 dropped)
empty Err(\"there is nothing in it\") (8 made, 7 dropped)
at the end (8 made, 8 dropped)";
    // Twice: another request finds nothing that is left of the first.
    for _ in 0..2 {
        assert_eq!(text(&url, "/items").await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_kind_arrive_as_they_were() {
    let (_wash, url) = three().serving().await;
    let described = text(&url, "/shapes").await;
    assert_eq!(described.lines().count(), 1, "{described}");
    for part in [
        "letter: '🦀'",
        "maybe: Some(None)",
        "outcome: Err(7)",
        "EXECUTE",
    ] {
        assert!(described.contains(part), "no `{part}` in {described}");
    }
    let errors = text(&url, "/errors").await;
    let expected = [
        "Err(Problem::Empty)",
        "Err(Problem::Both((\"one\", Colour::Blue)))",
        "Err(Problem::Negative(-5))",
        "Ok(9)",
    ];
    assert_eq!(errors.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_of_the_host_pass_between_components() {
    let graph = three();
    let file = graph.write("shelf/book", &"page ".repeat(50_000));
    let shelf = json!([{ "host_path": file.parent(), "guest_path": "/shelf", "read_only": true }]);
    let graph = Graph::of("values")
        .with("workshop")
        .with_settings("clerk", json!({ "volumes": shelf }));
    let (_wash, url) = graph.serving().await;
    assert_eq!(text(&url, "/write").await, "borrowed, kept, given away");
    let long = "body ".repeat(100_000);
    assert!(ask(&url, "/echo", None, &long).await.body == long);
    assert!(text(&url, "/file/book").await == "page ".repeat(50_000));
    let missing = get(&url, "/file/missing").await;
    assert_eq!(missing, (StatusCode::NOT_FOUND, "no-entry".into()));
}
