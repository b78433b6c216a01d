//! The pages of `docs/` and what is printed name the same fields.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::{Dir, stdout};

const PROJECT: &str = "name: app\nbuild:\n  command: 'true'\n  component_path: app.wasm\nworkload:\n  environment: { config: { A: b } }\ndev:\n  components:\n    - name: greeter\n      file: greeter.wasm\n      environment: { A: c }\n";

const APP: &str = r#"(component
  (import "test:greet/greet" (instance $greet (export "hello" (func (result string)))))
  (import "test:none/none" (instance (export "f" (func))))
  (import "test:types/types" (instance (type $t' (enum "a")) (export "t" (type (eq $t')))))
  (import "wasi:cli/environment@0.2.0" (instance (export "get-arguments" (func (result (list string))))))
  (export "test:greet/again" (instance $greet))
)"#;

const GREETER: &str = r#"(component
  (import "wasi:cli/environment@0.2.3" (instance $env (export "get-arguments" (func (result (list string))))))
  (import "hello" (func $hello (result string)))
  (instance $greet (export "hello" (func $hello)))
  (export "test:greet/greet" (instance $greet))
)"#;

/// A function with a parameter of a type that has a name.
const COLOURS: &str = r#"(component
  (import "test:colours/colours" (instance $colours
    (type $t (enum "red"))
    (export "colour" (type $colour (eq $t)))
    (export "wear" (func (param "colour" $colour)))))
  (export "test:colours/again" (instance $colours))
)"#;

fn project() -> Dir {
    Dir::new()
        .file(".wash/config.yaml", PROJECT)
        .file("app.wat", APP)
        .file("greeter.wat", GREETER)
        .file("colours.wat", COLOURS)
        .file(
            "module.wat",
            r#"(module (import "env" "f" (func)) (export "g" (func 0)))"#,
        )
}

/// Runs commands, and checks that they print exactly the documented fields between them.
fn check(page: &str, section: &str, commands: &[&str]) {
    let dir = project();
    let mut printed = BTreeSet::new();
    for command in commands {
        let output = dir.wash(format!("{command} -o json").split(' '));
        let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
        fields(&answer["data"], "", &mut printed);
    }
    assert_eq!(printed, documented(page, section));
}

fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                found.insert(path.clone());
                fields(value, &path, found);
            }
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| fields(value, &format!("{path}[]"), found)),
        _ => {}
    }
    // A list of plain values is one field.
    found.remove(&format!("{path}[]"));
}

fn documented(page: &str, section: &str) -> BTreeSet<String> {
    let page = format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(page).unwrap();
    let section = page
        .split("\n## ")
        .find(|s| s.starts_with(section))
        .unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_string())
        .collect()
}

#[test]
fn a_plan() {
    check(
        "inspect-plan.md",
        "`wash inspect --plan -o json`",
        &["inspect --plan", "inspect --plan --stub-missing"],
    );
}

#[test]
fn a_file() {
    check(
        "inspect.md",
        "`wash inspect -o json`",
        &["inspect", "inspect app.wasm", "inspect module.wasm"],
    );
}

#[test]
fn a_reason() {
    check(
        "inspect.md",
        "`wash inspect --why INTERFACE -o json`",
        &[
            "inspect --why test:greet",
            "inspect --why wasi:cli/environment",
        ],
    );
}

#[test]
fn a_call() {
    check(
        "call.md",
        "`wash call -o json`",
        &["call colours.wasm again.wear red --stub-missing"],
    );
}

#[test]
fn what_can_be_called() {
    check(
        "call.md",
        "`wash call --list -o json`",
        &["call colours.wasm --list"],
    );
}

#[test]
fn a_composition() {
    check(
        "inspect-plan.md",
        "`wash build --compose -o json`",
        &["build --compose --stub-missing"],
    );
}

#[test]
fn every_word_for_a_problem_is_documented() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/inspect-plan.md");
    let page = fs::read_to_string(page).unwrap();
    let view = concat!(env!("CARGO_MANIFEST_DIR"), "/src/inspect/view.rs");
    let view = fs::read_to_string(view).unwrap();
    let words: Vec<&str> = view
        .lines()
        .filter(|line| {
            line.trim_start().starts_with("Problem::") || line.trim_start().starts_with("Reason::")
        })
        .map(|line| line.split('"').nth(1).unwrap())
        .collect();
    assert!(words.len() > 20, "{words:?}");
    for word in words {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}
