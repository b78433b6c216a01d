//! What reaches a terminal, byte by byte.

use crate::script::Terminal;
use crate::support::{User, plugin, text};

/// Runs `wash` on a terminal of its own, types a key after each of these texts, and returns everything that was shown.
fn shown(user: &User, line: &[&str], typed: &[(&str, &str)]) -> String {
    let mut command = user.command();
    command.args(line).env_remove("NO_COLOR");
    let mut terminal = Terminal::new(&command);
    for (asked, key) in typed {
        terminal.shows(asked).types(key);
    }
    terminal.end().1
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
    let run = |typed: &[(&str, &str)]| shown(&user, &["my", "paint", "x"], typed);
    let asked = run(&[("to list its files", "y\r"), ("`git log`", "n\r")]);
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
