//! How failures reach the user: `error:`, what caused it, and after a blank line what to do about it.
//!
//! Library errors carry their hints as data and tell them through [`Advice`]; [`hinted`] keeps them attached on the
//! way up through `anyhow`.

use std::error::Error;
use std::fmt;

/// An error that may know what to do about it.
pub trait Advice: Error + Send + Sync + 'static {
    /// Each hint is one line or a block ready to paste, without the word `hint:`.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Keeps the hints of an error on its way through `anyhow`: `build(..).await.map_err(hinted)?`.
pub fn hinted<E: Advice>(error: E) -> anyhow::Error {
    let hints = error.hints();
    anyhow::Error::new(Hinted {
        error: Box::new(error),
        hints,
    })
}

#[derive(Debug)]
struct Hinted {
    error: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Hinted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// The text of an error: its chain of causes, then its hints. Ends in a line break.
pub fn render(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}\n");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("  caused by: {cause}\n"));
    }
    let hints: Vec<_> = hints(error).collect();
    if !hints.is_empty() {
        text.push('\n');
    }
    for hint in hints {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text
}

/// The hints of every error in the chain.
pub fn hints(error: &anyhow::Error) -> impl Iterator<Item = &str> {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<Hinted>())
        .flat_map(|hinted| hinted.hints.iter().map(String::as_str))
}
