//! `wash call` and `wash inspect --wit`, of real components.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use wit_parser::Resolve;

use crate::graph::{Graph, component};

fn wash(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
    command
        .args(arguments)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env_remove("RUST_LOG");
    command.output().expect("wash runs")
}

/// Calls a function of a component; what is on stdout, and the exit code.
fn call(name: &str, words: &[&str]) -> (String, i32) {
    let path = component(name);
    let output = wash(&[&["call", text(&path)], words].concat());
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    (stdout, output.status.code().expect("it was not killed"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

#[track_caller]
fn answers(name: &str, words: &[&str], expected: &str) {
    assert_eq!(call(name, words), (format!("{expected}\n"), 0), "{words:?}");
}

#[test]
fn values_go_there_and_back() {
    let everything = r#"{truth: true, bytes: [0, 255], small: -8, medium: 65535, long: -9223372036854775808, largest: 18446744073709551615, single: 1.5, double: -0.1, letter: '🦀', text: "日本 \"\u{0}\"", texts: ["", "two"], colour: green, access: {read, execute}, shapes: [nothing, dot((-1, 2)), line([(0, 0), (3, 4)]), text("t")], maybe: some(none), outcome: err(7), nested: [[], [ok, err("no")]]}"#;
    answers("workshop", &["mirror", everything], everything);
    answers("workshop", &["root", "81"], "ok(9)");
    assert_eq!(
        call("workshop", &["root", "-5"]),
        ("err(negative(-5))\n".into(), 1)
    );

    let (stdout, code) = call("workshop", &["-o", "json", "mirror", everything]);
    let answer: Value = serde_json::from_str(&stdout).expect("it is JSON");
    let result = &answer["data"]["result"];
    assert_eq!((code, &answer["success"]), (0, &json!(true)));
    assert_eq!(result["largest"], json!(u64::MAX));
    assert_eq!(result["maybe"], json!({ "some": null }));
    let shapes =
        json!(["nothing", { "dot": [-1, 2] }, { "line": [[0, 0], [3, 4]] }, { "text": "t" }]);
    assert_eq!(result["shapes"], shapes);
    assert_eq!(
        result["nested"],
        json!([[], [{ "ok": null }, { "err": "no" }]])
    );
}

#[test]
fn resources_live_for_one_line() {
    answers("workshop", &["item(\"a\").name()"], "\"a\"");
    answers(
        "workshop",
        &["item.merge(item(\"a\"), item(\"b\")).name"],
        "\"a+b\"",
    );
    answers(
        "workshop",
        &["longest", "[item(\"a\"), item(\"bcd\")]"],
        "some(1)",
    );
    answers(
        "workshop",
        &["demo:graphs/items@1.0.0#count"],
        "{made: 0, dropped: 0}",
    );
    answers("counter", &["peek"], "0");
    answers("counter", &["counter.next"], "1");
}

#[test]
fn streams_and_futures_are_read_to_their_ends() {
    answers("source", &["numbers", "5"], "[1, 2, 3, 4, 5]");
    answers("source", &["promise", "\"x\""], "\"x, as promised\"");
    answers("source", &["slow", "3"], "ok(3)");
    assert_eq!(
        call("source", &["slow", "0"]),
        ("err(\"that is not slow\")\n".into(), 1)
    );
    let (stdout, code) = call("source", &["--timeout", "200ms", "slow", "4000000000"]);
    assert_eq!((stdout.as_str(), code), ("", 3));
}

#[test]
fn what_does_not_fit_is_not_called() {
    for words in [
        &["root", "\"x\""][..],
        &["rot", "1"],
        &["root"],
        &["item.name"],
        &[],
    ] {
        assert_eq!(call("workshop", words), (String::new(), 2), "{words:?}");
    }
}

/// `left` counts with `counter`, which is a sibling: without it, there is nothing to link with.
#[test]
fn a_project_is_linked_with_its_siblings() {
    let graph = Graph::of("left").with("counter");
    assert_eq!(in_project(&graph, &["left.left"]), ("1\n".into(), 0));
    let alone = component("left");
    let output = wash(&["call", text(&alone), "left.left"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("demo:graphs/counter@1.0.0"), "{stderr}");
    let output = wash(&["call", text(&alone), "--stub-missing", "left.left"]);
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("`next` of `demo:graphs/counter@1.0.0`"),
        "{stderr}"
    );
}

fn in_project(graph: &Graph, words: &[&str]) -> (String, i32) {
    let root = graph.configured();
    let output = wash(&[&["-C", text(&root), "call"], words].concat());
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let code = output.status.code().expect("it was not killed");
    assert!(code == 0, "{}", String::from_utf8_lossy(&output.stderr));
    (stdout, code)
}

/// `notebook` reads files: only those that it was given, and only as it was given them.
#[test]
fn files_and_directories_are_given_by_options() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("note"), "hello").expect("it is written");
    let given = format!("{}::/given", dir.path().display());
    answers(
        "notebook",
        &["--dir", &given, "notes.read", "\"/given/note\""],
        "ok(\"hello\")",
    );
    answers(
        "notebook",
        &["--dir", &given, "notes.write", "\"/given/new\"", "\"x\""],
        "ok",
    );
    let read_only = format!("{given}:ro");
    let words = [
        "--dir",
        &read_only,
        "notes.write",
        "\"/given/newer\"",
        "\"x\"",
    ];
    assert_eq!(call("notebook", &words).1, 1);
    assert!(!dir.path().join("newer").exists());
    assert_eq!(call("notebook", &["notes.read", "\"/given/note\""]).1, 1);
}

/// The world of every fixture is WIT that parses again.
#[test]
fn worlds_are_printed_so_that_they_parse_again() {
    component("values");
    let folder = component("values");
    let folder = folder.parent().expect("it lies in a folder");
    let mut seen = 0;
    for entry in fs::read_dir(folder).expect("it is a folder") {
        let path = entry.expect("it is there").path();
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let output = wash(&["inspect", "--wit", text(&path)]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {stderr}", path.display());
        let wit = String::from_utf8(output.stdout).expect("it is text");
        let mut resolve = Resolve::default();
        if let Err(error) = resolve.push_str("world.wit", &wit) {
            panic!("{}: {error:?}\n{wit}", path.display());
        }
        seen += 1;
    }
    // WASI 0.2 and 0.3, middleware, resources, streams.
    assert!(seen >= 20, "{seen}");
}

/// What is not compiled to its end is not kept.
#[test]
fn a_call_ends_with_ctrl_c_while_its_component_is_compiled() {
    let dir = tempfile::tempdir().expect("a directory");
    let body = "local.get 0 i32.popcnt local.get 0 i32.mul local.set 0 ".repeat(200);
    let functions = format!("(func (param i32) (result i32) {body} local.get 0)").repeat(2_000);
    let text = format!(
        r#"(component
            (core module $m (func (export "f")) {functions})
            (core instance $i (instantiate $m))
            (func (export "f") (canon lift (core func $i "f"))))"#
    );
    let component = dir.path().join("large.wasm");
    fs::write(&component, wat::parse_str(text).expect("it is WAT")).expect("it can be written");
    let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
    wash.args(["call", "large.wasm", "f"])
        .current_dir(dir.path())
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("XDG_CACHE_HOME", dir.path())
        .env_remove("RUST_LOG");
    let mut wash = wash.spawn().expect("wash runs");
    let compiled = dir.path().join("wash/compiled");
    let begin = Instant::now();
    while !compiled.exists() {
        assert!(begin.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&wash), Signal::INT).expect("it runs");
    assert_eq!(wash.wait().expect("it ends").code(), Some(130));
    let kept = fs::read_dir(compiled).expect("it is there");
    assert_eq!(kept.count(), 0);
}
