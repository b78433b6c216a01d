//! References to registries: those that were used before, and those of the project.

use std::path::Path;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use wash_fetch::oci::{Cache, Reference};

use super::{candidate, completer, project};
use crate::completion::line::Line;

/// What can be pulled.
pub fn references() -> ArgValueCompleter {
    completer(|line, _| known(line))
}

/// What can be pushed to: a digest is not chosen.
pub fn pushable() -> ArgValueCompleter {
    completer(|line, _| {
        let mut found = known(line);
        found.retain(|it| !it.get_value().to_string_lossy().contains('@'));
        found
    })
}

pub fn pull_policies() -> ArgValueCompleter {
    completer(|_, _| {
        [
            ("always", "Ask the registry"),
            ("ifNotPresent", "Ask only if it was not pulled before"),
            ("never", "Take it from the cache"),
        ]
        .map(|(policy, help)| candidate(policy, help))
        .into()
    })
}

/// The reference that a word is, if it does not name a file.
pub(super) fn meant(line: &Line, word: &str) -> Option<Reference> {
    let base = line.base()?;
    Reference::meant(Path::new(word), |path| base.join(path).exists())
}

pub(super) fn known(line: &Line) -> Vec<CompletionCandidate> {
    let named = project::images(line);
    let used = Cache::used();
    let used = used.into_iter().filter(|used| !named.contains(used));
    let named = named
        .iter()
        .map(|name| candidate(name, "Named in the project"));
    named
        .chain(used.map(|name| candidate(name, "Used before")))
        .collect()
}
