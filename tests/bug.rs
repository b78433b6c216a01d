//! A panic of `wash`: a program that has one, as `wash` itself has none to show. It runs itself to see what users see.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, ExitCode, Output};

use wash::bug;
use wash::report::OutputFormat;

fn main() -> ExitCode {
    match std::env::var("PANIC").as_deref() {
        Ok("text") => bug::guarded(OutputFormat::Text, || panic!("no cable in {}", "slot 7")),
        Ok(_) => bug::guarded(OutputFormat::Json, || panic!("no cable")),
        Err(_) => {
            a_panic_is_told_as_ours();
            programs_are_told_as_well();
            the_backtrace_comes_last();
            ExitCode::SUCCESS
        }
    }
}

fn panicking(format: &str, backtrace: &str) -> (String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env("PANIC", format)
        .env("RUST_BACKTRACE", backtrace);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert_eq!(status.code(), Some(5));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr))
}

fn a_panic_is_told_as_ours() {
    let (stdout, stderr) = panicking("text", "0");
    assert_eq!(stdout, "");
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines[0], "error: this is a bug in wash: no cable in slot 7");
    assert!(lines[1].starts_with("  at tests/bug.rs:"), "{stderr}");
    assert!(lines[1].contains(env!("CARGO_PKG_VERSION")), "{stderr}");
    let hint = lines[3];
    assert!(hint.starts_with("hint: report it"), "{stderr}");
    // Whoever owns a public address decides where reports go.
    assert!(!hint.contains("://"), "{stderr}");
    assert_eq!(lines.len(), 4, "{stderr}");
}

fn programs_are_told_as_well() {
    let (stdout, _) = panicking("json", "0");
    let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(answer["success"], false);
    assert_eq!(answer["message"], "this is a bug in wash: no cable");
    assert_eq!(answer["data"]["fault"], "wash");
}

fn the_backtrace_comes_last() {
    let (_, stderr) = panicking("text", "1");
    assert!(
        stderr.starts_with("error: this is a bug in wash"),
        "{stderr}"
    );
    assert!(stderr.contains("tests/bug.rs"), "{stderr}");
    assert!(stderr.lines().count() > 8, "{stderr}");
}
