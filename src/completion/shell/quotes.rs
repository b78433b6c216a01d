//! Takes words with quotes and backslashes apart, as shells do, also where the last quote is still open.

/// What a quote or a backslash means to a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Nothing is special within `'`; within `"` a backslash keeps four characters.
    Posix,
    /// A backslash also works within `'`, for `'` and itself.
    Fish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Quote {
    #[default]
    None,
    Single,
    Double,
}

/// A word that characters are added to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// What it means, without quotes.
    pub(super) value: String,
    /// The quote that is open at its end.
    pub(super) quote: Quote,
    /// Whether there is one: quotes alone make an empty word.
    pub(super) begun: bool,
    /// The length of `value` where the last quote began.
    pub(super) quoted_from: usize,
    /// Something in it stands for something else that the shell alone knows.
    pub(super) expands: bool,
    escaped: bool,
    /// Whether there was a word before the backslash.
    begun_before: bool,
}

impl Word {
    /// Reads one more character. `false`, and nothing has changed, if it stands there unquoted and is none of the word's
    /// business: not a quote, and not a backslash.
    pub(super) fn reads(&mut self, c: char, rules: Rules) -> bool {
        if self.escaped {
            self.escaped = false;
            // The line goes on, as if there were neither.
            if c == '\n' && self.quote != Quote::Single {
                self.begun = self.begun_before;
                return true;
            }
            if self.keeps_backslash(c, rules) {
                self.value.push('\\');
            }
            self.value.push(c);
            return true;
        }
        let closing = match self.quote {
            Quote::None => None,
            Quote::Single => Some('\''),
            Quote::Double => Some('"'),
        };
        self.expands |= matches!(c, '$' | '`') && self.quote != Quote::Single;
        match c {
            '\\' if self.quote != Quote::Single || rules == Rules::Fish => {
                self.escaped = true;
                self.begun_before = self.begun;
            }
            _ if closing == Some(c) => self.quote = Quote::None,
            '\'' | '"' if closing.is_none() => {
                self.quote = match c {
                    '\'' => Quote::Single,
                    _ => Quote::Double,
                };
                self.quoted_from = self.value.len();
            }
            _ if closing.is_some() => self.value.push(c),
            _ => return false,
        }
        self.begun = true;
        true
    }

    /// Adds an unquoted character.
    pub(super) fn push(&mut self, c: char) {
        self.begun = true;
        self.value.push(c);
    }

    /// Whether the backslash before `c` stands for itself.
    fn keeps_backslash(&self, c: char, rules: Rules) -> bool {
        match (self.quote, rules) {
            (Quote::None, _) => false,
            (Quote::Single, _) => !matches!(c, '\'' | '\\'),
            (Quote::Double, Rules::Posix) => !matches!(c, '"' | '$' | '`' | '\\'),
            (Quote::Double, Rules::Fish) => !matches!(c, '"' | '$' | '\\'),
        }
    }
}

/// What a whole word means.
pub(super) fn unquoted(word: &str, rules: Rules) -> String {
    let mut read = Word::default();
    for c in word.chars() {
        if !read.reads(c, rules) {
            read.push(c);
        }
    }
    read.value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_shells_take_them_for() {
        for (word, posix, fish) in [
            ("plain", "plain", "plain"),
            (r"my\ dir", "my dir", "my dir"),
            ("\"my dir", "my dir", "my dir"),
            ("'my dir'/su", "my dir/su", "my dir/su"),
            (r#""a\"b\x""#, r#"a"b\x"#, r#"a"b\x"#),
            (r"'it\'s", r"it\s", "it's"),
            (r#"a"b"'c'"#, "abc", "abc"),
            (r"trailing\", "trailing", "trailing"),
            ("two\\\nlines", "twolines", "twolines"),
            ("\"two\\\nlines\"", "twolines", "twolines"),
            ("", "", ""),
        ] {
            assert_eq!(unquoted(word, Rules::Posix), posix, "{word}");
            assert_eq!(unquoted(word, Rules::Fish), fish, "{word}");
        }
    }
}
