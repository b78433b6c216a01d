//! What reaches a terminal, byte by byte.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{User, plugin, text};

/// Runs `wash` on a terminal of its own (`script`, of util-linux), types a text, and returns everything that was shown.
fn shown(user: &User, line: &[&str], typed: &str) -> String {
    let wash = user.command();
    let line = [env!("CARGO_BIN_EXE_wash")].iter().chain(line).copied();
    let line: Vec<_> = line.map(|word| format!("'{word}'")).collect();
    let mut script = Command::new("script");
    script
        .args([
            "--quiet",
            "--return",
            "--command",
            &line.join(" "),
            "/dev/null",
        ])
        .current_dir(wash.get_current_dir().unwrap())
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    for (name, value) in wash.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    let mut child = script.spawn().expect("util-linux is there");
    let mut keys = child.stdin.take().unwrap();
    for key in typed.bytes() {
        // As somebody would who reads the questions.
        std::thread::sleep(std::time::Duration::from_secs(1));
        keys.write_all(&[key]).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    drop(keys);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Everything that controls a terminal, but lines, tabs and colors.
fn controls(shown: &str) -> String {
    let mut rest = anstyle_free(shown);
    rest.retain(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    rest
}

/// The text without its colors.
fn anstyle_free(shown: &str) -> String {
    let mut text = String::new();
    let mut rest = shown;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        text.push_str(before);
        let end = after
            .find(|c: char| !matches!(c, '0'..='9' | ';'))
            .unwrap_or(after.len());
        match after[end..].strip_prefix('m') {
            Some(colored) => rest = colored,
            None => {
                text.push('\x1b');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[test]
fn a_terminal_is_not_controlled_by_a_plugin() {
    let user = User::new()
        .with(&plugin("hostile"))
        .with(&plugin("my"))
        .with(&plugin("say"));
    for line in [
        &["hostile", "escape"][..],
        &["hostile", "trap"],
        &["my", "colors"],
        &["my", "fail"],
        &["say", "raw"],
    ] {
        let shown = shown(&user, line, "");
        assert!(!shown.is_empty(), "{line:?}");
        assert_eq!(controls(&shown), "", "{line:?}: {shown:?}");
    }
}

#[test]
fn colors_of_a_plugin_reach_a_terminal() {
    let user = User::new().with(&plugin("my"));
    let shown = shown(&user, &["my", "colors"], "");
    assert!(
        shown.contains("\x1b[31mred\x1b[0m ␛]0;title␇␛[2Jend\r\n"),
        "{shown:?}"
    );
}

#[test]
fn on_a_terminal_it_is_asked_once_in_plain_words() {
    let user = User::new();
    user.ok(&["plugin", "install", text(&plugin("my"))]);
    let run = |typed: &str| shown(&user, &["my", "paint", "x"], typed);
    let asked = run("yn");
    assert!(asked.contains("The plugin `my` wants to read the project in the current directory (to list its files). Allow it?"), "{asked:?}");
    assert!(asked.contains("wants to run `git log`"), "{asked:?}");
    assert!(asked.contains("what: x"), "{asked:?}");
    let again = run("");
    assert!(
        !again.contains("Allow it?") && again.contains("what: x"),
        "{again:?}"
    );
    let data = user.data(&["plugin", "show", "my"]);
    assert_eq!(
        data["allowed"],
        serde_json::json!([{ "project": "read-only" }])
    );
    assert_eq!(
        data["denied"],
        serde_json::json!([{ "program": ["git", "log"] }])
    );
}
