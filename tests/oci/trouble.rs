//! Registries that fail, lie, say nothing or are not there: each failure says what happened, and nothing is written.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::registry::{Registry, Trouble};
use crate::stage::{Stage, component};

const NO_HEADERS: &str = "";

fn is_component(request: &str) -> bool {
    request.starts_with("GET ") && request.contains("/blobs/sha256:")
}

fn is_manifest(request: &str) -> bool {
    request.starts_with("GET ") && request.contains("/manifests/")
}

/// A registry that has `hello:1`.
fn filled() -> Registry {
    let registry = Registry::start();
    let reference = format!("{}/hello:1", registry.address());
    Stage::new()
        .wash(&["oci", "push", "--insecure", &reference, "hello.wasm"])
        .assert_success();
    registry
}

/// Pulls through something that does harm, which must fail so and leave nothing.
fn fails(
    registry: &Registry,
    said: &[&str],
    trouble: impl Fn(&str, usize) -> Trouble + Send + Sync + 'static,
) {
    let harm = registry.behind(trouble);
    let stage = Stage::new();
    let reference = format!("{}/hello:1", harm.address());
    stage
        .wash(&["oci", "pull", "--insecure", "--timeout", "2", &reference])
        .assert_failure(said);
    assert!(!stage.path("component.wasm").exists());
    // Neither is anything half-written kept.
    for entry in fs::read_dir(stage.path("cache/wash/oci")).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(
            ["blobs", "tags"].contains(&&*name.to_string_lossy()),
            "{name:?}"
        );
    }
    let blobs = fs::read_dir(stage.path("cache/wash/oci/blobs/sha256")).unwrap();
    assert_eq!(blobs.count(), 0);
}

#[test]
fn wrong_bytes_are_refused() {
    let registry = filled();
    fails(
        &registry,
        &[
            "cannot pull `",
            "the component does not match its digest: expected `sha256:",
            "hint: nothing was written",
        ],
        |request, _| {
            if is_component(request) {
                Trouble::Flip
            } else {
                Trouble::None
            }
        },
    );
    fails(
        &registry,
        &["the manifest does not match its digest"],
        |request, _| {
            if is_manifest(request) {
                Trouble::Flip
            } else {
                Trouble::None
            }
        },
    );
}

#[test]
fn half_an_answer_is_none() {
    let registry = filled();
    fails(&registry, &["the connection broke"], |request, _| {
        if is_component(request) {
            Trouble::Cut
        } else {
            Trouble::None
        }
    });
}

#[test]
fn what_passes_is_tried_again() {
    let registry = filled();
    let overloaded = |_: &str, count: usize| match count {
        0 | 2 => Trouble::Answer("503 Service Unavailable", NO_HEADERS, "later"),
        1 => Trouble::Cut,
        _ => Trouble::None,
    };
    let stage = Stage::new();
    let reference = format!("{}/hello:1", registry.behind(overloaded).address());
    stage
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_success();
    assert_eq!(stage.read("component.wasm"), stage.read("hello.wasm"));

    // Also half-way through a push.
    let unlucky = |request: &str, count: usize| match request.starts_with("PUT ") && count < 6 {
        true => Trouble::Answer("502 Bad Gateway", NO_HEADERS, "<html>no</html>"),
        false => Trouble::None,
    };
    let reference = format!("{}/again:1", registry.behind(unlucky).address());
    stage
        .wash(&["oci", "push", "--insecure", &reference, "hello.wasm"])
        .assert_success();
}

#[test]
fn what_does_not_pass_is_said() {
    let registry = filled();
    fails(
        &registry,
        &["the registry failed (500): disk full"],
        |_, _| Trouble::Answer("500 Internal Server Error", NO_HEADERS, "disk full"),
    );
    let limit = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"pull limit reached"}]}"#;
    fails(
        &registry,
        &[
            "too many requests to the registry (429): pull limit reached",
            "allow more requests after a login",
        ],
        move |request, _| match is_manifest(request) {
            true => Trouble::Answer("429 Too Many Requests", "Retry-After: 1\r\n", limit),
            false => Trouble::None,
        },
    );
    let denied = r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#;
    fails(
        &registry,
        &[
            "the registry denies access (403): not yours",
            "credentials used: none",
            "may they read `hello`?",
        ],
        move |request, _| match is_manifest(request) {
            true => Trouble::Answer("403 Forbidden", NO_HEADERS, denied),
            false => Trouble::None,
        },
    );
    fails(
        &registry,
        &["its manifest is not valid"],
        |request, _| match is_manifest(request) {
            true => Trouble::Answer("200 OK", NO_HEADERS, r#"{"schemaVersion":2}"#),
            false => Trouble::None,
        },
    );
    fails(
        &registry,
        &["it contains no WebAssembly: application/vnd.oci.image.layer.v1.tar+gzip"],
        |request, _| match is_manifest(request) {
            true => Trouble::Answer("200 OK", NO_HEADERS, CONTAINER),
            false => Trouble::None,
        },
    );
}

