//! Makes what a guest writes safe for a terminal, as it comes: lines, tabs and colors pass, every other control
//! character is shown as its picture.
//!
//! The same rule as [`sanitize::guest_line`](wash_common::sanitize::guest_line), for bytes that are cut anywhere and lines that are not complete.

use wash_common::sanitize::{RESET, picture, style};

/// A color escape longer than this is none.
const MAX_LENGTH: usize = 64;

#[derive(Default)]
pub(super) struct Shield {
    /// The beginning of a character or an escape whose end has not come.
    pending: Vec<u8>,
    colored: bool,
}

impl Shield {
    /// What of it can be shown by now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let complete = complete(&pending);
        self.pending = pending[complete..].to_vec();
        self.clean(&pending[..complete])
    }

    /// What is left when nothing more comes.
    pub(super) fn end(&mut self) -> String {
        let rest = std::mem::take(&mut self.pending);
        let mut text = self.clean(&rest);
        text.push_str(self.reset().unwrap_or_default());
        text
    }

    /// Ends the guest's colors, if it left any on.
    pub(super) fn reset(&mut self) -> Option<&'static str> {
        std::mem::take(&mut self.colored).then_some(RESET)
    }

    fn clean(&mut self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let mut safe = String::with_capacity(text.len());
        let mut rest = &*text;
        while let Some(c) = rest.chars().next() {
            if let Some(escape) = style(rest) {
                self.colored = !matches!(escape, "\x1b[m" | RESET);
                safe.push_str(escape);
                rest = &rest[escape.len()..];
                continue;
            }
            safe.push(match c {
                '\t' | '\n' => c,
                c => picture(c),
            });
            rest = &rest[c.len_utf8()..];
        }
        // The line ends of other systems are no harm, and no picture.
        safe.replace("␍\n", "\n")
    }
}

/// How many of the bytes can be judged without those that follow.
fn complete(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(MAX_LENGTH);
    if let Some(escape) = bytes[tail..].iter().rposition(|byte| *byte == 0x1b) {
        let escape = tail + escape;
        let open = |byte: &u8| matches!(byte, b'0'..=b'9' | b';' | b':');
        match &bytes[escape + 1..] {
            [] => return escape,
            [b'[', parameters @ ..] if parameters.iter().all(open) => return escape,
            _ => {}
        }
    }
    if bytes.ends_with(b"\r") {
        return bytes.len() - 1;
    }
    match std::str::from_utf8(bytes) {
        // Only the last character can be incomplete; what is wrong before it stays wrong.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => bytes.len() - cut_off(bytes),
        Ok(_) => bytes.len(),
    }
}

/// The length of the character that the bytes end in the middle of.
fn cut_off(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let starts = (tail..bytes.len()).rev().find(|at| bytes[*at] >= 0xc0);
    let Some(start) = starts else { return 0 };
    match std::str::from_utf8(&bytes[start..]) {
        Err(error) if error.error_len().is_none() => bytes.len() - start,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[(&str, &str)] = &[
        ("two\nlines\t.", "two\nlines\t."),
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        ("left \x1b[32mon", "left \x1b[32mon\x1b[0m"),
        ("\x1b[2J\x1b[H", "␛[2J␛[H"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("dos\r\nline", "dos\nline"),
        ("over\rwritten", "over␍written"),
        ("ü → 🦀", "ü → 🦀"),
        ("\u{9b}2J", "\u{fffd}2J"),
        ("\x1b", "␛"),
        ("\x1b[3", "␛[3"),
        ("\x1b[31é", "␛[31é"),
    ];

    #[test]
    fn it_does_not_matter_where_the_bytes_are_cut() {
        for (text, expected) in CASES {
            for size in 1..=text.len() {
                let mut shield = Shield::default();
                let mut shown = String::new();
                for piece in text.as_bytes().chunks(size) {
                    shown.push_str(&shield.push(piece));
                }
                shown.push_str(&shield.end());
                assert_eq!(shown, *expected, "{text:?} by {size}");
            }
        }
    }

    #[test]
    fn what_is_not_text_is_shown_as_such() {
        let mut shield = Shield::default();
        assert_eq!(shield.push(b"a\xff\xfeb\xc3"), "a\u{fffd}\u{fffd}b");
        assert_eq!(shield.push(b"\xa9"), "é");
        assert_eq!(shield.end(), "");
    }

    #[test]
    fn an_escape_without_end_is_not_waited_for() {
        let mut shield = Shield::default();
        let endless = format!("\x1b[{}", "1;".repeat(100));
        let shown = shield.push(endless.as_bytes());
        assert!(shown.starts_with('␛'), "{shown}");
    }
}
