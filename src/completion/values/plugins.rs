//! Plugins that are installed.

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::{candidate, completer};
use crate::plugin::Store;

/// Their names.
pub fn plugins() -> ArgValueCompleter {
    completer(|line, _| {
        let installed = Store::of_user().map(|store| store.installed());
        let plugins = installed.unwrap_or_default().plugins.into_iter();
        plugins
            // Each is named once.
            .filter(|plugin| !line.positionals.contains(&plugin.name))
            .map(|plugin| candidate(plugin.name, plugin.summary))
            .collect()
    })
}

/// As `wash inspect` takes them: `plugin:NAME`.
pub(super) fn prefixed() -> Vec<CompletionCandidate> {
    let installed = Store::of_user().map(|store| store.installed());
    let plugins = installed.unwrap_or_default().plugins.into_iter();
    plugins
        .map(|plugin| candidate(format!("plugin:{}", plugin.name), plugin.summary))
        .collect()
}