/// The manifest of an image for containers.
const CONTAINER: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}"#;

#[test]
fn answers_are_not_read_without_end() {
    let registry = filled();
    fails(
        &registry,
        &["its manifest is larger than 4194304 bytes"],
        |request, _| match is_manifest(request) {
            true => Trouble::Endless,
            false => Trouble::None,
        },
    );
    let limited = Stage::new().set("WASH_OCI_MAX_SIZE_MIB", "1");
    limited.file("large.wasm", component(2 << 20));
    let reference = format!("{}/large:1", registry.address());
    let push = ["oci", "push", "--insecure", &reference, "large.wasm"];
    limited.wash(&push).assert_success();
    let other = Stage::new().set("WASH_OCI_MAX_SIZE_MIB", "1");
    other
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_failure(&[
            "the component is larger than 1048576 bytes",
            "hint: WASH_OCI_MAX_SIZE_MIB allows more",
        ]);
    let other = Stage::new().set("WASH_OCI_MAX_SIZE_MIB", "2M");
    other
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_success();
}

#[test]
fn a_registry_says_how_long_to_wait() {
    let registry = filled();
    let busy = |request: &str, count: usize| match is_manifest(request) && count < 3 {
        true => Trouble::Answer("429 Too Many Requests", "Retry-After: 2\r\n", "later"),
        false => Trouble::None,
    };
    let begin = Instant::now();
    let reference = format!("{}/hello:1", registry.behind(busy).address());
    Stage::new()
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_success();
    assert!(begin.elapsed() >= Duration::from_secs(2));
    // Nobody waits for an hour.
    fails(
        &registry,
        &["too many requests to the registry (429): later"],
        |request, _| match is_manifest(request) {
            true => Trouble::Answer("429 Too Many Requests", "Retry-After: 3600\r\n", "later"),
            false => Trouble::None,
        },
    );
}

#[test]
fn a_proxy_that_is_not_there_is_told_from_a_registry() {
    let registry = filled();
    let reference = format!("{}/hello:1", registry.address());
    // It is not asked for this machine's own ports.
    let stage = Stage::new().set("HTTP_PROXY", "http://127.0.0.1:1");
    stage
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_success();
    let stage = Stage::new().set("HTTP_PROXY", "http://me:sesame@127.0.0.1:1");
    let ended = stage
        .wash(&["oci", "pull", "--insecure", "registry.example:5000/hello:1"])
        .assert_failure(&[
            "the proxy `http://127.0.0.1:1/` refuses the connection",
            "hint: HTTP_PROXY, HTTPS_PROXY and ALL_PROXY name proxies",
        ]);
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
}

#[test]
fn silence_ends() {
    let registry = filled();
    let begin = Instant::now();
    fails(
        &registry,
        &["no answer in time", "`--timeout SECONDS`"],
        |_, _| Trouble::Silence(Duration::from_secs(120)),
    );
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn nobody_there_is_told_from_not_there() {
    let registry = filled();
    let stage = Stage::new();
    let missing = format!("{}/hello:2", registry.address());
    stage
        .wash(&["oci", "pull", "--insecure", &missing])
        .assert_failure(&[
            "no such repository, tag or digest (404)",
            "check the repository and the tag",
        ]);
    let address = registry.address();
    drop(registry);
    let reference = format!("{address}/hello:1");
    stage
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_failure(&[
            "nothing listens there (connection refused)",
            &format!("is there a registry at `{address}`?"),
        ]);
    stage
        .wash(&["oci", "pull", "no-such-host.invalid/hello:1"])
        .assert_failure(&["the host cannot be reached"]);
    // No registry at all.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
            );
        }
    });
    let reference = format!("127.0.0.1:{port}/hello:1");
    stage
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_failure(&["its manifest is not valid"]);
}
