//! What `wash build --compose` writes runs in another runtime: wasmtime's package for Python, of another version, which
//! `scripts/other-runtime` installs.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::installed::installed;
use crate::support::{Dir, stderr, stdout};

/// Runs a command in the other runtime; what it printed.
fn run(component: &Path, variables: &[&str], arguments: &[&str]) -> String {
    let python = installed("other-runtime/bin/python", "scripts/other-runtime");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/linked/run.py");
    let output = Command::new(python)
        .arg(script)
        .arg(component)
        .args(variables)
        .arg("--")
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn a_project_and_its_sibling_run_elsewhere() {
    let dir = Dir::new();
    for name in ["visitor", "greeter"] {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(name);
        copy(&fixture, &dir.path().join(name));
    }
    let output = dir.wash(["-C", "visitor", "build", "--compose", "-o", "../whole.wasm"]);
    let told = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        told.contains("whole.wasm (") && told.contains("): visitor, greeter\n"),
        "{told}"
    );
    let merged =
        |line: &str| line.contains("wasi:cli/environment@") && line.ends_with("visitor, greeter");
    assert!(told.lines().any(merged), "{told}");
    assert!(told.contains("greeter: ROLE\n"), "{told}");

    let whole = dir.path().join("whole.wasm");
    let printed = run(&whole, &["ROLE=everybody's"], &["Ann", "Bob"]);
    let expected = "Hello, Ann!\nGood evening, Ann!\nHello, Bob!\nGood evening, Bob!\ngreeted: Ann, Bob\n\
                    the greeter sees: ROLE=everybody's\nthe visitor sees: ROLE=everybody's\n";
    assert_eq!(printed, expected);

    // Nothing in it needs what only `wash` has.
    let output = dir.wash(["inspect", "whole.wasm", "-o", "json"]);
    let overview: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    for import in overview["data"]["imports"].as_array().unwrap() {
        let import = import["import"].as_str().unwrap();
        assert!(import.starts_with("wasi:"), "{import}");
    }
}

/// Two versions of an interface become one import of the higher version.
#[test]
fn versions_of_an_interface_become_one() {
    let random = |version| {
        format!(
            r#"(import "wasi:random/random@{version}" (instance $random (export "get-random-u64" (func (result u64)))))"#
        )
    };
    let command = format!(
        r#"(component
          {}
          (import "test:dice/dice" (instance $dice (export "roll" (func (result u64)))))
          (core func $own (canon lower (func $random "get-random-u64")))
          (core func $roll (canon lower (func $dice "roll")))
          (core module $m
            (import "" "own" (func $own (result i64)))
            (import "" "roll" (func $roll (result i64)))
            (func (export "run") (result i32)
              (i64.eq (call $own) (call $roll))))
          (core instance $i (instantiate $m (with "" (instance (export "own" (func $own)) (export "roll" (func $roll))))))
          (func $run (result (result)) (canon lift (core func $i "run")))
          (instance $command (export "run" (func $run)))
          (export "wasi:cli/run@0.2.0" (instance $command)))"#,
        random("0.2.0")
    );
    let dice = format!(
        r#"(component
          {}
          (instance $dice (export "roll" (func $random "get-random-u64")))
          (export "test:dice/dice" (instance $dice)))"#,
        random("0.2.6")
    );
    let config = "build: { command: 'true', component_path: command.wasm }\ndev: { components: [{ name: dice, file: dice.wasm }] }\n";
    let dir = Dir::new()
        .file(".wash/config.yaml", config)
        .file("command.wat", &command)
        .file("dice.wat", &dice);
    let output = dir.wash(["build", "--compose", "-o", "whole.wasm", "-o", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        answer["data"]["imports"],
        serde_json::json!(["wasi:random/random@0.2.6"])
    );

    // Two random numbers of 64 bits are never equal.
    let printed = run(&dir.path().join("whole.wasm"), &[], &[]);
    assert_eq!(printed, "");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "target" {
                copy(&entry.path(), &to);
            }
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
