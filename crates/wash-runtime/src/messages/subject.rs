//! Subjects, and the patterns that subscribe to them, as NATS has them: tokens with dots between them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What a message is about: `tasks.created`. Has no wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subject(Arc<str>);

/// Which subjects a subscriber wants: `*` stands for one token, `>` at the end for one or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Plain(String),
    One,
    Rest,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SubjectError {
    #[error(
        "`{}` is not a subject: expected tokens with dots between them, such as `tasks.created`", .0.escape_debug()
    )]
    NotASubject(String),
    #[error(
        "`{0}` has a wildcard: messages go to one subject, and only subscriptions have wildcards"
    )]
    Wildcard(String),
    #[error(
        "`{}` is not a subscription: expected a subject such as `tasks.created`, `tasks.*` or `tasks.>`", .0.escape_debug()
    )]
    NotAPattern(String),
}

impl Subject {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if text.split('.').all(is_plain) {
            return Ok(Self(text.into()));
        }
        Err(match Pattern::from_str(text) {
            Ok(_) => SubjectError::Wildcard(text.to_owned()),
            Err(_) => SubjectError::NotASubject(text.to_owned()),
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Pattern {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let tokens = text.split('.').map(|token| match token {
            "*" => Some(Token::One),
            ">" => Some(Token::Rest),
            plain => is_plain(plain).then(|| Token::Plain(plain.to_owned())),
        });
        let tokens: Option<Vec<Token>> = tokens.collect();
        let tokens = tokens.filter(|tokens| {
            let (_, before) = tokens.split_last().expect("split gives one token at least");
            !before.contains(&Token::Rest)
        });
        tokens
            .map(Self)
            .ok_or_else(|| SubjectError::NotAPattern(text.to_owned()))
    }
}

impl Pattern {
    pub(crate) fn matches(&self, subject: &Subject) -> bool {
        let mut tokens = subject.as_str().split('.');
        for wanted in &self.0 {
            let fits = match (wanted, tokens.next()) {
                (Token::Rest, token) => return token.is_some(),
                (Token::One, Some(_)) => true,
                (Token::Plain(wanted), Some(token)) => wanted == token,
                (_, None) => false,
            };
            if !fits {
                return false;
            }
        }
        tokens.next().is_none()
    }
}

fn is_plain(token: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>');
    !token.is_empty() && !token.contains(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_subject() {
        for good in ["a", "tasks.leet", "a.b.c", "übung.1", "_INBOX.1", "a-b.c_d"] {
            assert!(good.parse::<Subject>().is_ok(), "{good}");
        }
        for bad in [
            "", ".", "a.", ".a", "a..b", "a b", "a.\n", "a*", "x>", "a\0",
        ] {
            let error = bad.parse::<Subject>().unwrap_err();
            assert!(matches!(error, SubjectError::NotASubject(_)), "{bad}");
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
        for wild in ["*", ">", "a.*", "a.>", "*.b"] {
            let error = wild.parse::<Subject>().unwrap_err();
            assert!(matches!(error, SubjectError::Wildcard(_)), "{wild}");
            assert!(wild.parse::<Pattern>().is_ok(), "{wild}");
        }
        assert!(">.a".parse::<Pattern>().is_err());
        assert!("a.>.>".parse::<Pattern>().is_err());
    }

    #[test]
    fn what_a_pattern_matches() {
        for (pattern, subject, expected) in [
            ("a", "a", true),
            ("a", "A", false),
            ("a", "a.b", false),
            ("a.b", "a", false),
            ("*", "a", true),
            ("*", "a.b", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("*.b", "a.b", true),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.b.d", false),
            (">", "a", true),
            (">", "a.b.c", true),
            ("a.>", "a.b", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            ("*.>", "a", false),
            ("*.>", "a.b", true),
            ("a.*.>", "a.b.c.d", true),
        ] {
            let (wants, is): (Pattern, Subject) =
                (pattern.parse().unwrap(), subject.parse().unwrap());
            assert_eq!(wants.matches(&is), expected, "{pattern} {subject}");
        }
    }
}
