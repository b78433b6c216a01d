//! What was pulled once is there without the registry, as far as the policy allows.

use std::fs;

use crate::registry::Registry;
use crate::stage::{Stage, component};

#[test]
fn without_a_registry_the_cache_answers() {
    let registry = Registry::start();
    let reference = format!("{}/hello:1", registry.address());
    Stage::new()
        .wash(&["oci", "push", "--insecure", &reference, "hello.wasm"])
        .assert_success();
    let stage = Stage::new();
    let pulled = stage.json(&["oci", "pull", "--insecure", &reference]);
    let pinned = pulled["pinned"].as_str().unwrap();
    drop(registry);

    // What a digest names cannot have changed.
    let again = stage.json(&["oci", "pull", "--insecure", pinned, "again.wasm"]);
    assert_eq!(again["from"], "cache");
    assert_eq!(stage.read("again.wasm"), stage.read("hello.wasm"));
    // What a tag names can: that is for the policy to say.
    let digest = pulled["digest"].as_str().unwrap();
    stage
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_failure(&[
            "connection refused",
            &format!("the cache has `{digest}` for it, which the policy `ifNotPresent` would use"),
        ]);
    for policy in ["ifNotPresent", "if-not-present", "never"] {
        let pull = [
            "oci",
            "pull",
            "--insecure",
            "--pull-policy",
            policy,
            &reference,
        ];
        assert_eq!(stage.json(&pull)["digest"], digest);
    }
    Stage::new()
        .wash(&["oci", "pull", "--pull-policy", "never", &reference])
        .assert_failure(&[
            "is not in the cache, and the pull policy does not allow pulling it",
            "hint: pull it once",
        ]);
    let mistyped = stage.wash(&["oci", "pull", "--pull-policy", "sometimes", &reference]);
    assert_eq!(mistyped.code, Some(2));
    assert!(
        mistyped
            .stderr
            .contains("expected `always`, `ifNotPresent` or `never`"),
        "{}",
        mistyped.stderr
    );
}

#[test]
fn a_tag_that_moved_is_followed_when_asked_always() {
    let registry = Registry::start();
    let reference = format!("{}/hello:1", registry.address());
    let (author, reader) = (Stage::new(), Stage::new());
    let push = |file: &str| author.json(&["oci", "push", "--insecure", &reference, file]);
    let pull = |policy: &str| {
        let pull = [
            "oci",
            "pull",
            "--insecure",
            "--pull-policy",
            policy,
            &reference,
        ];
        reader.json(&pull);
        reader.read("component.wasm")
    };
    author.file("second.wasm", component(2));
    push("hello.wasm");
    assert_eq!(pull("always"), component(0));
    push("second.wasm");
    assert_eq!(pull("ifNotPresent"), component(0));
    assert_eq!(pull("always"), component(2));
    assert_eq!(pull("never"), component(2));
    // Whoever pushed knows what the tag names.
    let known = [
        "oci",
        "pull",
        "--insecure",
        "--pull-policy",
        "never",
        &reference,
    ];
    author.json(&known);
    assert_eq!(author.read("component.wasm"), component(2));
}

#[test]
fn a_damaged_cache_is_pulled_anew() {
    let registry = Registry::start();
    let reference = format!("{}/hello:1", registry.address());
    let stage = Stage::new();
    let pushed = stage.json(&["oci", "push", "--insecure", &reference, "hello.wasm"]);
    for entry in fs::read_dir(stage.path("cache/wash/oci/blobs/sha256")).unwrap() {
        fs::write(entry.unwrap().path(), "damaged").unwrap();
    }
    let pinned = pushed["pinned"].as_str().unwrap();
    let pulled = stage.json(&["oci", "pull", "--insecure", pinned]);
    assert_eq!(pulled["from"], "registry");
    assert_eq!(stage.read("component.wasm"), stage.read("hello.wasm"));
}

#[test]
fn a_cache_that_cannot_be_is_no_obstacle() {
    let registry = Registry::start();
    let reference = format!("{}/hello:1", registry.address());
    let stage = Stage::new().set("XDG_CACHE_HOME", "/proc/no/cache");
    let pushed = stage.wash(&["oci", "push", "--insecure", &reference, "hello.wasm"]);
    assert!(
        pushed
            .assert_success()
            .stderr
            .contains("pulled components are not cached")
    );
    stage
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_success();
    assert_eq!(stage.read("component.wasm"), stage.read("hello.wasm"));
}

#[test]
fn references_are_remembered() {
    let registry = Registry::start();
    let stage = Stage::new();
    for tag in ["1", "2", "1"] {
        let reference = format!("{}/hello:{tag}", registry.address());
        stage
            .wash(&["oci", "push", "--insecure", &reference, "hello.wasm"])
            .assert_success();
    }
    let history = stage.read("cache/wash/oci/history.json");
    let history: Vec<String> = serde_json::from_slice(&history).unwrap();
    let expected = ["1", "2"].map(|tag| format!("{}/hello:{tag}", registry.address()));
    assert_eq!(history, expected);
}
