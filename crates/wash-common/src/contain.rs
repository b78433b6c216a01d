//! Runs a library on bytes of strangers, and makes an error of a panic.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    /// Whether a panic of this thread becomes an error, so that nothing is to be told of it.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// A library that `wash` uses panicked on what it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{library} cannot read it: {message}")]
pub struct LibraryPanic {
    library: &'static str,
    message: String,
}

/// Runs a library on bytes of strangers; a panic of it becomes an error. Nothing that `run` changes is used after a panic.
pub fn contain<T>(library: &'static str, run: impl FnOnce() -> T) -> Result<T, LibraryPanic> {
    let outer = CONTAINED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(run));
    CONTAINED.set(outer);
    outcome.map_err(|panic| LibraryPanic {
        library,
        message: words(&*panic).to_owned(),
    })
}

/// Whether the panic of this thread that is going on becomes an error.
pub fn is_contained() -> bool {
    CONTAINED.get()
}

/// What was said to `panic!`.
pub fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
