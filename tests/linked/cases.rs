//! Golden runs: each file of `cases/` has a description, files, and commands with what they print.
//!
//! `BLESS=1 cargo test --test linked` writes what comes out; `CASE=NAME` runs some of them.

use std::fmt::Write;
use std::fs;
use std::process::Output;

use crate::support::{Dir, stderr, stdout};

#[test]
fn cases() {
    let bless = std::env::var_os("BLESS").is_some();
    let only = std::env::var("CASE").unwrap_or_default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/linked/cases");
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());

    let mut differences = String::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy();
        if !name.contains(&only) {
            continue;
        }
        let expected = fs::read_to_string(&file).unwrap();
        let found = run(&expected);
        if bless {
            fs::write(&file, found).unwrap();
        } else if found != expected {
            writeln!(differences, "{name}: found\n{found}").unwrap();
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}

/// The case as it would be if everything that was printed were right.
fn run(case: &str) -> String {
    let mut sections = case.split("=== ");
    let mut found = sections.next().unwrap().to_string();
    let mut dir = Dir::new();
    for section in sections {
        let (head, body) = section.split_once('\n').unwrap();
        match head.split_once(' ').unwrap() {
            ("file", name) => {
                dir = dir.file(name, body.trim_end());
                found += &format!("=== {section}");
            }
            ("wash", arguments) => {
                let output = dir.wash(arguments.split(' '));
                found += &format!("=== {head}\n{}\n", printed(&output, &dir));
            }
            (other, _) => panic!("a section cannot begin with `{other}`"),
        }
    }
    found
}

fn printed(output: &Output, dir: &Dir) -> String {
    let mut text = stdout(output);
    let talk = stderr(output);
    if !talk.is_empty() {
        text += &format!("--- stderr\n{talk}");
    }
    match output.status.code() {
        Some(0) => {}
        code => text += &format!("--- exit code {}\n", code.unwrap()),
    }
    text.replace(&dir.path().display().to_string(), "DIR")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
}
