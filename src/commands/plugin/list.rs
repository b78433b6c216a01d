//! `wash plugin list`

use std::process::ExitCode;

use serde_json::json;

use super::{Means, report_broken, show};
use crate::inspect::table;
use crate::plugin::Manifest;
use crate::plugin::policy::Policy;
use crate::report::{self, hinted};

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
    let text = match installed.plugins.as_slice() {
        [] => "no plugins are installed: `wash plugin install` installs one".to_owned(),
        plugins => {
            let rows = plugins.iter().map(row).collect::<Vec<_>>();
            table(&rows).trim_end().to_owned()
        }
    };
    report::success(
        means.globals.output,
        &text,
        "listed",
        json!({ "plugins": data }),
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
