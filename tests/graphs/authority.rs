//! What a component was given stays with it: an app that calls it tries to reach all of it, and gets nothing.

use serde_json::json;

use crate::client::{authority, text};
use crate::graph::Graph;

#[tokio::test(flavor = "multi_thread")]
async fn an_app_has_nothing_of_what_its_provider_has() {
    let probe = Graph::of("probe");
    let (_server, server) = probe.serving().await;
    let server = authority(&server);
    for thief in ["thief", "thief-p3"] {
        let graph = Graph::of(thief);
        let gold = graph.write("treasury/gold", "ingots");
        let settings = json!({
            "environment": { "SECRET": "sesame", "SERVER": server },
            "config": { "depth": "7" },
            "volumes": [{ "host_path": gold.parent(), "guest_path": "/treasury" }],
            "allowedHosts": [server],
        });
        let graph = graph
            .with_settings("provider", settings)
            .set("workload", json!({ "allowedHosts": [] }));
        let (_wash, url) = graph.serving().await;
        let answer = text(&url, &format!("/{server}")).await;
        let (loot, possessions) = answer.split_once("--\n").expect("both halves");

        let name = format!("argument {thief}");
        let loot: Vec<_> = loot.lines().collect();
        assert_eq!(loot, [name.as_str(), name.as_str()], "{thief}");
        for possession in [
            "variable SECRET=sesame",
            "directory /treasury with Ok(\"ingots\")",
            "config depth=7",
            "status Some(200)",
        ] {
            let mut lines = possessions.lines();
            assert!(
                lines.any(|line| line == possession),
                "{possession}: {possessions}"
            );
        }
    }
}

/// The other way round, so that the above proves something: the thief finds whatever it is given itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_has_what_it_was_given_itself() {
    let probe = Graph::of("probe");
    let (_server, server) = probe.serving().await;
    let server = authority(&server);
    for thief in ["thief", "thief-p3"] {
        // Volumes of the project are everybody's who has none of its own, as upstream has it.
        let graph = Graph::of(thief).with_settings("provider", json!({ "volumes": [] }));
        let gold = graph.write("treasury/gold", "ingots");
        let workload = json!({
            "environment": { "SECRET": "sesame" },
            "config": { "depth": "7" },
            "allowedHosts": [server],
        });
        let volumes = json!([{ "host_path": gold.parent(), "guest_path": "/treasury" }]);
        let graph = graph
            .set("workload", workload)
            .set_in_dev("volumes", volumes);
        let (_wash, url) = graph.serving().await;
        let answer = text(&url, &format!("/{server}")).await;
        let (loot, possessions) = answer.split_once("--\n").expect("both halves");
        for found in [
            "variable SECRET=sesame",
            "variable SECRET by the library",
            "directory /treasury",
            "file /treasury/gold",
            "config depth=7",
            "status 200",
        ] {
            assert!(loot.lines().any(|line| line == found), "{found}: {loot}");
        }
        assert_eq!(possessions, "status None", "{thief}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_component_has_the_volumes_of_the_project() {
    let graph = Graph::of("thief").with("provider");
    let gold = graph.write("treasury/gold", "ingots");
    let volumes = json!([{ "host_path": gold.parent(), "guest_path": "/treasury" }]);
    let graph = graph.set_in_dev("volumes", volumes);
    let (_wash, url) = graph.serving().await;
    let answer = text(&url, "/127.0.0.1:1").await;
    let (loot, possessions) = answer.split_once("--\n").expect("both halves");
    assert!(loot.contains("file /treasury/gold"), "{answer}");
    assert!(
        possessions.contains("directory /treasury with Ok(\"ingots\")"),
        "{answer}"
    );
}
