//! Files of `NAME=value` lines, such as `.env`.
//!
//! A value is what is written: nothing in it is replaced, `$` is a character like any other. Without quotes it goes to the end of the
//! line, or to a `#` after a space. In single quotes everything stays as it is; in double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` are
//! escapes. Quoted values may have several lines. Only a value that begins with a quote is quoted: `{"a": 1}` and `it's` are not.

use std::collections::BTreeMap;

/// What is wrong in a file. It does not repeat the line, which may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DotenvError {
    /// From 1.
    pub(super) line: usize,
    pub(super) message: &'static str,
}

/// The values of a file, the last one of each name, and everything that is wrong in it.
pub(super) fn parse(text: &str) -> (BTreeMap<String, String>, Vec<DotenvError>) {
    let mut reader = Reader {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        line: 1,
    };
    let mut values = BTreeMap::new();
    let mut errors = Vec::new();
    while !reader.rest.is_empty() {
        let line = reader.line;
        match reader.entry() {
            Ok(Some((name, value))) => {
                values.insert(name, value);
            }
            Ok(None) => {}
            Err(message) => {
                errors.push(DotenvError { line, message });
                // The rest of what cannot be read is not looked at.
                reader.take_line();
            }
        }
    }
    (values, errors)
}

struct Reader<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Reader<'t> {
    /// One entry. `None` for an empty line or a comment.
    fn entry(&mut self) -> Result<Option<(String, String)>, &'static str> {
        let line = self.rest.lines().next().unwrap_or_default();
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            self.take_line();
            return Ok(None);
        }
        let Some((name, value)) = line.split_once('=') else {
            return Err("expected `NAME=value`, but there is no `=`");
        };
        let name = name.trim();
        let name = match name.split_once(char::is_whitespace) {
            Some(("export", name)) => name.trim_start(),
            _ => name,
        };
        if !is_name(name) {
            return Err(
                "expected the name of a variable before `=`: letters, digits and `_`, not beginning with a digit",
            );
        }
        let before = line.len() - value.trim_start().len();
        let quote = value.trim_start().chars().next();
        let value = match quote {
            Some(quote @ ('"' | '\'')) => {
                let start = before + quote.len_utf8();
                let (value, length) = quoted(&self.rest[start..], quote)?;
                self.skip(start + length);
                let after = self.rest.lines().next().unwrap_or_default().trim();
                if !after.is_empty() && !after.starts_with('#') {
                    return Err(
                        "there is text after the closing quote: put the whole value in quotes, and `\\` before quotes inside \"…\"",
                    );
                }
                self.take_line();
                value
            }
            _ => {
                self.take_line();
                unquoted(value).to_string()
            }
        };
        match value.contains('\0') {
            true => Err("the value has a NUL character, which no variable can have"),
            false => Ok(Some((name.to_string(), value))),
        }
    }

    fn take_line(&mut self) {
        let end = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
        self.skip(end);
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}

fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    // Dots and dashes are no shell's, but occur in names of settings.
    name.starts_with(is_letter)
        && name
            .chars()
            .all(|c| is_letter(c) || c.is_ascii_digit() || "-.".contains(c))
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    if value.starts_with('#') {
        return "";
    }
    let comment = value
        .match_indices('#')
        .find(|(at, _)| value[..*at].ends_with([' ', '\t']));
    match comment {
        Some((at, _)) => value[..at].trim_end(),
        None => value,
    }
}

/// The value up to the closing quote, and the length of both.
fn quoted(text: &str, quote: char) -> Result<(String, usize), &'static str> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            letter if letter == quote => return Ok((value, at + quote.len_utf8())),
            '\\' if quote == '"' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 't')) => value.push('\t'),
                Some((_, escaped @ ('"' | '\\' | '$'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            // Line ends are those of Unix, whatever the file has.
            '\r' if text[at..].starts_with("\r\n") => {}
            letter => value.push(letter),
        }
    }
    Err(match quote {
        '"' => "the value begins with `\"`, and there is no closing `\"`",
        _ => "the value begins with `'`, and there is no closing `'`",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> BTreeMap<String, String> {
        let (values, errors) = parse(text);
        assert_eq!(errors, [], "{text:?}");
        values
    }

    #[test]
    fn a_value_is_what_is_written() {
        for (line, value) in [
            ("A=b c", "b c"),
            ("A=pa$$word", "pa$$word"),
            ("A=Tr0ub4dor&3$xyz", "Tr0ub4dor&3$xyz"),
            ("A=$HOME/${HOME}", "$HOME/${HOME}"),
            ("A=$(date)", "$(date)"),
            ("A=\"pa$word\"", "pa$word"),
            (r#"A={"a": 1}"#, r#"{"a": 1}"#),
            (r#"A=["b", 'c']"#, r#"["b", 'c']"#),
            (r"A=C:\new\table", r"C:\new\table"),
            ("A=it's", "it's"),
            ("A=say \"hi\"", "say \"hi\""),
            ("A=b=c==", "b=c=="),
            ("A=", ""),
            ("A=''", ""),
            ("A=\"\"", ""),
            ("A = b ", "b"),
            ("  A=b", "b"),
            ("export A=b", "b"),
            ("export\tA=b", "b"),
            ("A=ünï → 🦀", "ünï → 🦀"),
            ("A=b # comment", "b"),
            ("A=b\t# comment", "b"),
            ("A=b#c", "b#c"),
            ("A= # comment", ""),
            ("A=#c", ""),
            ("A='b # c' # comment", "b # c"),
            (r"A='C:\new'", r"C:\new"),
            (r#"A="C:\\new\n\t\q""#, "C:\\new\n\t\\q"),
            (r#"A="b \"c\" \$d""#, r#"b "c" $d"#),
            ("A=' b '", " b "),
            ("A=\"b\nc\"", "b\nc"),
            ("A='b\r\nc'", "b\nc"),
            ("A=`b`", "`b`"),
            ("A=b\r", "b"),
            ("\u{feff}A=b", "b"),
            ("A=1\nA=2", "2"),
        ] {
            let expected = BTreeMap::from([("A".to_string(), value.to_string())]);
            assert_eq!(values(line), expected, "{line:?}");
        }
    }

    #[test]
    fn lines_follow_each_other() {
        let text = "# first\r\nONE=1\r\n\r\nPEM=\"-----BEGIN\nabc\n-----END\"\n  # more\nTWO=2";
        let expected = [
            ("ONE", "1"),
            ("PEM", "-----BEGIN\nabc\n-----END"),
            ("TWO", "2"),
        ];
        let expected = expected.map(|(name, value)| (name.to_string(), value.to_string()));
        assert_eq!(values(text), BTreeMap::from(expected));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, message) in [
            ("A=1\nhunter2", 2, "no `=`"),
            ("\n\nmy key=1", 3, "name of a variable"),
            ("1A=b", 1, "name of a variable"),
            ("=b", 1, "name of a variable"),
            ("A=\"b\nc\nd", 1, "no closing `\""),
            ("A=1\nB='tis", 2, "no closing `'"),
            ("A=\"b\" c", 1, "after the closing quote"),
            ("A=\"x\ny\" z\n", 1, "after the closing quote"),
            ("A=b\0c", 1, "NUL"),
        ] {
            let (_, errors) = parse(text);
            let error = errors.first().unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.message.contains(message), "{text:?}: {error:?}");
            assert!(!error.message.contains("hunter2"));
        }
    }

    #[test]
    fn every_wrong_line_is_told() {
        let (values, errors) = parse("a b\nA=1\nc d\n");
        assert_eq!(values.len(), 1);
        let lines: Vec<_> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [1, 3]);
    }
}
