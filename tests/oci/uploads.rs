//! Registries that take uploads in their own ways: the component arrives whole, and the password only where it belongs.

use crate::registry::{Options, PASSWORD, Registry, Trouble, USER};
use crate::stage::{Stage, component};

/// More than one piece.
const LARGE: usize = 9 << 20;

fn is_authorized(head: &str) -> bool {
    head.to_ascii_lowercase().contains("\nauthorization:")
}

/// Pushes through something in front of a registry, and compares what the registry has then.
fn arrives(registry: &Registry, trouble: impl Fn(&str, usize) -> Trouble + Send + Sync + 'static) {
    let stage = Stage::new();
    stage.file("large.wasm", component(LARGE));
    let reference = format!("{}/large:1", registry.behind(trouble).address());
    stage
        .wash(&["oci", "push", "--insecure", &reference, "large.wasm"])
        .assert_success();
    let other = Stage::new();
    let reference = format!("{}/large:1", registry.address());
    other
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_success();
    assert!(other.read("component.wasm") == component(LARGE));
}

#[test]
fn a_registry_that_takes_no_pieces_gets_it_whole() {
    for status in [
        "405 Method Not Allowed",
        "404 Not Found",
        "415 Unsupported Media Type",
        "501 Not Implemented",
        "400 Bad Request",
    ] {
        arrives(&Registry::start(), move |request, _| {
            match request.starts_with("PATCH ") {
                true => Trouble::Answer(status, "", "chunks are not supported"),
                false => Trouble::None,
            }
        });
    }
}

#[test]
fn a_registry_that_keeps_only_the_last_piece_gets_it_whole() {
    // It says so.
    arrives(&Registry::start(), |request, _| {
        match request.starts_with("PATCH ") {
            true => Trouble::Answer(
                "202 Accepted",
                "Location: /v2/large/blobs/uploads/lost\r\nRange: 0-99\r\n",
                "",
            ),
            false => Trouble::None,
        }
    });
    // It says nothing, and has nothing.
    arrives(&Registry::start(), |request, _| {
        if request.starts_with("PATCH ") {
            Trouble::Answer("202 Accepted", "Location: lost\r\n", "")
        } else if request.contains("/uploads/lost") {
            Trouble::Answer("201 Created", "Location: /v2/large/blobs/x\r\n", "")
        } else {
            Trouble::None
        }
    });
}

#[test]
fn a_password_stays_with_its_registry() {
    let registry = Registry::with(Options {
        login: true,
        ..Options::default()
    });
    let elsewhere = Registry::start();
    let elsewhere = elsewhere.behind(|_, _| Trouble::None);
    let other = elsewhere.address().replace("127.0.0.1", "localhost");
    let front = registry.behind(move |request, _| match request.starts_with("POST ") {
        true => Trouble::Rewrite("Location: http://", format!("Location: http://{other}/x/")),
        false => Trouble::None,
    });
    let reference = format!("{}/hello:1", front.address());
    let push = [
        "oci",
        "push",
        "--insecure",
        &reference,
        "hello.wasm",
        "-u",
        USER,
        "-p",
        PASSWORD,
    ];
    // The other host has no such upload.
    Stage::new().wash(&push).assert_failure(&["cannot push to"]);
    assert!(front.heads().iter().any(|head| is_authorized(head)));
    let heads = elsewhere.heads();
    assert!(!heads.is_empty());
    for head in &heads {
        assert!(!is_authorized(head), "{head}");
    }
}

#[test]
fn a_registry_that_asks_late_is_answered() {
    let open = |request: &str, _: usize| match request.starts_with("GET /v2/ ") {
        true => Trouble::Answer("200 OK", "", "{}"),
        false => Trouble::None,
    };
    let registry = Registry::with(Options {
        login: true,
        ..Options::default()
    });
    let reference = format!("{}/hello:1", registry.behind(open).address());
    let push = ["oci", "push", "--insecure", &reference, "hello.wasm"];
    let login = ["-u", USER, "-p", PASSWORD];
    Stage::new()
        .wash(&[&push[..], &login].concat())
        .assert_success();
    let pull = ["oci", "pull", "--insecure", &reference];
    Stage::new()
        .wash(&[&pull[..], &login].concat())
        .assert_success();
    Stage::new()
        .wash(&pull)
        .assert_failure(&["no credentials were found"]);
    Stage::new()
        .wash(&[&pull[..], &["-u", USER, "-p", "wrong"]].concat())
        .assert_failure(&["credentials used: those of the command line"]);
}
