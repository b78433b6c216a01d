//! What a stranger has written, within a sentence of ours: nothing of it hides or moves what stands around it.

/// Control characters, and those that turn the direction of writing, are shown as Rust writes them: `\n`, `\u{1b}`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\'' | '\\' => shown.push(letter),
            letter => shown.extend(letter.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn nothing_hides() {
        for (text, shown) in [
            (r#"echo "a\b" 'c' é"#, r#"echo "a\b" 'c' é"#),
            ("a\x1b[8mb\r\nc", r"a\u{1b}[8mb\r\nc"),
            ("a\u{202e}b", r"a\u{202e}b"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }
}
