//! Questions that only somebody at a terminal can answer.

use std::io::{self, ErrorKind, IsTerminal as _};
use std::pin::pin;
use std::thread;

use anyhow::Context as _;
use dialoguer::Confirm;
use dialoguer::console::Term;
use tokio::sync::oneshot;

use super::stop_signal;
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
pub(super) async fn confirm(question: &str, default: bool) -> anyhow::Result<bool> {
    let question = question.to_owned();
    let ask = move || {
        let confirm = Confirm::new().with_prompt(question);
        confirm.default(default).interact()
    };
    answer(ask).await
}

/// Waits for an answer in a thread of its own, which nobody waits for when a signal comes first.
pub(super) async fn answer<T: Send + 'static>(
    ask: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let mut stopped = pin!(stop_signal()?);
    let (sender, answer) = oneshot::channel();
    thread::spawn(move || {
        // Whoever asked may be gone.
        let _ = sender.send(ask());
    });
    let signal = tokio::select! {
        answer = answer => match answer.context("nobody answers")? {
            // Ctrl-C is a key there. The signal that is made of it is under way.
            Err(dialoguer::Error::IO(error)) if error.kind() == ErrorKind::Interrupted => {
                stopped.await
            }
            answer => return Ok(answer?),
        },
        signal = &mut stopped => signal,
    };
    // A question hides it, and is not there to show it again. A terminal that is gone has no cursor.
    let _ = Term::stderr().show_cursor();
    Err(signal.into())
}
