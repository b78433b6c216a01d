//! Makes text that others wrote (components, projects, registries, tools, file names) safe for a terminal.
//!
//! A terminal obeys control characters: they move the cursor, clear the screen, change the title, hide what follows. Characters that turn
//! the direction of writing make a line read differently from what it says. None of them leaves `wash` as it is.
//!
//! | function | for | line ends | colors | other control characters |
//! |---|---|---|---|---|
//! | [`line()`] | a name or a value within a line of ours | `␊` | `␛[31m` | `␇` |
//! | [`lines()`] | several of these, one below the other | `␊` | `␛[31m` | `␇` |
//! | [`text()`] | text of several lines | stay | `␛[31m` | `␇` |
//! | [`indented()`] | the same, below a line of ours | stay, indented | `␛[31m` | `␇` |
//! | [`hint()`] | a hint, in which blocks may be pasted | stay in blocks | `␛[31m` | `␇` |
//! | [`styled()`] | text with our own colors, and text of others in it | stay | stay | `␇` |
//! | [`guest_line()`] | a line that a component, a client or a tool wrote | `␊` | stay | `␇` |
//! | [`escape()`] | what must be seen to the letter: commands, arguments, paths to agree to | `\n` | `\u{1b}[31m` | `\u{7}` |
//! | [`json()`] | JSON, which means the same afterwards | stay | `\u001b[31m` | `\u0007` |
//! | [`markup()`] | HTML and XML; without colors already | stay | `\u{fffd}[31m` | `\u{fffd}` |
//! | [`strip_ansi()`] | what is for programs, or compared: sanitizes nothing | stay | removed | stay |
//!
//! Words for a shell are quoted by [`shell_quote()`](crate::shell::shell_quote). Bytes that come in pieces are the business of the console,
//! with [`picture()`] and [`style()`]. Everything that the command line reports passes through here once more.

mod styles;

use std::borrow::Cow;

pub use styles::{RESET, guest_line, strip_ansi, style, styled};

/// Lines of text: line ends and tabs stay, every other control character becomes visible.
pub fn text(text: &str) -> Cow<'_, str> {
    clean(text, |c| matches!(c, '\n' | '\t'))
}

/// A name or a value that is part of a line: line ends become visible as well.
pub fn line(text: &str) -> Cow<'_, str> {
    clean(text, |_| false)
}

/// A hint: lines of ours stay, which are indented, or stand in a block after an empty line that a colon announces.
pub fn hint(text: &str) -> Cow<'_, str> {
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

/// Control characters, and those that turn the direction of writing, as Rust writes them: `\n`, `\u{1b}`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => escaped.push(c),
            c => escaped.extend(c.escape_debug()),
        }
    }
    escaped
}

/// Text within HTML or XML, also within the quotes of an attribute.
pub fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            // XML has no way to write most of these.
            c if is_unsafe(c) => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
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
            assert_eq!(hint(written), shown, "{written:?}");
        }
    }

    #[test]
    fn nothing_hides_where_it_is_escaped() {
        for (written, shown) in [
            (r#"echo "a\b" 'c' é"#, r#"echo "a\b" 'c' é"#),
            ("a\x1b[8mb\r\nc", r"a\u{1b}[8mb\r\nc"),
            ("a\u{202e}b", r"a\u{202e}b"),
        ] {
            assert_eq!(escape(written), shown);
        }
    }

    #[test]
    fn markup_has_no_tags_and_no_control_characters() {
        for (written, shown) in [
            ("<a & b>\u{1}", "&lt;a &amp; b&gt;\u{fffd}"),
            ("two\n\tlines", "two\n\tlines"),
            (r#"x" onload='y'"#, "x&quot; onload=&#39;y&#39;"),
        ] {
            assert_eq!(markup(written), shown);
        }
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({"k\u{9b}": "\x1b\x7f\u{85}\u{202e}\u{e0041}é"});
        let written = format!("{value:#}");
        let safe = json(&written);
        assert!(!safe.contains(|c| c != '\n' && is_unsafe(c)), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
        assert_eq!(json("{\n  \"a\": 1\n}"), "{\n  \"a\": 1\n}");
    }
}
