//! What a component was given stays with it: an app that calls it tries to reach all of it, and gets nothing.

use serde_json::json;

use crate::certificates::Authority;
use crate::client::{authority, text};
use crate::elsewhere::Elsewhere;
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
            "allowedHostLoopbackPorts": [port(server)],
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
            "connection to the machine",
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
            "allowedHostLoopbackPorts": [port(server)],
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
            "the address of the machine",
            "a connection to the machine",
            "a datagram for the machine",
        ] {
            assert!(loot.lines().any(|line| line == found), "{found}: {loot}");
        }
        assert_eq!(possessions, "status None", "{thief}");
    }
}

/// Each of two members reaches its own server, whose authority it trusts, and not the other's.
#[tokio::test(flavor = "multi_thread")]
async fn members_trust_and_reach_different_servers() {
    let (one, two) = (Authority::new("one"), Authority::new("two"));
    let server_one = Elsewhere::start(Some(one.sign().server())).await;
    let server_two = Elsewhere::start(Some(two.sign().server())).await;
    let (url_one, url_two) = (server_one.url("https", ""), server_two.url("https", ""));
    let host = |url: &str| url.trim_start_matches("https://").to_owned();

    let graph = Graph::of("thief");
    let (ca_one, ca_two) = (
        graph.write("one.pem", &one.pem()),
        graph.write("two.pem", &two.pem()),
    );
    let provider = |trusted: &std::path::Path| {
        json!({
            "environment": { "SERVER": url_two },
            "allowedHosts": [host(&url_two)],
            "http_client_ca_paths": [trusted],
        })
    };
    let graph = graph
        .with_settings("provider", provider(&ca_two))
        .set("workload", json!({ "allowedHosts": [host(&url_one)] }))
        .set_in_dev("http_client_ca_paths", json!([ca_one]));
    let (mut wash, url) = graph.serving().await;
    let answer = text(&url, &format!("/{url_one}")).await;
    assert!(answer.contains("\nstatus 200\n"), "{answer}");
    assert!(answer.contains("status Some(200)"), "{answer}");
    let answer = text(&url, &format!("/{url_two}")).await;
    assert!(!answer.contains("\nstatus 200\n"), "{answer}");
    wash.line(&format!("thief #2: request to `{}` denied", host(&url_two)))
        .await;

    // The provider's server is another's, for all that it knows.
    let graph = Graph::of("thief")
        .with_settings("provider", provider(&ca_one))
        .set("workload", json!({ "allowedHosts": [] }));
    let (mut wash, url) = graph.serving().await;
    let answer = text(&url, "/").await;
    assert!(answer.contains("status None"), "{answer}");
    wash.line("provider #1: request to `localhost:").await;
    let hint = wash.line("hint: ").await;
    let place = "in the entry `provider` of `dev.components`: `http_client_ca_paths: [";
    assert!(hint.contains(place), "{hint}");
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

fn port(server: &str) -> u16 {
    let (_, port) = server.rsplit_once(':').expect("a port");
    port.parse().expect("a port is a number")
}
