//! Colors and emphasis: kept where they do no harm, ended, removed.

use std::borrow::Cow;

use super::{is_unsafe, picture};

pub const RESET: &str = "\x1b[0m";

/// Lines with styles of ours among text of others: colors stay, and end with the text.
pub fn styled(text: &str) -> Cow<'_, str> {
    let stays = |c| matches!(c, '\n' | '\t');
    if !text.contains(|c| is_unsafe(c) && !stays(c)) {
        return Cow::Borrowed(text);
    }
    let (mut safe, last) = keep_styles(text, stays);
    if last.is_some_and(|last| !matches!(last, RESET | "\x1b[m")) {
        safe.push_str(RESET);
    }
    Cow::Owned(safe)
}

/// One line of a guest, a client or a tool, so that it cannot do more to the terminal than fill its own line.
///
/// Colors stay and end with the line, and tabs stay. Every other control character is shown as its picture (`␛`,
/// `␇`), or as `�` where there is none: cursor movement, title changes and the like become text.
pub fn guest_line(line: &str) -> Cow<'_, str> {
    let stays = |c| c == '\t';
    if !line.contains(|c| is_unsafe(c) && !stays(c)) {
        return Cow::Borrowed(line);
    }
    let (mut safe, last) = keep_styles(line, stays);
    if last.is_some() && !safe.ends_with(RESET) {
        safe.push_str(RESET);
    }
    Cow::Owned(safe)
}

/// The text without its ANSI escapes.
pub fn strip_ansi(text: &str) -> Cow<'_, str> {
    match text.contains('\x1b') {
        true => Cow::Owned(anstream::adapter::strip_str(text).to_string()),
        false => Cow::Borrowed(text),
    }
}

/// The safe text, and the last style in it.
fn keep_styles(text: &str, stays: impl Fn(char) -> bool) -> (String, Option<&str>) {
    let mut safe = String::with_capacity(text.len() + 8);
    let mut last = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match style(rest) {
            Some(style) => {
                safe.push_str(style);
                last = Some(style);
                style.len()
            }
            None => {
                safe.push(if stays(c) { c } else { picture(c) });
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    (safe, last)
}

/// The escape at the beginning of a text that sets a color or an emphasis, and does not hide anything or let it blink.
pub fn style(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'))?;
    let (parameters, after) = parameters.split_at(end);
    let mut hides = false;
    let mut numbers = parameters
        .split(';')
        .map(|number| number.trim_start_matches('0'));
    while let Some(number) = numbers.next() {
        match number {
            // A color of a table, or of three values. With colons it is one parameter.
            "38" | "48" | "58" => match numbers.next() {
                Some("5") => drop(numbers.next()),
                Some("2") => drop(numbers.nth(2)),
                _ => {}
            },
            "5" | "6" | "8" => hides = true,
            _ => {}
        }
    }
    (after.starts_with('m') && !hides).then(|| &text[.."\x1b[".len() + end + 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_stay_where_they_are_ours() {
        for (written, shown) in [
            (
                "\x1b[1m\x1b[31merror\x1b[0m: x",
                "\x1b[1m\x1b[31merror\x1b[0m: x",
            ),
            ("\x1b[31mleft on", "\x1b[31mleft on\x1b[0m"),
            ("\x1b[8mhidden\x1b[0m", "␛[8mhidden\x1b[0m"),
            ("\x1b[1;38;5;8mgrey\x1b[0m", "\x1b[1;38;5;8mgrey\x1b[0m"),
            ("\x1b[38;5;0;8mhidden", "␛[38;5;0;8mhidden"),
            (
                "\x1b[38;2;1;5;8mcolor\x1b[0m",
                "\x1b[38;2;1;5;8mcolor\x1b[0m",
            ),
            ("\x1b[2J\x1b[1A\u{9b}2K", "␛[2J␛[1A\u{fffd}2K"),
            ("a\tb\nc", "a\tb\nc"),
        ] {
            assert_eq!(styled(written), shown, "{written:?}");
        }
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(guest_line(line), expected);
    }

    #[test]
    fn colors_and_tabs_of_a_guest_stay() {
        check("plain ünï\t→", "plain ünï\t→");
        check("\x1b[1;38;5;9mred\x1b[0m", "\x1b[1;38;5;9mred\x1b[0m");
        check("\x1b[4:3mcurly\tline", "\x1b[4:3mcurly\tline\x1b[0m");
        check("\x1b[mreset", "\x1b[mreset\x1b[0m");
    }

    #[test]
    fn everything_else_of_a_guest_becomes_visible() {
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
}
