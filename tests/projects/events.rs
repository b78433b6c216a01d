//! What `wash dev -o json` prints is what `docs/dev-events.md` says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::client::{get, text};
use crate::dev;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_for_a_program() {
    let _turn = crate::JOURNAL.lock().await;
    let (projects, dev) = dev("journal");
    projects.replace(
        "journal/src/lib.rs",
        "    Ok(Response",
        "    assert!(path != \"/blot\", \"no ink\");\n    Ok(Response",
    );
    let unlucky = wat::parse_str(UNLUCKY).unwrap();
    fs::write(projects.path("journal/unlucky.wasm"), unlucky).unwrap();
    let config = projects.path("journal/.wash/config.yaml");
    let with = fs::read_to_string(&config).unwrap() + "dev: { service_file: unlucky.wasm }\n";
    fs::write(config, with).unwrap();
    let mut wash = dev.arg("-o").arg("json").spawn();
    // Either may come first.
    let mut started = BTreeMap::new();
    while started.len() < 2 {
        let line = wash
            .one_of(&[r#""event":"serving""#, r#""event":"service""#])
            .await;
        let event: Value = serde_json::from_str(&line).unwrap();
        started.insert(event["event"].as_str().unwrap().to_string(), event);
    }
    let (serving, service) = (&started["serving"], &started["service"]);
    let url = serving["url"].as_str().unwrap();

    assert_eq!(text(url, "/one?a").await, "logged\n");
    let request = wash.line(r#""event":"request""#).await;
    let request: Value = serde_json::from_str(&request).unwrap();
    assert_eq!(request["path"], "/one?a");
    assert_eq!(request["status"], 200);

    assert_eq!(service["component"], "unlucky");
    assert_eq!(service["state"], "failed");
    assert_eq!(service["summary"], "`run` returned an error");

    get(url, "/blot").await;
    let error = wash.line(r#""event":"error""#).await;
    let error: Value = serde_json::from_str(&error).unwrap();
    let summary = error["summary"].as_str().unwrap();
    assert!(summary.ends_with("no ink"), "{error}");
    assert!(error["request"].is_u64(), "{error}");
    assert_eq!(error["component"], "journal");

    projects.replace("journal/src/lib.rs", "logged", "noted");
    let reloaded = wash.line(r#""event":"reloaded""#).await;
    let reloaded: Value = serde_json::from_str(&reloaded).unwrap();
    assert_eq!(reloaded["components"], serde_json::json!(["journal"]));
    assert_eq!(text(url, "/two").await, "noted\n");
    projects.replace("journal/src/lib.rs", "noted", "noted\"\"");
    let failed = wash.line(r#""event":"failed""#).await;
    let failed: Value = serde_json::from_str(&failed).unwrap();
    assert_eq!(failed["stage"], "build");
    assert_eq!(failed["still_serving"], true);
    wash.signal(rustix::process::Signal::INT);
    let (status, console) = wash.end().await;
    assert!(status.success(), "{console}");

    let mut printed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut logged = Vec::new();
    for line in console.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        let name = event["event"].as_str().unwrap().to_string();
        if name == "log" && event["request"] == request["request"] {
            assert_eq!(event["component"], "journal");
            assert_eq!(event["context"], "journal");
            assert_eq!(event["text"], "/one");
            logged.push(event["level"].as_str().unwrap().to_string());
        }
        fields(&event, "", printed.entry(name).or_default());
    }
    let levels = ["trace", "debug", "info", "warn", "error", "critical"];
    assert_eq!(logged, levels);
    let (always, documented) = documented();
    for (event, documented) in documented {
        let printed = printed.remove(&event).unwrap_or_default();
        let printed: BTreeSet<String> = printed.difference(&always).cloned().collect();
        assert_eq!(printed, documented, "{event}");
    }
    // A slow machine has one event more.
    printed.remove("compiling");
    let others: Vec<String> = printed.into_keys().collect();
    assert_eq!(others, ["stopping", "wiring"]);
}

/// A service that fails at once.
const UNLUCKY: &str = r#"(component
  (core module $m (func (export "run") (result i32) (i32.const 1)))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exported)))"#;

fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = format!("{path}{name}");
        fields(value, &format!("{name}."), found);
        found.insert(name);
    }
}

/// The fields of all events, and those of each that has a section.
fn documented() -> (BTreeSet<String>, BTreeMap<String, BTreeSet<String>>) {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dev-events.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = |section: &str| {
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| row.split('`').next().unwrap().to_string())
            .collect()
    };
    let mut sections = page.split("\n## ");
    let always = rows(sections.next().unwrap());
    let events = sections.filter_map(|section| {
        let name = section.strip_prefix('`')?.split('`').next()?;
        Some((name.to_string(), rows(section)))
    });
    (always, events.collect())
}
