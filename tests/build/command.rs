//! `wash build` on a real project, with the real toolchain.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use wash_component::Shape;

use crate::support::{Dir, component, pid_in, stderr, stdout, wait_until_gone};

const HELLO: &str = "fn main() { println!(\"hello\"); }\n";

#[test]
fn builds_a_rust_project_and_prints_one_line() {
    let dir = Dir::cargo(HELLO);
    let output = dir.wash(&["build"]).output().unwrap();
    let (out, talk) = (stdout(&output), stderr(&output));
    assert!(output.status.success(), "{talk}");
    assert!(
        talk.contains("Finished `release` profile"),
        "cargo's own words: {talk}"
    );
    assert_eq!(out.lines().count(), 1, "{out}");
    let (path, rest) = out.split_once(" (").unwrap();
    assert!(path.ends_with("wasm32-wasip2/release/hello.wasm"), "{path}");
    assert!(rest.contains("KB, "), "{rest}");
    assert!(
        Shape::parse(&fs::read(dir.path().join(path)).unwrap())
            .unwrap()
            .exports_run()
            .is_some()
    );
}

#[test]
fn finds_the_project_with_c_and_from_below_and_prints_json() {
    let dir = Dir::cargo(HELLO);
    let elsewhere = Dir::new();
    let root = dir.path();
    let (above, name) = (
        root.parent().unwrap().to_str().unwrap(),
        root.file_name().unwrap().to_str().unwrap(),
    );
    let root = root.to_str().unwrap();
    for arguments in [
        &["-C", root, "-o", "json", "build"][..],
        &["build", "-C", root, "--output", "json"],
        &["build", root, "-ojson"],
        &["-C", above, "build", name, "-o", "json"],
    ] {
        let output = elsewhere.wash(arguments).output().unwrap();
        let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(answer["success"], true, "{answer}");
        assert_eq!(answer["data"]["name"], "hello");
        let path = Path::new(answer["data"]["path"].as_str().unwrap());
        assert_eq!(answer["data"]["size"], fs::metadata(path).unwrap().len());
        assert!(answer["data"]["elapsed_ms"].is_u64());
    }
    let output = dir
        .wash(&["build"])
        .current_dir(dir.path().join("src"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_broken_source_shows_the_compiler_and_fails() {
    let dir = Dir::cargo("fn main() { let x: u8 = \"no\"; }\n");
    let output = dir.wash(&["build"]).output().unwrap();
    let talk = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        talk.contains("mismatched types") && talk.contains("src/main.rs:1:25"),
        "{talk}"
    );
    let last = talk.trim_end().lines().last().unwrap();
    assert!(
        last.starts_with("error: the build failed: `cargo build"),
        "{last}"
    );
    assert_eq!(stdout(&output), "");

    let output = dir.wash(&["build", "-o", "json"]).output().unwrap();
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (output.status.code(), &answer["success"]),
        (Some(1), &false.into())
    );
}

#[test]
fn a_library_that_is_no_component_says_what_to_add() {
    let dir = Dir::cargo("");
    fs::rename(
        dir.path().join("src/main.rs"),
        dir.path().join("src/lib.rs"),
    )
    .unwrap();
    let output = dir.wash(&["build"]).output().unwrap();
    let talk = stderr(&output);
    assert!(talk.contains("error: cargo built no component"), "{talk}");
    assert!(talk.contains("crate-type = [\"cdylib\"]"), "{talk}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_told_apart() {
    let output = Dir::new()
        .wash(&["build", "--no-such-flag"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).starts_with("error: unexpected argument '--no-such-flag'"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_directory_without_a_project_says_what_was_looked_for() {
    let dir = Dir::new().file(".wash/config.yaml", "dev: {}\n");
    let output = dir.wash(&["build"]).output().unwrap();
    let talk = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        talk.starts_with("error: no command to build the project in `"),
        "{talk}"
    );
    assert!(talk.contains("Cargo.toml, go.mod, package.json"), "{talk}");
}

#[test]
fn flags_of_the_command_reach_the_project() {
    let dir = Dir::shell("true")
        .file("other.wasm", component())
        .file("ci.yaml", "build: {command: cp other.wasm x.wasm}\n");
    let output = dir
        .wash(&["build", "--artifact-path", "other.wasm"])
        .output()
        .unwrap();
    assert!(
        stdout(&output).starts_with("other.wasm (8 B, "),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    let output = dir
        .wash(&[
            "build",
            "--config",
            "ci.yaml",
            "--artifact-path",
            "x.wasm",
            "--skip-fetch",
        ])
        .output()
        .unwrap();
    assert!(
        stdout(&output).starts_with("x.wasm (8 B, "),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
}

#[test]
fn what_a_build_prints_is_talk() {
    let dir = Dir::shell("echo on stdout").file("out.wasm", component());
    let output = dir.wash(&["build"]).output().unwrap();
    assert_eq!(stderr(&output), "on stdout\n");
    assert!(
        stdout(&output).starts_with("out.wasm (8 B, "),
        "{}",
        stdout(&output)
    );
}

#[test]
fn warnings_of_the_config_are_shown() {
    let dir = Dir::new().file("out.wasm", component()).file(
        ".wash/config.yaml",
        "build:\n  command: 'true'\n  componentPath: x\n  component_path: out.wasm\n",
    );
    let output = dir.wash(&["build"]).output().unwrap();
    let talk = stderr(&output);
    assert!(output.status.success());
    assert!(
        talk.contains("config.yaml:3: unknown key `build.componentPath`"),
        "{talk}"
    );
    assert!(
        talk.contains("hint: did you mean `build.component_path`?"),
        "{talk}"
    );
}

#[test]
fn a_closed_stdout_ends_quietly() {
    let dir = Dir::shell("true").file("out.wasm", component());
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = dir
        .wash(&["build"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!(
        (output.status.code(), stderr(&output).as_str()),
        (Some(0), "")
    );
}

#[test]
fn ctrl_c_and_the_like_end_the_build_and_everything_it_started() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let dir = Dir::shell("sleep 1000 & echo $! > child; wait");
        let mut wash = dir.wash(&["build"]).stderr(Stdio::null()).spawn().unwrap();
        let child = pid_in(&dir.path().join("child"));
        kill_process(Pid::from_child(&wash), signal).unwrap();
        assert_eq!(wash.wait().unwrap().code(), Some(code));
        wait_until_gone(child);
    }
}
