//! Those in JavaScript and Python. `scripts/scripted-guests` installs their tools.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::client::text;
use crate::dev;

#[tokio::test(flavor = "multi_thread")]
async fn hello_in_javascript() {
    let (projects, dev) = dev("hello-javascript");
    // As `npm install` would.
    let modules = projects.path("hello-javascript/node_modules");
    symlink(tools("node-").join("node_modules"), modules).unwrap();
    let (mut wash, url) = dev.serving().await;
    assert_eq!(text(&url, "/").await, "hello from JavaScript\n");

    projects.replace("hello-javascript/hello.js", "hello from", "greetings from");
    wash.line("reloaded hello-javascript").await;
    assert_eq!(text(&url, "/").await, "greetings from JavaScript\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_in_python() {
    let (_projects, dev) = dev("hello-python");
    // As an environment that is active has it.
    let mut path: OsString = tools("python-").join("bin").into();
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    let (_wash, url) = dev.env("PATH", path).serving().await;
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
    symlink(
        tools("node-").join("node_modules"),
        project.path().join("node_modules"),
    )
    .unwrap();
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

/// The directory of that name in which the script has installed a language's tools.
fn tools(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("scripts/scripted-guests")).output();
    let output = output.expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let installed = String::from_utf8_lossy(&output.stdout).trim().to_string();
    let mut tools = fs::read_dir(installed).unwrap().flatten();
    let tools = tools.find(|entry| entry.file_name().to_string_lossy().starts_with(name));
    tools.expect("the tools are there").path()
}
