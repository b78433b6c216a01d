//! `wash plugin list`

use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::hinted;

use super::{Means, report_broken, show};
use crate::inspect::table;
use crate::plugin::Manifest;
use crate::plugin::policy::Policy;
use crate::plugin::store::Broken;
use crate::report;

/// List the installed plugins
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {}

pub(super) fn run(_: ListArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    let installed = means.store.installed();
    report_broken(&installed);
    let policy = Policy::read(means.store).map_err(hinted)?;
    let plugins = installed.plugins.iter();
    let data: Vec<_> = plugins
        .map(|plugin| show::data(means.store, plugin, &policy.of(&plugin.name)))
        .collect();
    let rows = installed.plugins.iter().map(row);
    let rows: Vec<_> = rows
        .chain(installed.broken.iter().map(unreadable))
        .collect();
    let text = match rows.as_slice() {
        [] => "no plugins are installed: `wash plugin install` installs one".to_owned(),
        rows => table(rows).trim_end().to_owned(),
    };
    let broken = installed.broken.iter().map(|broken| {
        json!({
            "name": broken.name(),
            "path": broken.path.to_string_lossy(),
            "reason": broken.reason,
        })
    });
    let broken: Vec<_> = broken.collect();
    report::success(
        means.globals.output,
        &text,
        "listed",
        json!({ "plugins": data, "broken": broken }),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn row(plugin: &Manifest) -> [String; 4] {
    [
        plugin.name.clone(),
        plugin.version.clone().unwrap_or_else(|| "-".to_owned()),
        plugin.summary.clone(),
        show::adds(plugin).join("; "),
    ]
}

/// What is there and cannot be read. Why is on stderr.
fn unreadable(broken: &Broken) -> [String; 4] {
    let name = broken.name().map(str::to_owned);
    [
        name.unwrap_or_else(|| "-".to_owned()),
        "-".to_owned(),
        "cannot be read".to_owned(),
        String::new(),
    ]
}
