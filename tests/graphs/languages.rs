//! Components in other languages than Rust: a graph of three, each in its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::client::text;
use crate::graph::Graph;

#[tokio::test(flavor = "multi_thread")]
async fn rust_javascript_and_python_call_each_other() {
    let built = scripted();
    let graph = ["words-javascript", "report-python"]
        .iter()
        .fold(Graph::of("polyglot"), |graph, name| {
            graph.with_file(name, &built.join(format!("{name}.wasm")), json!({}))
        });
    let (_wash, url) = graph.serving().await;
    let expected = [
        "2 to",
        "2 be",
        "1 or",
        "1 not",
        "Ok(\"HÉLLO!\") Err(\"there is nothing to shout\")",
        "Err(Problem::NothingToSay)",
        "1 2",
        "Ok(\"HAMLET! 2 be, 2 to, 1 not, 1 or\")",
        "Err(Problem::Refused(\"there is a STOP in it\"))",
    ];
    assert_eq!(text(&url, "/").await.lines().collect::<Vec<_>>(), expected);
}

/// The folder with the components, built by their own tools if they are not there yet.
fn scripted() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("scripts/scripted-guests")).output();
    let output = output.expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).trim().into()
}
