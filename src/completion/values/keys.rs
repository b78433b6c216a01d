//! Keys of the config file, and templates: what tables of ours have.

use clap_complete::engine::ArgValueCompleter;

use super::{candidate, completer};
use crate::project::keys;
use crate::template::bundled;

/// Keys by their full names, except those in lists and below names that the user chooses.
pub fn config_keys() -> ArgValueCompleter {
    completer(|_, _| {
        let all = keys::all().into_iter();
        let plain = all.filter(|(name, _)| !name.contains(['[', '*']));
        plain
            .map(|(name, key)| candidate(name, key.about))
            .collect()
    })
}

/// The templates that come with `wash`.
pub fn templates() -> ArgValueCompleter {
    completer(|_, _| {
        let all = bundled::all().iter();
        all.map(|it| candidate(&it.name, format!("{}: {}", it.language, it.description)))
            .collect()
    })
}
