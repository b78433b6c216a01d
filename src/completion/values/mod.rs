//! What the arguments of our own commands may be: completers that commands hang on their arguments.
//!
//! Candidates come from local files alone, each within its [`budget`].

mod call;
mod files;
mod keys;
mod plugins;
mod project;
mod registry;
mod wit;
mod words;

use std::ffi::OsStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use wash_common::budget;

use super::line::Line;

pub use call::call_words;
pub use files::{
    component_file, components, directory, file, file_that, inspected, picture, start_directory,
    wasm_file,
};
pub use keys::{config_keys, templates};
pub use plugins::plugins;
pub use project::interfaces;
pub use registry::{pull_policies, pushable, references};
pub use wit::{needed_packages, packages, published, worlds};
pub use words::{addresses, annotations, levels, outputs, variable_names, variables};

/// The line that is being completed: completers are asked with one word alone.
static LINE: OnceLock<Line> = OnceLock::new();

/// Whether candidates are missing that were not found in time.
static LATE: AtomicBool = AtomicBool::new(false);

pub(super) fn are_late() -> bool {
    LATE.load(Ordering::Relaxed)
}

pub(super) fn remember(line: Line) {
    // There is one line in the life of a process.
    let _ = LINE.set(line);
}

/// A completer that knows the whole line. What does not begin with what was typed is left out.
fn completer(
    find: impl Fn(&Line, &str) -> Vec<CompletionCandidate> + Clone + Send + Sync + 'static,
) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let (Some(line), Some(current)) = (LINE.get(), current.to_str()) else {
            return Vec::new();
        };
        let (line, current) = (line.clone(), current.to_owned());
        let (find, begins) = (find.clone(), current.clone());
        let found = budget::within(budget::EACH, move || find(&line, &current));
        if found.is_none() {
            LATE.store(true, Ordering::Relaxed);
        }
        let found = found.unwrap_or_default().into_iter();
        found
            .filter(|candidate| begins_with(candidate, &begins))
            .collect()
    })
}

fn begins_with(candidate: &CompletionCandidate, typed: &str) -> bool {
    let value = candidate.get_value().to_str();
    value.is_some_and(|value| value.starts_with(typed))
}

fn candidate(value: impl Into<String>, help: impl Into<String>) -> CompletionCandidate {
    let help: String = help.into();
    let help = (!help.is_empty()).then(|| help.into());
    CompletionCandidate::new(value.into()).help(help)
}
