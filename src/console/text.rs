//! Text for a terminal: colors removed, text of others made harmless, durations for people.

use std::borrow::Cow;
use std::time::Duration;

use crate::report::sanitize::{self, is_unsafe, picture};

pub(super) const RESET: &str = "\x1b[0m";

/// The text without its ANSI escapes.
pub fn plain(text: &str) -> Cow<'_, str> {
    match text.contains('\x1b') {
        true => Cow::Owned(anstream::adapter::strip_str(text).to_string()),
        false => Cow::Borrowed(text),
    }
}

/// One line of a guest, a client or a tool, so that it cannot do more to the terminal than fill its own line.
///
/// Colors stay and end with the line, and tabs stay. Every other control character is shown as its picture (`␛`,
/// `␇`), or as `�` where there is none: cursor movement, title changes and the like become text.
pub fn harmless(line: &str) -> Cow<'_, str> {
    if !line.contains(|c: char| is_unsafe(c) && c != '\t') {
        return Cow::Borrowed(line);
    }
    let mut safe = String::with_capacity(line.len() + 8);
    let mut rest = line;
    let mut colored = false;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = color_escape(rest) {
            safe.push_str(&rest[..length]);
            rest = &rest[length..];
            colored = true;
            continue;
        }
        safe.push(if c == '\t' { c } else { picture(c) });
        rest = &rest[c.len_utf8()..];
    }
    if colored && !safe.ends_with(RESET) {
        safe.push_str(RESET);
    }
    Cow::Owned(safe)
}

/// Words as one line that can be pasted into a shell.
pub fn pasteable(words: &[impl AsRef<str>]) -> String {
    let words = words.iter().map(|word| {
        let word = word.as_ref();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
        match !word.is_empty() && word.chars().all(plain) {
            true => word.to_owned(),
            // Nothing that a terminal obeys, and no end of a line, within the line.
            false if word.contains(is_unsafe) => format!("$'{}'", escaped_for_shell(word)),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn escaped_for_shell(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len() + 8);
    for c in word.chars() {
        match c {
            '\'' | '\\' => escaped.extend(['\\', c]),
            c if is_unsafe(c) => {
                let mut bytes = [0; 4];
                let bytes = c.encode_utf8(&mut bytes).bytes();
                // Octal, because digits that follow are no part of it.
                escaped.extend(bytes.map(|byte| format!("\\{byte:03o}")));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// The length of the "select graphic rendition" escape that the text begins with, if it begins with one.
pub(super) fn color_escape(text: &str) -> Option<usize> {
    sanitize::style(text).map(str::len)
}

/// A duration with three digits or so: `0.42 ms`, `12.3 ms`, `2.05 s`, `61.0 s`.
pub(super) fn duration_text(duration: Duration) -> String {
    let (value, unit) = match duration.as_secs_f64() {
        seconds if seconds < 1.0 => (seconds * 1e3, "ms"),
        seconds => (seconds, "s"),
    };
    let decimals = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(harmless(line), expected);
    }

    #[test]
    fn colors_and_tabs_stay() {
        check("plain ünï\t→", "plain ünï\t→");
        check("\x1b[1;38;5;9mred\x1b[0m", "\x1b[1;38;5;9mred\x1b[0m");
        check("\x1b[4:3mcurly\tline", "\x1b[4:3mcurly\tline\x1b[0m");
        check("\x1b[mreset", "\x1b[mreset\x1b[0m");
    }

    #[test]
    fn everything_else_becomes_visible() {
        check("\x1b[2J", "␛[2J");
        check("\x1b[1A\x1b[2K", "␛[1A␛[2K");
        check("\x1b]0;title\x07", "␛]0;title␇");
        check("\x1b[?25l", "␛[?25l");
        check("progress\rover", "progress␍over");
        check("a\x08b\0c\x7fd", "a␈b␀c␡d");
        check("\u{9b}31m", "\u{fffd}31m");
        check("a\u{202e}b", "a\u{fffd}b");
        check("\x1b", "␛");
        check("\x1b[", "␛[");
        check("\x1b[31", "␛[31");
        check("\x1b[31é", "␛[31é");
    }

    #[test]
    fn a_line_can_be_pasted() {
        assert_eq!(
            pasteable(&["mkdir", "-p", "/a/my data"]),
            "mkdir -p '/a/my data'"
        );
        let words = ["echo", "a b", "it's", "", "$x"];
        assert_eq!(pasteable(&words), r"echo 'a b' 'it'\''s' '' '$x'");
    }

    #[test]
    fn durations_are_short() {
        let of = |micros| duration_text(Duration::from_micros(micros));
        assert_eq!(of(420), "0.42 ms");
        assert_eq!(of(12_340), "12.3 ms");
        assert_eq!(of(999_000), "999 ms");
        assert_eq!(of(2_050_000), "2.05 s");
        assert_eq!(of(61_000_000), "61.0 s");
    }
}
