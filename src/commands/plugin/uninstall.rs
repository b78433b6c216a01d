//! `wash plugin uninstall`

use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::hinted;

use super::Means;
use crate::completion::values;
use crate::plugin::install;
use crate::report;

/// Remove plugins, with their data and permissions
#[derive(Debug, clap::Args)]
pub(super) struct UninstallArgs {
    /// Names of installed plugins
    #[arg(value_name = "NAME", required = true, add = values::plugins())]
    names: Vec<String>,
}

pub(super) fn run(args: UninstallArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    install::uninstall(means.store, &args.names).map_err(hinted)?;
    let names: Vec<_> = args.names.iter().map(|name| format!("`{name}`")).collect();
    let text = format!("removed {}", names.join(", "));
    let data = json!({ "removed": args.names });
    report::success(means.globals.output, &text, "removed", data)?;
    Ok(ExitCode::SUCCESS)
}
