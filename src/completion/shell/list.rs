//! A line for each candidate: `+` if the word ends with it, `-` if not; the word, a tab, and what it means.

use crate::completion::Candidate;

pub(super) fn answer(candidates: &[Candidate]) -> String {
    let line = |candidate: &Candidate| {
        let Candidate { value, help, open } = candidate;
        let sign = if *open { '-' } else { '+' };
        format!("{sign}{value}\t{help}\n")
    };
    candidates.iter().map(line).collect()
}
