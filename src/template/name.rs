//! The names that a new project goes by.
//!
//! A project of ours is a crate or a package of npm or Python, and a WIT package, so its name must suit them all. What comes from
//! elsewhere keeps the names that its files have; there the name is that of a directory, and no more.

use std::str::FromStr;

use wit_parser::SourceMap;

/// That of npm is 214, and a directory's 255.
const MAX_LENGTH: usize = 64;

/// The keywords of Rust, which no crate may have as a name, and the crates that every program has.
const RUST: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// The name of a project of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be the name of a project: {rule}")]
pub struct NameError {
    pub name: String,
    pub rule: String,
}

impl NameError {
    fn new(name: &str, rule: impl Into<String>) -> Self {
        Self {
            name: name.to_string(),
            rule: rule.into(),
        }
    }

    /// A name like it that may be.
    pub fn instead(&self) -> Option<String> {
        let lower = self.name.to_lowercase();
        let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let joined = words.join("-");
        let from_letter = joined.trim_start_matches(|letter: char| !letter.is_ascii_lowercase());
        let plain: String = from_letter.chars().take(MAX_LENGTH).collect();
        let names = [plain.clone(), format!("{plain}-app")];
        names.into_iter().find(|name| name.parse::<Name>().is_ok())
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let no = |rule: &str| Err(NameError::new(name, rule));
        let is_separator = |letter: char| matches!(letter, '-' | '_');
        if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) {
            return no("it begins with a letter from a to z");
        }
        let odd = |letter: &char| {
            !(letter.is_ascii_lowercase() || letter.is_ascii_digit() || is_separator(*letter))
        };
        if let Some(odd) = name.chars().find(odd) {
            let rule = format!("it has letters from a to z, digits, `-` and `_`, and no `{odd}`");
            return no(&rule);
        }
        if name.split(is_separator).any(str::is_empty) {
            return no("each `-` and `_` stands between two letters or digits");
        }
        if name.len() > MAX_LENGTH {
            return no(&format!("it has {MAX_LENGTH} letters at most"));
        }
        if RUST.contains(&name) {
            return no("it means something else in Rust");
        }
        let name = Self(name.to_string());
        let mut package = SourceMap::new();
        package.push_str("", format!("package local:{};", name.wit_name()));
        match package.parse() {
            Ok(_) => Ok(name),
            Err(_) => Err(NameError::new(
                name.as_str(),
                "it means something else in WIT",
            )),
        }
    }
}

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As Rust code refers to the crate.
    pub fn crate_name(&self) -> String {
        self.0.replace('-', "_")
    }

    /// In kebab-case. No word begins with a digit: older tools do not read that.
    pub fn wit_name(&self) -> String {
        let words = self.0.split(['-', '_']);
        words.fold(String::new(), |mut name, word| {
            if !name.is_empty() && !word.starts_with(|letter: char| letter.is_ascii_digit()) {
                name.push('-');
            }
            name + word
        })
    }
}

/// Whether a project may lie in a directory of that name.
pub fn directory(name: &str) -> Result<(), NameError> {
    let rule = match name {
        "" => "it is empty",
        "." | ".." => "it is another directory's",
        _ if name.starts_with('-') => "a name that begins with `-` is taken for an option",
        _ if name.contains(['/', '\\']) => "it is the name of a directory, not a path",
        _ if name.chars().any(char::is_control) => "it has a control character",
        _ if name.len() > 200 => "it is too long",
        _ => return Ok(()),
    };
    Err(NameError::new(name, rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suit_crates_and_wit_packages() {
        for (name, crate_name, wit_name) in [
            ("hello", "hello", "hello"),
            ("my-app", "my_app", "my-app"),
            ("my_app", "my_app", "my-app"),
            ("app-2", "app_2", "app2"),
            ("a1-b2c-3", "a1_b2c_3", "a1-b2c3"),
        ] {
            let name: Name = name.parse().unwrap();
            assert_eq!(name.crate_name(), crate_name);
            assert_eq!(name.wit_name(), wit_name);
        }
    }

    #[test]
    fn the_rule_is_told_and_a_name_that_keeps_it() {
        for (name, rule, instead) in [
            (
                "Hello World",
                "begins with a letter from a to z",
                Some("hello-world"),
            ),
            ("hello world", "no ` `", Some("hello-world")),
            ("2048", "begins with a letter", None),
            ("-x", "begins with a letter", Some("x")),
            ("héllo", "no `é`", Some("h-llo")),
            ("a--b", "between two letters", Some("a-b")),
            ("a-", "between two letters", Some("a")),
            ("../up", "begins with a letter", Some("up")),
            ("a/b", "no `/`", Some("a-b")),
            ("match", "in Rust", Some("match-app")),
            ("world", "in WIT", Some("world-app")),
            ("", "begins with a letter", None),
        ] {
            let error = name.parse::<Name>().unwrap_err();
            assert!(error.rule.contains(rule), "{error}");
            assert_eq!(error.instead().as_deref(), instead, "{name}");
        }
        assert!("a".repeat(65).parse::<Name>().is_err());
    }

    #[test]
    fn a_directory_is_one_step() {
        for name in ["hello", "Hello World", ".hidden", "a.b"] {
            assert_eq!(directory(name), Ok(()));
        }
        for name in ["", ".", "..", "../x", "/tmp/x", "a/b", "-x", "a\nb"] {
            assert!(directory(name).is_err(), "{name}");
        }
    }
}
