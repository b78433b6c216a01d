//! fish, which quotes and filters by itself, and sets no space after `/`, `=` and the like.

use super::Words;
use super::quotes::{Rules, unquoted};
use crate::completion::Candidate;

/// The words before come without quotes, the one being typed as it was typed.
pub(super) fn words(mut words: Vec<String>) -> Option<Words> {
    let current = words.pop()?;
    words.push(unquoted(&current, Rules::Fish));
    (words.len() > 1).then(|| Words {
        words,
        ..Words::default()
    })
}

pub(super) fn answer(candidates: &[Candidate]) -> String {
    let line = |candidate: &Candidate| format!("{}\t{}\n", candidate.value, candidate.help);
    candidates.iter().map(line).collect()
}
