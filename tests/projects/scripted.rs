//! Those in JavaScript and Python.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::client::text;
use crate::dev;
use crate::tools::{node_modules, python_path};

#[tokio::test(flavor = "multi_thread")]
async fn hello_in_javascript() {
    let (projects, dev) = dev("hello-javascript");
    symlink(
        node_modules(),
        projects.path("hello-javascript/node_modules"),
    )
    .unwrap();
    let (mut wash, url) = dev.serving().await;
    assert_eq!(text(&url, "/").await, "hello from JavaScript\n");

    projects.replace("hello-javascript/hello.js", "hello from", "greetings from");
    wash.line("reloaded hello-javascript").await;
    assert_eq!(text(&url, "/").await, "greetings from JavaScript\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_in_python() {
    let (_projects, dev) = dev("hello-python");
    let (_wash, url) = dev.env("PATH", python_path()).serving().await;
    assert_eq!(text(&url, "/").await, "hello from Python\n");
}

/// `wash` writes the packages, and `jco` must be able to read them: it leaves out what is unstable.
#[test]
fn a_world_in_javascript_includes_all_of_wasi() {
    let project = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(project.path().join(name), text).unwrap();
    fs::create_dir(project.path().join("wit")).unwrap();
    write(
        "wit/world.wit",
        "package test:words;\n\nworld words {\n  include wasi:cli/imports@0.2.12;\n  export shout: func(text: string) -> string;\n}\n",
    );
    write(
        "words.js",
        "export function shout(text) { return text.toUpperCase(); }\n",
    );
    let build = "jco componentize words.js --wit wit --world-name words --out words.wasm";
    write(
        "package.json",
        &format!(r#"{{ "name": "words", "type": "module", "scripts": {{ "build": "{build}" }} }}"#),
    );
    symlink(node_modules(), project.path().join("node_modules")).unwrap();
    let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
    wash.args(["call", "shout", r#""hello""#])
        .current_dir(project.path())
        .env_remove("RUST_LOG");
    let output = wash.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "\"HELLO\"\n",
        "{said}"
    );
}
