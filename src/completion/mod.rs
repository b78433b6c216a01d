//! Answers a shell that asks what could stand where the cursor is.
//!
//! Each shell has a small script ([`shell`]) that runs `wash` with `WASH_COMPLETE` in its environment at the moment of the
//! tab, so what was installed a second ago completes and nothing has to be generated again. [`Request`] is what such a script asks,
//! [`mod@line`] what the words before the cursor say, and [`values`] what arguments of our own commands may be.
//!
//! Nothing here starts a runtime, asks the network or writes anything, and what goes wrong is never told: somebody is in the
//! middle of a line. [`install`] puts the scripts where shells look for them.

pub mod detect;
pub mod install;
pub mod line;
mod request;
pub mod shell;
pub mod values;

pub use request::Request;
pub use shell::{PROTOCOL, Shell, VARIABLE};

use clap_complete::engine::CompletionCandidate;

/// Something that could stand where the cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The whole word, without any quotes.
    pub value: String,
    pub help: String,
    /// More of the same word may follow: no space is set after it.
    pub open: bool,
}

/// As much of a description as fits a line.
const HELP: usize = 120;

impl Candidate {
    /// `None` for what cannot be typed, or would do things to the terminal.
    fn new(candidate: &CompletionCandidate) -> Option<Self> {
        let value = candidate.get_value().to_str()?.to_owned();
        if value.is_empty() || value.chars().any(char::is_control) {
            return None;
        }
        let help = candidate.get_help().map(ToString::to_string);
        let help = help.as_deref().and_then(|help| help.lines().next());
        let help = help.unwrap_or_default().chars();
        Some(Self {
            open: value.ends_with(['/', '=', '(', '.', ':', '@', ',']),
            value,
            help: help.filter(|c| !c.is_control()).take(HELP).collect(),
        })
    }
}
