//! The linker, case by case: each file of `cases/` has members as WIT or WAT and the plan, or the failure, as text.
//!
//! `BLESS=1 cargo test --test linker` writes what comes out. Every case is planned with its members in several orders;
//! every plan is composed, validated, and instantiated.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod case;
#[path = "../support/of_wit.rs"]
mod of_wit;
mod properties;
mod run;
mod stubs;
mod worlds;

use std::fmt::Write;

use case::Case;

#[test]
fn cases() {
    let bless = std::env::var_os("BLESS").is_some();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/linker/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());

    let only = std::env::var("CASE").unwrap_or_default();
    let mut failures = String::new();
    for file in &files {
        let name = file.file_stem().unwrap().to_string_lossy();
        if !name.contains(&only) {
            continue;
        }
        let text = std::fs::read_to_string(file).unwrap();
        let (case, found) = match Case::parse(&text).and_then(|case| Ok((run::run(&case)?, case))) {
            Ok((found, case)) => (case, found),
            Err(error) => {
                writeln!(failures, "{name}: {error:#}\n").unwrap();
                continue;
            }
        };
        if bless {
            std::fs::write(file, case.with_expected(&found)).unwrap();
        } else if found != case.expected {
            writeln!(
                failures,
                "{name}: expected\n{}\nfound\n{found}",
                case.expected
            )
            .unwrap();
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// The exports of a plugin speak of types that they do not name themselves.
#[test]
fn a_plugin_that_lacks_an_interface_composes_with_a_stub() {
    let plugin = include_str!("../../crates/wash-fetch/wit/wash-plugin/0.1.0.wit");
    let (_, plugin) = plugin.split_once("package wash:plugin@0.1.0;").unwrap();
    let wit = format!(
        "package wash:plugin@0.1.0 {{\n{plugin}\n}}\npackage x:none {{ interface none {{ f: func(); }} }}"
    );
    let case = format!(
        "A plugin.\n=== project plugin\ninclude wash:plugin/command@0.1.0;\nimport x:none/none;\n\
         === stub-missing\n=== export-all\n=== wit\n{wit}"
    );
    let case = Case::parse(&case).unwrap();
    let plan = run::run(&case).unwrap();
    assert!(plan.contains("x:none/none  <- stub"), "{plan}");
}

#[test]
fn more_members_than_the_host_can_tell_apart_are_a_problem() {
    let case = "Two.\n=== project app\nimport f: func();\n=== sibling lib\nexport f: func();\n=== export-all\n";
    let case = Case::parse(case).unwrap();
    let members: Vec<_> = case
        .members
        .iter()
        .map(|(member, _)| member.clone())
        .collect();
    let with_limit = |max| {
        let planned = wash::linker::plan(&wash::linker::LinkRequest {
            members: &members,
            exports: wash::linker::Exports::All,
            max_members: Some(max),
            ..Default::default()
        });
        planned.map(drop).map_err(|failure| failure.problems)
    };
    assert_eq!(with_limit(2), Ok(()));
    let problem = wash::linker::Problem::TooManyMembers { count: 2, max: 1 };
    assert_eq!(with_limit(1), Err(vec![problem]));
}

/// Other components use the types of an interface under its name, whoever exports it.
#[test]
fn types_that_are_exported_have_their_interface() {
    let world = |case: &str| run::wit(&Case::parse(case).unwrap()).unwrap();
    let single = world(include_str!("cases/named-type-with-resource.case"));
    for expected in [
        "export t:a/types;",
        "use types.{outer, r};",
        "f: func(a: outer) -> r;",
    ] {
        assert!(single.contains(expected), "{expected}: {single}");
    }
    let several = world(include_str!("cases/named-type-with-resource-two.case"));
    for expected in [
        "export t:a/types;",
        "export t:a/more;",
        "use types.{inner, plain as flat};",
        "use more.{both, s};",
        "use types.{plain, inner, r};",
    ] {
        assert!(several.contains(expected), "{expected}: {several}");
    }
}
