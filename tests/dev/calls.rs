//! `wash call` of components that only some hosts run, or that do not come to an end.

use std::process::Output;

use crate::components::waiting;
use crate::project::Projects;
use crate::wash::wash;

/// Calls a function of a component, which is written down as text.
fn call(component: &str, arguments: &[&str]) -> Output {
    run(&wat::parse_str(component).unwrap(), "call", arguments)
}

fn run(component: &[u8], command: &str, arguments: &[&str]) -> Output {
    let projects = Projects::empty();
    projects.write("app.wasm", component);
    let mut wash = wash();
    wash.args([command, "app.wasm"])
        .args(arguments)
        .current_dir(projects.root());
    wash.output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap().trim()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap().trim()
}

/// Imports a random number and gives it out.
fn roll(import: &str) -> String {
    format!(
        r#"(component
            (import {import} (instance $random (export "get-random-u64" (func (result u64)))))
            (core func $get (canon lower (func $random "get-random-u64")))
            (core module $m
                (import "" "get" (func $get (result i64)))
                (func (export "roll") (result i64) call $get))
            (core instance $i (instantiate $m (with "" (instance (export "get" (func $get))))))
            (func (export "roll") (result u64) (canon lift (core func $i "roll"))))"#
    )
}

#[test]
fn synchronous_functions_of_wasi_p3_are_served() {
    for version in ["0.2.0", "0.3.0", "0.3.2"] {
        let output = call(
            &roll(&format!("\"wasi:random/random@{version}\"")),
            &["roll"],
        );
        assert!(output.status.success(), "{version}: {}", stderr(&output));
        stdout(&output).parse::<u64>().unwrap();
    }
}

/// `run` of WASI 0.2 and 0.3, of which only the one of 0.3 succeeds.
fn both(first: &str, second: &str) -> String {
    format!(
        r#"(component
            (core module $m
                (func (export "good") (result i32) i32.const 0)
                (func (export "bad") (result i32) i32.const 1))
            (core instance $c (instantiate $m))
            (func $p2 (result (result)) (canon lift (core func $c "bad")))
            (func $p3 async (result (result)) (canon lift (core func $c "good")))
            (instance $p2 (export "run" (func $p2)))
            (instance $p3 (export "run" (func $p3)))
            (export "wasi:cli/run@{first}" (instance {}))
            (export "wasi:cli/run@{second}" (instance {})))"#,
        instance(first),
        instance(second)
    )
}

fn instance(version: &str) -> &'static str {
    match version.starts_with("0.3") {
        true => "$p3",
        false => "$p2",
    }
}

#[test]
fn the_newest_version_of_a_function_is_called() {
    for (first, second) in [("0.2.0", "0.3.0"), ("0.3.0", "0.2.3")] {
        let component = both(first, second);
        for name in ["run", "run.run", "wasi:cli/run#run", "run@0.3.0#run"] {
            let output = call(&component, &[name]);
            assert!(output.status.success(), "{name}: {}", stderr(&output));
        }
        let older = second.min(first);
        let output = call(&component, &[&format!("run@{older}#run")]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    }
}

#[test]
fn maps_and_lists_of_fixed_length_are_passed() {
    let text = r#"(component
        (core module $m
            (memory (export "memory") 1)
            (data (i32.const 0) "\10\00\00\00\01\00\00\00")
            (data (i32.const 16) "\07\00\00\00\09\00\00\00")
            (func (export "sum") (param i32 i32 i32) (result i32)
                (i32.add (local.get 0) (i32.add (local.get 1) (local.get 2))))
            (func (export "pairs") (result i32) (i32.const 0)))
        (core instance $i (instantiate $m))
        (type $pairs (map u32 u32))
        (func (export "sum") (param "of" (list u32 3)) (result u32) (canon lift (core func $i "sum")))
        (func (export "pairs") (result $pairs)
            (canon lift (core func $i "pairs") (memory $i "memory"))))"#;
    let output = call(text, &["sum", "[1, 2, 3]"]);
    assert_eq!(stdout(&output), "6", "{}", stderr(&output));
    let output = call(text, &["pairs", "-o", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        answer["data"]["result"],
        serde_json::json!([[7, 9]]),
        "{answer}"
    );
}

#[test]
fn what_the_engine_does_not_run_is_refused_by_name() {
    let text = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (core func $yield (canon thread.yield-then-resume))
        (func (export "f") (canon lift (core func $i "f"))))"#;
    let component = wat::parse_str(text).unwrap();
    for (command, arguments) in [("call", &["f"][..]), ("inspect", &["--plan"])] {
        let output = run(&component, command, arguments);
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert!(!output.status.success(), "{command}: {told}");
        assert!(
            told.contains("needs threads of the component model"),
            "{command}: {told}"
        );
        assert!(!told.contains("parse"), "{command}: {told}");
    }
}

#[test]
fn a_guest_that_waits_for_nothing_without_end_is_stopped() {
    let projects = Projects::empty();
    let busy = "(loop $l (call $wait (i64.const 0)) (br $l))";
    projects.write("app.wasm", waiting("", busy));
    let config = "build: { component_path: app.wasm }\ndev: { limits: { cpu_time: 500ms } }\n";
    projects.write(".wash/config.yaml", config);
    let mut wash = wash();
    wash.args(["call", "run"]).current_dir(projects.root());
    let output = wash.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("dev.limits.cpu_time"),
        "{}",
        stderr(&output)
    );
}
