//! Makes text that others wrote (components, projects, registries, tools, file names) safe for a terminal.
//!
//! A terminal obeys control characters: they move the cursor, clear the screen, change the title, hide what follows. Characters that turn
//! the direction of writing make a line read differently from what it says. None of them leaves `wash` as it is.
//! Everything that [`report`](super) prints passes through here; [`line()`] is for names inside a line of ours.

use std::borrow::Cow;

const RESET: &str = "\x1b[0m";

/// Lines of text: line ends and tabs stay, every other control character becomes visible.
pub fn text(text: &str) -> Cow<'_, str> {
    clean(text, |c| matches!(c, '\n' | '\t'))
}

/// A name or a value that is part of a line: line ends become visible as well.
pub fn line(text: &str) -> Cow<'_, str> {
    clean(text, |_| false)
}

/// A hint: lines of ours stay, which are indented, or stand in a block after an empty line that a colon announces.
pub fn block(text: &str) -> Cow<'_, str> {
    let mut block = String::with_capacity(text.len());
    let mut is_pasteable = false;
    let mut rest = text.split('\n').peekable();
    while let Some(part) = rest.next() {
        block.push_str(&line(part));
        let Some(next) = rest.peek() else { break };
        is_pasteable |= part.ends_with(':') && next.is_empty();
        let stays = is_pasteable || next.is_empty() || next.starts_with(' ');
        block.push(if stays { '\n' } else { picture('\n') });
    }
    Cow::Owned(block)
}

/// Lines, each of which stays one whatever is in it.
pub fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> String {
    let lines = lines.into_iter();
    let lines: Vec<String> = lines.map(|text| line(text.as_ref()).into_owned()).collect();
    lines.join("\n")
}

/// Text of several lines that others wrote, below a line of ours: all but the first are indented, as no line of ours is.
pub fn indented(written: &str) -> String {
    text(written.trim_end()).replace('\n', "\n    ")
}

/// Lines with styles of ours among text of others: colors stay, and end with the text.
pub fn styled(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe_in_text) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    let mut is_on = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match style(rest) {
            Some(style) => {
                is_on = !matches!(style, RESET | "\x1b[m");
                safe.push_str(style);
                style.len()
            }
            None => {
                safe.push(if matches!(c, '\n' | '\t') {
                    c
                } else {
                    picture(c)
                });
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    if is_on {
        safe.push_str(RESET);
    }
    Cow::Owned(safe)
}

/// JSON text, which means the same afterwards: what a terminal would obey is escaped.
pub fn json(text: &str) -> Cow<'_, str> {
    // JSON itself escapes those below U+0020 in strings, and has them nowhere else but between tokens.
    let is_raw = |c: char| !c.is_ascii_control() && is_unsafe(c) || c == '\x7f';
    if !text.contains(is_raw) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_raw(c) {
            false => safe.push(c),
            true => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    safe.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    Cow::Owned(safe)
}

/// What stands for a character that a terminal would obey: `␛`, `␇`; `�` where Unicode has no picture of it.
pub fn picture(c: char) -> char {
    match c {
        '\0'..='\x1f' => {
            char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\x7f' => '␡',
        c if is_unsafe(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// Whether a terminal obeys a character instead of showing it.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            // Direction of writing, ends of lines and paragraphs, tags.
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{206f}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
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

fn is_unsafe_in_text(c: char) -> bool {
    is_unsafe(c) && !matches!(c, '\n' | '\t')
}

fn clean(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    match text.contains(|c| is_unsafe(c) && !stays(c)) {
        false => Cow::Borrowed(text),
        true => {
            // The line ends of other systems are no harm, and no picture.
            let unix = match stays('\n') {
                true => text.replace("\r\n", "\n"),
                false => text.to_string(),
            };
            let show = |c| if stays(c) { c } else { picture(c) };
            Cow::Owned(unix.chars().map(show).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_becomes_visible() {
        for (written, shown) in [
            ("plain ünï → 🦀", "plain ünï → 🦀"),
            ("two\n\tlines\r\nand", "two\n\tlines\nand"),
            ("over\rwritten", "over␍written"),
            ("\x1b]0;title\x07\x1b[2J", "␛]0;title␇␛[2J"),
            ("\x1b[31mred", "␛[31mred"),
            ("\u{9b}31m\u{85}\x7f", "\u{fffd}31m\u{fffd}␡"),
            ("a\u{202e}b\u{2066}c\u{200f}", "a\u{fffd}b\u{fffd}c\u{fffd}"),
            ("\u{e0041}", "\u{fffd}"),
        ] {
            assert_eq!(text(written), shown, "{written:?}");
        }
        assert_eq!(line("9\nfake line\t."), "9␊fake line␉.");
        assert_eq!(lines(["a\nb", "c"]), "a␊b\nc");
        assert_eq!(indented("a\nhint: b\n"), "a\n    hint: b");
    }

    #[test]
    fn only_blocks_of_a_hint_have_lines() {
        for (written, shown) in [
            ("did you mean `a\nhint: b`?", "did you mean `a␊hint: b`?"),
            ("set:\n    dev:\n      a: b", "set:\n    dev:\n      a: b"),
            ("set:\n\n[a]\nb = 1", "set:\n\n[a]\nb = 1"),
            ("a\r\nb\u{2028}c\u{85}\u{b}\u{c}", "a␍␊b\u{fffd}c\u{fffd}␋␌"),
        ] {
            assert_eq!(block(written), shown, "{written:?}");
        }
    }

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

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({"k\u{9b}": "\x1b\x7f\u{85}\u{202e}\u{e0041}é"});
        let written = format!("{value:#}");
        let safe = json(&written);
        assert!(!safe.contains(is_unsafe_in_text), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
        assert_eq!(json("{\n  \"a\": 1\n}"), "{\n  \"a\": 1\n}");
    }
}
