//! A component may come from a registry wherever one may come from a file.

use crate::registry::Registry;
use crate::stage::{Stage, wit_package};

/// Imports what the image exports.
const APP: &str = r#"(component
    (import "demo:greet/hello@1.0.0" (instance $hello (export "greet" (func (result u32)))))
    (core module $m (import "" "greet" (func $greet (result i32))) (func (export "run") (result i32) call $greet drop i32.const 0))
    (alias export $hello "greet" (func $greet))
    (core func $lowered (canon lower (func $greet)))
    (core instance $imports (export "greet" (func $lowered)))
    (core instance $i (instantiate $m (with "" (instance $imports))))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance $cli (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $cli)))"#;

fn project(stage: &Stage, image: &str) {
    stage.file("app.wasm", wat::parse_str(APP).unwrap());
    let config = format!(
        "name: app\nbuild:\n  component_path: app.wasm\ndev:\n  allow_insecure_registries: true\n  components:\n    - image: {image}\n"
    );
    stage.file(".wash/config.yaml", config);
}

#[test]
fn what_is_pushed_without_its_other_half_is_told() {
    let registry = Registry::start();
    let stage = Stage::new();
    stage.file("app.wasm", wat::parse_str(APP).unwrap());
    let config = "name: app\nbuild:\n  component_path: app.wasm\ndev:\n  components:\n    - {name: hello, file: hello.wasm}\n";
    stage.file(".wash/config.yaml", config);
    let reference = format!("{}/app:1", registry.address());
    let pushed = stage
        .wash(&["oci", "push", "--insecure", &reference])
        .assert_success();
    for expected in [
        "warning: `app` imports `demo:greet/hello@1.0.0`, which hosts do not provide",
        "hint: `wash build --compose -o app.wasm` combines it",
    ] {
        assert!(pushed.stderr.contains(expected), "{}", pushed.stderr);
    }
    stage
        .wash(&["build", "--compose", "-o", "whole.wasm"])
        .assert_success();
    let whole = stage.wash(&["oci", "push", "--insecure", &reference, "whole.wasm"]);
    assert!(!whole.assert_success().stderr.contains("warning"));
}

#[test]
fn a_component_of_the_project_comes_from_a_registry() {
    let registry = Registry::start();
    let reference = format!("{}/team/greeter:1", registry.address());
    Stage::new()
        .wash(&["oci", "push", "--insecure", &reference, "hello.wasm"])
        .assert_success();
    let stage = Stage::new();
    project(&stage, &reference);
    let plan = stage.wash(&["inspect", "--plan"]).assert_success();
    assert!(
        plan.stdout.contains("demo:greet/hello@1.0.0"),
        "{}",
        plan.stdout
    );
    assert!(plan.stdout.contains("<- greeter"), "{}", plan.stdout);
    stage
        .wash(&["build", "--compose", "-o", "composed.wasm"])
        .assert_success();
    // And without the registry, once it was pulled.
    drop(registry);
    stage
        .wash(&["build", "--compose", "-o", "again.wasm"])
        .assert_success();
    assert_eq!(stage.read("again.wasm"), stage.read("composed.wasm"));
}

#[test]
fn an_image_that_is_not_there_says_so() {
    let registry = Registry::start();
    let stage = Stage::new();
    let reference = format!("{}/greeter:1", registry.address());
    project(&stage, &reference);
    stage
        .wash(&["inspect", "--plan"])
        .assert_failure(&[&format!("cannot pull `{reference}`"), "(404)"]);
    project(&stage, "greeter:1");
    stage
        .wash(&["inspect", "--plan"])
        .assert_failure(&[".wash/config.yaml:7", "does not name a registry"]);
}

#[test]
fn a_reference_is_inspected() {
    let registry = Registry::start();
    let stage = Stage::new();
    let hello = format!("{}/hello:1", registry.address());
    let words = format!("{}/words:1", registry.address());
    stage.file("words.wasm", wit_package());
    stage.json(&["oci", "push", "--insecure", &hello, "hello.wasm"]);
    stage.json(&["oci", "push", "--insecure", &words, "words.wasm"]);
    let other = Stage::new();
    let shown = other.json(&["inspect", "--insecure", &hello]);
    assert_eq!(
        (&shown["name"], &shown["kind"]),
        (&"hello".into(), &"component".into())
    );
    let shown = other.json(&["inspect", "--insecure", &words]);
    assert_eq!(
        (&shown["name"], &shown["kind"]),
        (&"words".into(), &"wit-package".into())
    );
    other
        .wash(&["inspect", "--insecure", "--why", "wasi:io", &words])
        .assert_failure(&["`words`: this is a WIT package"]);
    let wit = other
        .wash(&["inspect", "--insecure", "--wit", &hello])
        .assert_success();
    assert!(
        wit.stdout.contains("export demo:greet/hello@1.0.0"),
        "{}",
        wit.stdout
    );
    let missing = format!("{}/missing:1", registry.address());
    other
        .wash(&["inspect", "--insecure", &missing])
        .assert_failure(&["(404)"]);
}

#[test]
fn the_doctor_asks_registries_when_told_to() {
    let registry = Registry::start();
    let reference = format!("{}/team/greeter:1", registry.address());
    Stage::new()
        .wash(&["oci", "push", "--insecure", &reference, "hello.wasm"])
        .assert_success();
    let stage = Stage::new();
    project(&stage, &reference);
    let found = |stage: &Stage, flags: &[&str]| {
        let ended = stage.wash(&[&["doctor", "-o", "json"], flags].concat());
        let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let findings = json["data"]["findings"].as_array().unwrap().clone();
        let of_image = |finding: &&serde_json::Value| {
            finding["message"].as_str().unwrap().contains(&reference)
        };
        findings.iter().find(of_image).cloned()
    };
    assert_eq!(found(&stage, &[]), None);
    let fine = found(&stage, &["--online"]).unwrap();
    assert_eq!(fine["level"], "fine");
    assert!(
        fine["message"].as_str().unwrap().contains("sha256:"),
        "{fine}"
    );
    drop(registry);
    let gone = found(&stage, &["--online"]).unwrap();
    assert_eq!(gone["level"], "error", "{gone}");
}
