//! What reaches a terminal, byte by byte.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::support::{User, plugin, text};

/// Longer than anything takes here, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs `wash` on a terminal of its own (`script`, of util-linux), types a key after each of these texts, and returns
/// everything that was shown.
fn shown(user: &User, line: &[&str], typed: &[(&str, u8)]) -> String {
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
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (sender, pieces) = mpsc::channel();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = screen.read(&mut piece) {
            if sender.send(piece[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut shown = Vec::new();
    let text = |shown: &[u8]| String::from_utf8_lossy(shown).into_owned();
    for (asked, key) in typed {
        while !text(&shown).contains(asked) {
            let piece = pieces.recv_timeout(PATIENCE);
            shown.extend(piece.unwrap_or_else(|_| panic!("no `{asked}`: {}", text(&shown))));
        }
        keys.write_all(&[*key]).unwrap();
    }
    loop {
        match pieces.recv_timeout(PATIENCE) {
            Ok(piece) => shown.extend(piece),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("it goes on: {}", text(&shown)),
        }
    }
    child.wait().unwrap();
    text(&shown)
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
        let shown = shown(&user, line, &[]);
        assert!(!shown.is_empty(), "{line:?}");
        assert_eq!(controls(&shown), "", "{line:?}: {shown:?}");
    }
}

#[test]
fn colors_of_a_plugin_reach_a_terminal() {
    let user = User::new().with(&plugin("my"));
    let shown = shown(&user, &["my", "colors"], &[]);
    assert!(
        shown.contains("\x1b[31mred\x1b[0m ␛]0;title␇␛[2Jend\r\n"),
        "{shown:?}"
    );
}

#[test]
fn on_a_terminal_it_is_asked_once_in_plain_words() {
    let user = User::new();
    user.ok(&["plugin", "install", text(&plugin("my"))]);
    let run = |typed: &[(&str, u8)]| shown(&user, &["my", "paint", "x"], typed);
    let asked = run(&[("to list its files", b'y'), ("`git log`", b'n')]);
    assert!(asked.contains("The plugin `my` wants to read the project in the current directory (to list its files). Allow it?"), "{asked:?}");
    assert!(asked.contains("wants to run `git log`"), "{asked:?}");
    assert!(asked.contains("what: x"), "{asked:?}");
    let again = run(&[]);
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
