//! Asks the user what a plugin may do: once, in plain words. Where nobody can answer, the command to type is told.

use wash_common::advice::{Advice, hinted};

use crate::commands::prompt;
use crate::plugin::manifest::{Manifest, Want};
use crate::plugin::policy::{Decisions, Policy};
use crate::plugin::{Store, install};

/// A plugin wants something that nobody has decided about.
#[derive(Debug, thiserror::Error)]
#[error("the plugin `{plugin}` wants to {}", .wants.join("; to "))]
pub(super) struct Undecided {
    plugin: String,
    wants: Vec<String>,
    options: String,
}

impl Advice for Undecided {
    fn hints(&self) -> Vec<String> {
        let Self {
            plugin, options, ..
        } = self;
        vec![
            format!("`wash plugin allow {plugin} {options}`"),
            format!("`wash plugin deny {plugin} {options}` runs it without"),
        ]
    }
}

/// What a plugin may do, with what the user answers to what is open.
pub(super) async fn decided(store: &Store, manifest: &Manifest) -> anyhow::Result<Decisions> {
    let decisions = Policy::read(store).map_err(hinted)?.of(&manifest.name);
    let open = decisions.open(manifest);
    if open.is_empty() {
        return Ok(decisions);
    }
    if !prompt::somebody_is_there() {
        return Err(hinted(undecided(&manifest.name, &open)));
    }
    ask(store, manifest, &open).await
}

/// Asks for each of them, and remembers the answers.
pub(super) async fn ask(
    store: &Store,
    manifest: &Manifest,
    open: &[&Want],
) -> anyhow::Result<Decisions> {
    let name = &manifest.name;
    let mut answers = Vec::new();
    for want in open {
        let reason = match want.reason.as_str() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        let question = format!(
            "The plugin `{name}` wants to {}{reason}. Allow it?",
            want.what
        );
        // Who leaves has not answered.
        let Some(answer) = prompt::choice(&question, false).await? else {
            break;
        };
        answers.push((want.what.clone(), answer));
    }
    let decisions = install::decide(store, name, |decisions| {
        for (permission, answer) in answers {
            match answer {
                true => decisions.allow(permission),
                false => decisions.deny(permission),
            }
        }
    });
    decisions.map_err(hinted)
}

/// The error that tells what to type.
pub(super) fn undecided(plugin: &str, open: &[&Want]) -> Undecided {
    let options: Vec<_> = open.iter().map(|want| want.what.option()).collect();
    Undecided {
        plugin: plugin.to_owned(),
        wants: open.iter().map(|want| want.what.to_string()).collect(),
        options: options.join(" "),
    }
}
