//! Questions that only somebody at a terminal can answer.

use std::io::{self, IsTerminal as _};

use dialoguer::Confirm;

use crate::report::{Advice, Fault};

/// Nobody is there to be asked.
#[derive(Debug, thiserror::Error)]
#[error("cannot ask whether to {question}: this is not a terminal")]
pub(super) struct NobodyToAsk {
    /// As it follows `whether to`.
    pub(super) question: String,
    /// How to do it without being asked.
    pub(super) hint: &'static str,
}

impl Advice for NobodyToAsk {
    fn hints(&self) -> Vec<String> {
        vec![self.hint.to_string()]
    }

    fn fault(&self) -> Fault {
        Fault::Usage
    }
}

/// Whether somebody sees a question and can answer it.
pub(super) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a yes or no, after Enter alone `default`.
pub(super) fn confirm(prompt: &str, default: bool) -> dialoguer::Result<bool> {
    Confirm::new()
        .with_prompt(prompt)
        .default(default)
        .interact()
}
