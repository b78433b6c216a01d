//! Strings as YAML writes them.

use std::path::Path;

use super::parse::parse;
use super::value::Node;

/// Plain where nothing else could be meant, and else a string of JSON, which is one of YAML. May stand in a list or a map in
/// one line.
pub fn string(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._/@%+()*$=:-".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/.(".contains(c));
    let is_key = text.contains(": ") || text.ends_with([':', ' ']);
    let same = || {
        let parsed = parse(Path::new("string.yaml"), text);
        parsed.is_ok_and(|value| value.node == Node::Text(text.to_string()))
    };
    match begins && !is_key && text.chars().all(is_plain) && same() {
        true => text.to_string(),
        false => serde_json::Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (text, expected) in [
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("cargo build --release", "cargo build --release"),
            ("redis://me:(secret)@h/0", "redis://me:(secret)@h/0"),
            ("10s", "10s"),
            ("0080", "\"0080\""),
            ("yes", "\"yes\""),
            ("null", "\"null\""),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("a, b", "\"a, b\""),
            ("*.a", "\"*.a\""),
            ("- a", "\"- a\""),
            ("a\nb", "\"a\\nb\""),
            ("ü", "\"ü\""),
        ] {
            assert_eq!(string(text), expected);
            let listed = format!("[{expected}, {{k: {expected}}}]");
            let Node::List(items) = parse(Path::new("x.yaml"), &listed).unwrap().node else {
                panic!("{listed} is a list");
            };
            assert_eq!(items[0].node, Node::Text(text.to_string()), "{listed}");
        }
    }
}
