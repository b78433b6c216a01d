//! Nushell, which reads JSON, and inserts what it is given as it is.

use serde_json::json;

use super::Shell;
use crate::completion::Candidate;

pub(super) fn answer(candidates: &[Candidate]) -> String {
    let records = candidates.iter().map(|candidate| {
        let Candidate { value, help, .. } = candidate;
        json!({ "value": word(value), "description": help })
    });
    let records: Vec<_> = records.collect();
    format!("{}\n", json!(records))
}

fn word(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@+~,".contains(c);
    match value.chars().all(is_plain) {
        true => value.to_owned(),
        false => Shell::Nushell.quote(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_json() {
        let candidate = |value: &str| Candidate {
            value: value.to_owned(),
            help: "what it is".to_owned(),
            open: false,
        };
        let answer = answer(&[candidate("wasi:http@0.2.3"), candidate("my \"dir\"")]);
        let records: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(records[0]["value"], "wasi:http@0.2.3");
        assert_eq!(records[1]["value"], r#""my \"dir\"""#);
        assert_eq!(records[0]["description"], "what it is");
    }
}
