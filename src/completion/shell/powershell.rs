//! PowerShell, which inserts what it is given as it is: words are quoted here. Each line has what to insert, what to show, and what
//! it means, separated by tabs.

use super::{Shell, Words};
use crate::completion::Candidate;

/// Before the word that is being typed stands `=`: some versions lose an empty one on its way to a program.
pub(super) fn words(mut words: Vec<String>) -> Option<Words> {
    let current = words.pop()?.strip_prefix('=')?.to_owned();
    words.push(current);
    (words.len() > 1).then(|| Words {
        words,
        ..Words::default()
    })
}

pub(super) fn answer(candidates: &[Candidate]) -> String {
    let line = |candidate: &Candidate| {
        let Candidate { value, help, .. } = candidate;
        // It takes no empty text there.
        let help = if help.is_empty() { value } else { help };
        format!("{}\t{value}\t{help}\n", word(value))
    };
    candidates.iter().map(line).collect()
}

fn word(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./\\:=+~".contains(c);
    // `@` and the like mean something at the beginning only, but are safe in quotes anywhere.
    match value.chars().all(is_plain) {
        true => value.to_owned(),
        false => Shell::Powershell.quote(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_must_be() {
        for (value, quoted) in [
            ("build", "build"),
            ("--output=json", "--output=json"),
            ("my dir/", "'my dir/'"),
            ("it's", "'it''s'"),
            ("$(danger)", "'$(danger)'"),
            ("wasi:http@0.2.3", "'wasi:http@0.2.3'"),
        ] {
            assert_eq!(word(value), quoted);
        }
    }
}
