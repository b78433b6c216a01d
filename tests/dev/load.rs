//! Reloads under a steady load.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::StatusCode;

use crate::client::{Client, text};
use crate::prebuilt::greeting;
use crate::project::Projects;
use crate::wash::Dev;

const RELOADS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_across_reloads() {
    let versions = greeting("load", ["even", "odd"]);
    let projects = Projects::empty();
    projects.write("app.wasm", &versions[0]);
    let (mut wash, url) = Dev::on(&projects).arg("app.wasm").serving().await;

    let done = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let clients = [true, true, false, false].map(|keep_alive| {
        let (url, done, answered) = (url.clone(), done.clone(), answered.clone());
        tokio::spawn(async move {
            let mut client = Client::connect(&url).await.unwrap();
            while !done.load(Ordering::Relaxed) {
                let (status, body) = client.get("/").await.unwrap();
                assert_eq!(status, StatusCode::OK, "{body}");
                assert!(["even\n", "odd\n"].contains(&body.as_str()), "{body}");
                answered.fetch_add(1, Ordering::Relaxed);
                if !keep_alive {
                    client = Client::connect(&url).await.unwrap();
                }
            }
        })
    });

    for reload in 1..=RELOADS {
        projects.write("new.wasm", &versions[reload % 2]);
        fs::rename(projects.path("new.wasm"), projects.path("app.wasm")).unwrap();
        wash.line("reloaded").await;
        assert_eq!(text(&url, "/").await, ["even\n", "odd\n"][reload % 2]);
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let answered = answered.load(Ordering::Relaxed);
    assert!(answered > RELOADS, "only {answered} requests were sent");
}
