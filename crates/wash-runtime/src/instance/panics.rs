//! What a Rust guest said when it panicked. The trap that follows only knows that `unreachable` was reached; the words
//! went to stderr before.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::{Error, Trap};

/// Listens to the stderr of one instance, all members together.
#[derive(Clone, Default)]
pub(crate) struct Panics(Arc<Mutex<Heard>>);

#[derive(Default)]
enum Heard {
    #[default]
    Nothing,
    /// `src/lib.rs:8:21`; the message is the next line.
    Place(String),
    All(Panic),
}

/// A panic of a guest, told in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Panic {
    place: String,
    message: String,
}

impl std::fmt::Display for Panic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "panicked at {}: {}", self.place, self.message)
    }
}

impl Panics {
    /// Takes a line of stderr.
    pub(crate) fn observe_line(&self, line: &str) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = place(line) {
            *heard = Heard::Place(place.to_owned());
        } else if let Heard::Place(place) = &mut *heard {
            *heard = Heard::All(Panic {
                place: std::mem::take(place),
                message: line.to_owned(),
            });
        }
    }

    /// Adds the guest's own words to the error of its trap.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let heard = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        match (heard, error.downcast_ref::<Trap>()) {
            (Heard::All(panic), Some(Trap::UnreachableCodeReached)) => error.context(panic),
            _ => error,
        }
    }
}

/// The place in ``thread 'main' panicked at src/lib.rs:8:21:``, the first line of a panic since Rust 1.73.
fn place(line: &str) -> Option<&str> {
    let (thread, place) = line.split_once(" panicked at ")?;
    thread.starts_with("thread '").then_some(())?;
    place.strip_suffix(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(lines: &[&str], trap: Trap) -> String {
        let panics = Panics::default();
        for line in lines {
            panics.observe_line(line);
        }
        panics.explain(trap.into()).to_string()
    }

    #[test]
    fn a_panic_is_told_in_the_guests_words() {
        let lines = [
            "",
            "thread '<unnamed>' (1) panicked at src/lib.rs:8:21:",
            "oh no: /panic",
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
        ];
        assert_eq!(
            explained(&lines, Trap::UnreachableCodeReached),
            "panicked at src/lib.rs:8:21: oh no: /panic"
        );
    }

    #[test]
    fn other_traps_and_other_words_are_left_alone() {
        let panic = ["thread 'main' panicked at src/lib.rs:8:21:", "oh no"];
        let overflow = Trap::IntegerOverflow;
        assert_eq!(explained(&panic, overflow), overflow.to_string());
        let talk = ["nobody panicked at noon:", "really"];
        let trap = Trap::UnreachableCodeReached;
        assert_eq!(explained(&talk, trap), trap.to_string());
    }
}
