//! Questions that only somebody at a terminal can answer.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::pin::pin;
use std::thread;

use anyhow::Context as _;
use dialoguer::console::Term;
use rustix::termios::{self, QueueSelector};
use tokio::sync::oneshot;
use wash_common::advice::{Advice, ErrorClass};
use wash_common::sanitize;

use super::stop_signal;

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

    fn fault(&self) -> ErrorClass {
        ErrorClass::Usage
    }
}

/// Whether somebody sees a question and can answer it.
pub(super) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a yes or no. The answer is a line: Enter alone is `default`, and the end of the input (Ctrl-D) is a no.
pub(super) async fn confirm(question: &str, default: bool) -> anyhow::Result<bool> {
    Ok(choice(question, default).await?.unwrap_or(false))
}

/// The same, which tells a no from no answer at all.
pub(super) async fn choice(question: &str, default: bool) -> anyhow::Result<Option<bool>> {
    let choices = if default { "[Y/n]" } else { "[y/N]" };
    let question = format!("{} {choices}", sanitize::line(question));
    let understood = move |line: &str| match line.to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("please answer y or n".to_string()),
    };
    line(question, understood).await
}

/// Asks for a line until it is understood. `None` at the end of the input.
pub(super) async fn line<T: Send + 'static>(
    question: String,
    understood: impl Fn(&str) -> Result<T, String> + Send + 'static,
) -> anyhow::Result<Option<T>> {
    answer(move || {
        loop {
            let mut stderr = io::stderr();
            write!(stderr, "{question} ")?;
            stderr.flush()?;
            let mut line = String::new();
            if io::stdin().read_line(&mut line)? == 0 {
                // Nothing has ended the line of the question.
                writeln!(stderr)?;
                return Ok(None);
            }
            match understood(line.trim()) {
                Ok(answer) => return Ok(Some(answer)),
                Err(problem) => writeln!(stderr, "{}", sanitize::line(&problem))?,
            }
        }
    })
    .await
}

/// Drops what was typed before a question, which is no answer to it.
pub(super) fn drop_typed() {
    // Where it fails there is no terminal, and nobody to have typed.
    let _ = termios::tcflush(io::stdin(), QueueSelector::IFlush);
}

/// Waits for an answer in a thread of its own, which nobody waits for when a signal comes first.
pub(super) async fn answer<T: Send + 'static>(
    ask: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let mut stopped = pin!(stop_signal()?);
    let (sender, answer) = oneshot::channel();
    thread::spawn(move || {
        drop_typed();
        // Whoever asked may be gone.
        let _ = sender.send(ask());
    });
    let signal = tokio::select! {
        answer = answer => match answer.context("cannot read the answer")? {
            // Ctrl-C is a key there. The signal that is made of it is under way.
            Err(dialoguer::Error::IO(error)) if error.kind() == ErrorKind::Interrupted => {
                stopped.await
            }
            answer => return Ok(answer?),
        },
        signal = &mut stopped => signal,
    };
    // A menu hides it, and is not there to show it again. A terminal that is gone has no cursor.
    let _ = Term::stderr().show_cursor();
    Err(signal.into())
}
