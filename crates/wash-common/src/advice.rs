//! What an error tells beside what happened: what to do about it, and whose fault it is.
//!
//! Library errors carry their hints as data and tell them through [`Advice`]; [`hinted`] keeps them attached on the
//! way up through `anyhow`, and with them whose [`ErrorClass`] it is.

use std::error::Error;
use std::fmt;
use std::io;
use std::iter;

use crate::sanitize;

pub use crate::error_class::ErrorClass;

/// An error that may know what to do about it, and whose fault it is.
pub trait Advice: Error + Send + Sync + 'static {
    /// Each hint is one line or a block ready to paste, without the word `hint:`.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether its message, and those of its causes, have lines of their own, in which text of others is
    /// [kept in its line](sanitize::line) already. Every other message is one line.
    fn has_lines(&self) -> bool {
        false
    }

    /// What its causes tell need not be told again: of several, [`fault`] takes the gravest.
    fn fault(&self) -> ErrorClass {
        ErrorClass::Input
    }
}

/// Keeps the hints of an error on its way through `anyhow`: `build(..).await.map_err(hinted)?`.
pub fn hinted<E: Advice>(error: E) -> anyhow::Error {
    let (hints, fault, has_lines) = (error.hints(), error.fault(), error.has_lines());
    anyhow::Error::new(Hinted {
        error: Box::new(error),
        hints,
        fault,
        has_lines,
    })
}

/// An error about a command line that parses, and makes no sense all the same.
pub fn usage(message: impl fmt::Display) -> anyhow::Error {
    hinted(Usage(message.to_string()))
}

/// An error of several lines, in which text of others is [kept in its line](sanitize::line).
pub fn lines(message: impl fmt::Display) -> anyhow::Error {
    hinted(Lines(message.to_string()))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Lines(String);

impl Advice for Lines {
    fn has_lines(&self) -> bool {
        true
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

impl Advice for Usage {
    fn fault(&self) -> ErrorClass {
        ErrorClass::Usage
    }
}

#[derive(Debug)]
struct Hinted {
    error: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
    fault: ErrorClass,
    has_lines: bool,
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

/// What caused an error, the nearest cause first.
pub fn causes(error: &dyn Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(error.source(), |&cause| cause.source())
}

/// An error and its causes.
pub fn in_one_line(error: impl Error) -> String {
    causes(&error).fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

/// The message of an error, which is one line unless it has [lines of its own](Advice::has_lines).
pub fn shown(error: &dyn Error, has_lines: bool) -> String {
    let message = error.to_string();
    let message = message.trim_end();
    match has_lines {
        true => sanitize::text(message).into_owned(),
        false => sanitize::line(message).into_owned(),
    }
}

/// The message of an error and those of its causes, safe to print.
pub fn messages(error: &anyhow::Error) -> impl Iterator<Item = String> {
    let mut has_lines = false;
    error.chain().map(move |cause| {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            has_lines = hinted.has_lines;
        }
        shown(cause, has_lines)
    })
}

/// Whose fault an error is: the gravest of its chain.
pub fn fault(error: &anyhow::Error) -> ErrorClass {
    let faults = error.chain().map(|cause| {
        let hinted = cause.downcast_ref::<Hinted>().map(|hinted| hinted.fault);
        let io = cause.downcast_ref::<io::Error>().map(ErrorClass::of_io);
        hinted.or(io).unwrap_or_default()
    });
    faults.max().unwrap_or_default()
}

/// The hints of every error in the chain.
pub fn hints(error: &anyhow::Error) -> impl Iterator<Item = &str> {
    let hinted = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<Hinted>());
    hinted.flat_map(|hinted| hinted.hints.iter().map(String::as_str))
}
