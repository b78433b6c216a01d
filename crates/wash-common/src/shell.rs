//! Words for a shell, as a line that can be pasted.
//!
//! The crate `shlex` quotes as well, but more: `key=value`, `a,b` and `50%` would stand in quotes in the commands that we suggest. And it
//! leaves control characters and those that turn the direction of writing as they are, where a line of ours must not have any.

use crate::sanitize::is_unsafe;

/// Words as one line that can be pasted into a shell.
pub fn shell_quote(words: &[impl AsRef<str>]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_pasted() {
        assert_eq!(
            shell_quote(&["mkdir", "-p", "/a/my data"]),
            "mkdir -p '/a/my data'"
        );
        let words = ["echo", "a b", "it's", "", "$x"];
        assert_eq!(shell_quote(&words), r"echo 'a b' 'it'\''s' '' '$x'");
    }

    #[test]
    fn simple_words_are_not_quoted() {
        let words = ["A=b", "-x", "a,b", "50%", "r.io/a:1@sha256:0"];
        assert_eq!(shell_quote(&words), words.join(" "));
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_in_the_line() {
        assert_eq!(
            shell_quote(&["a\nb'\x1b[2J\u{202e}"]),
            r"$'a\012b\'\033[2J\342\200\256'"
        );
    }
}
