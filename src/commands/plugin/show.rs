//! `wash plugin show`

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};
use wash_common::advice::hinted;
use wash_common::units::size;

use super::Means;
use crate::completion::values;
use crate::plugin::manifest::{HookPoint, Manifest, Permission};
use crate::plugin::policy::{Decisions, Policy};
use crate::plugin::{Store, install};
use crate::report;

/// Show what a plugin adds, its source and its permissions
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Name of an installed plugin
    #[arg(value_name = "NAME", add = values::plugins())]
    name: String,
}

pub(super) fn run(args: ShowArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    let manifest = install::find(means.store, &args.name).map_err(hinted)?;
    let decisions = Policy::read(means.store).map_err(hinted)?.of(&args.name);
    let text = text(means.store, &manifest, &decisions, Shown::Installed);
    let data = data(means.store, &manifest, &decisions);
    report::success(means.globals.output, &text, "shown", data)?;
    Ok(ExitCode::SUCCESS)
}

/// What a plugin adds, in a few words each.
pub(super) fn adds(plugin: &Manifest) -> Vec<String> {
    let mut adds: Vec<String> = plugin
        .top_level()
        .map(|command| format!("wash {}", command.path[0]))
        .collect();
    if !plugin.hooks.is_empty() {
        adds.push(format!("hooks {}", hooks(plugin)));
    }
    if !plugin.provides.is_empty() {
        adds.push(format!("provides {}", plugin.provides.join(", ")));
    }
    adds
}

fn hooks(plugin: &Manifest) -> String {
    let hooks: Vec<_> = plugin.hooks.iter().copied().map(HookPoint::name).collect();
    hooks.join(", ")
}

fn title(plugin: &Manifest) -> String {
    match &plugin.version {
        Some(version) => format!("`{}` {version}", plugin.name),
        None => format!("`{}`", plugin.name),
    }
}

/// What was installed, in a few lines.
pub(super) fn summary(done: &str, plugin: &Manifest) -> String {
    let bytes = size(plugin.size);
    let mut text = format!("{done} {} ({bytes}): {}", title(plugin), plugin.summary);
    for adds in adds(plugin) {
        let _ = write!(text, "\n  {adds}");
    }
    text
}

/// Whether a plugin that is shown is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Installed,
    Tried,
}

/// Everything that is known of it.
pub(super) fn text(
    store: &Store,
    plugin: &Manifest,
    decisions: &Decisions,
    shown: Shown,
) -> String {
    let bytes = size(plugin.size);
    let mut text = format!("{}: {}\n", title(plugin), plugin.summary);
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<10} {value}");
    };
    line("from", plugin.source.to_string());
    line("digest", format!("{} ({bytes})", plugin.digest));
    if shown == Shown::Installed {
        line("installed", plugin.installed.clone());
    }
    for command in plugin.commands.iter().filter(|command| !command.group) {
        let call = format!("wash {}", command.path.join(" "));
        line("command", format!("{call}: {}", command.summary));
    }
    if !plugin.hooks.is_empty() {
        line("hooks", hooks(plugin));
    }
    for interface in &plugin.provides {
        line("provides", interface.clone());
    }
    for interface in &plugin.imports {
        line("imports", interface.clone());
    }
    let own = match shown {
        Shown::Installed => format!("its own folder, `{}`", store.data(&plugin.name).display()),
        Shown::Tried => "a temporary folder".to_owned(),
    };
    line("may", format!("read and change {own}"));
    for permission in &decisions.allowed {
        line("may", permission.to_string());
    }
    for permission in &decisions.denied {
        line("must not", permission.to_string());
    }
    for want in decisions.open(plugin) {
        line(
            "wants to",
            format!("{} ({})", want.what, want.what.option()),
        );
    }
    text.trim_end().to_owned()
}

/// The manifest, and what was decided.
pub(super) fn data(store: &Store, plugin: &Manifest, decisions: &Decisions) -> Value {
    let mut data = json!(plugin);
    data["folder"] = report::json_path(store.data(&plugin.name));
    data["allowed"] = json!(decisions.allowed);
    data["denied"] = json!(decisions.denied);
    let open = decisions.open(plugin).into_iter();
    let open: Vec<&Permission> = open.map(|want| &want.what).collect();
    data["undecided"] = json!(open);
    data
}
