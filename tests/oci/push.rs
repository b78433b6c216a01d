//! What goes up comes down again, and what must not go up does not.

use std::fs;

use crate::registry::Registry;
use crate::stage::{Stage, component, wit_package};

#[test]
fn a_component_goes_up_and_comes_down() {
    let registry = Registry::start();
    let stage = Stage::new();
    let reference = format!("{}/team/hello:1.0", registry.address());

    let pushed = stage.wash(&["oci", "push", "--insecure", &reference, "hello.wasm"]);
    let line = pushed.assert_success().stdout;
    let pinned = line.split(' ').next().unwrap();
    assert!(
        pinned.starts_with(&format!("{reference}@sha256:")),
        "{line}"
    );

    // Another cache: it must come from the registry.
    let other = Stage::new();
    let pulled = other.json(&["oci", "pull", "--insecure", &reference]);
    assert_eq!(pulled["pinned"], pinned);
    assert_eq!(pulled["from"], "registry");
    assert_eq!(other.read("component.wasm"), stage.read("hello.wasm"));

    let again = other.wash(&["docker", "pull", "--insecure", pinned, "lib.wasm"]);
    assert!(again.assert_success().stdout.starts_with("lib.wasm ("));
    assert_eq!(other.read("lib.wasm"), stage.read("hello.wasm"));
}

#[test]
fn what_is_there_already_is_not_sent_again() {
    let registry = Registry::start();
    let stage = Stage::new().set("SOURCE_DATE_EPOCH", "1700000000");
    let push = |tag: &str| {
        let reference = format!("{}/hello:{tag}", registry.address());
        stage.json(&["oci", "push", "--insecure", &reference, "hello.wasm"])
    };
    let (first, second) = (push("1"), push("2"));
    assert_eq!(
        (&first["known"], &second["known"]),
        (&false.into(), &true.into())
    );
    // With the time given, the same component makes the same artifact.
    assert_eq!(first["digest"], second["digest"]);
    assert_eq!(
        first["annotations"]["org.opencontainers.image.created"],
        "2023-11-14T22:13:20Z"
    );
}

#[test]
fn large_components_go_in_pieces() {
    let registry = Registry::start();
    let stage = Stage::new();
    let large = component(9 << 20);
    stage.file("large.wasm", &large);
    let reference = format!("{}/large:1", registry.address());
    stage.json(&["oci", "push", "--insecure", &reference, "large.wasm"]);
    let other = Stage::new();
    other.json(&["oci", "pull", "--insecure", &reference]);
    assert!(other.read("component.wasm") == large);
}

#[test]
fn a_project_is_built_and_pushed() {
    let registry = Registry::start();
    let stage = Stage::new();
    stage.file("app/built.wasm", component(7));
    let config = "build:\n  command: cp built.wasm out.wasm\n  component_path: out.wasm\n";
    stage.file("app/.wash/config.yaml", config);
    let reference = format!("{}/app:1", registry.address());
    let pushed = stage.json(&["-C", "app", "oci", "push", "--insecure", &reference]);
    assert_eq!(
        pushed["annotations"]["org.opencontainers.image.title"],
        "hello"
    );
    stage.json(&["oci", "pull", "--insecure", &reference, "pulled.wasm"]);
    assert_eq!(stage.read("pulled.wasm"), component(7));
}

#[test]
fn wit_packages_travel_too() {
    let registry = Registry::start();
    let stage = Stage::new();
    stage.file("words.wasm", wit_package());
    let reference = format!("{}/demo/words:1.0.0", registry.address());
    stage.json(&["oci", "push", "--insecure", &reference, "words.wasm"]);
    let other = Stage::new();
    other.json(&["oci", "pull", "--insecure", &reference, "pulled.wasm"]);
    assert_eq!(other.read("pulled.wasm"), wit_package());
    let shown = other
        .wash(&["inspect", "--wit", "pulled.wasm"])
        .assert_success();
    assert!(shown.stdout.contains("interface words"), "{}", shown.stdout);
}

#[test]
fn annotations_are_those_of_the_metadata_and_of_the_options() {
    let registry = Registry::start();
    let stage = Stage::new();
    let reference = format!("{}/hello:1", registry.address());
    let mut push = vec!["oci", "push", "--insecure", &reference, "hello.wasm"];
    push.extend([
        "--annotation",
        "a=b=c",
        "--annotation",
        "org.opencontainers.image.title=Hello",
    ]);
    let pushed = stage.json(&push);
    assert_eq!(pushed["annotations"]["a"], "b=c");
    assert_eq!(
        pushed["annotations"]["org.opencontainers.image.title"],
        "Hello"
    );
    let bad = stage.wash(&[
        "oci",
        "push",
        &reference,
        "hello.wasm",
        "--annotation",
        "ab",
    ]);
    assert_eq!(bad.code, Some(2));
    assert!(bad.stderr.contains("expected KEY=VALUE"), "{}", bad.stderr);
}

#[test]
fn what_is_no_component_is_not_pushed() {
    let stage = Stage::new();
    stage.file("module.wasm", wat::parse_str("(module)").unwrap());
    stage.file("notes.wasm", "notes");
    // Nobody is asked: there is nothing at that address.
    let reference = "127.0.0.1:1/a:1";
    for (file, why) in [
        (
            "module.wasm",
            "`module` cannot be pushed: this is a core module, not a component",
        ),
        (
            "notes.wasm",
            "`notes` cannot be pushed: this is not WebAssembly",
        ),
        ("missing.wasm", "missing.wasm`"),
    ] {
        stage
            .wash(&["oci", "push", reference, file])
            .assert_failure(&[why]);
    }
    let pinned = format!("127.0.0.1:1/a@sha256:{}", "0".repeat(64));
    stage
        .wash(&["oci", "push", &pinned, "hello.wasm"])
        .assert_failure(&["cannot push to a digest", "push to `127.0.0.1:1/a:TAG`"]);
    stage
        .wash(&["oci", "push", "hello:1", "hello.wasm"])
        .assert_failure(&[
            "does not name a registry",
            "hint: write the registry: `ghcr.io/OWNER/hello:1`",
        ]);
}

#[test]
fn a_file_that_is_no_component_is_not_replaced() {
    let registry = Registry::start();
    let stage = Stage::new();
    let reference = format!("{}/hello:1", registry.address());
    stage.json(&["oci", "push", "--insecure", &reference, "hello.wasm"]);
    stage.file("notes.md", "my notes");
    let pull = ["oci", "pull", "--insecure", &reference, "notes.md"];
    stage
        .wash(&pull)
        .assert_failure(&["notes.md` exists and is not a component: use `--force` to replace it"]);
    assert_eq!(stage.read("notes.md"), b"my notes");
    stage
        .wash(&[&pull[..], &["--force"]].concat())
        .assert_success();
    assert_eq!(stage.read("notes.md"), stage.read("hello.wasm"));
    // A component is, and in a directory it is called as its repository.
    fs::create_dir(stage.path("lib")).unwrap();
    for _ in 0..2 {
        stage
            .wash(&["oci", "pull", "--insecure", &reference, "lib"])
            .assert_success();
    }
    assert_eq!(stage.read("lib/hello.wasm"), stage.read("hello.wasm"));
    let nowhere = [
        "oci",
        "pull",
        "--insecure",
        &reference,
        "no/such/dir/x.wasm",
    ];
    stage.wash(&nowhere).assert_failure(&["cannot write"]);
}
