//! `wash dev reset`

use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::hinted;
use wash_common::sanitize;
use wash_common::units::size;

use super::{Globals, short};
use crate::commands::prompt;
use crate::dev::reset;
use crate::dev::reset::Kept;
use crate::{project, report};

/// Clear the stored data of a project
///
/// Removes the contents of the project's `.wash/state`, such as blobs and key-value pairs, after asking. Data in
/// directories that the config names, for example with `dev.wasi_keyvalue_path`, stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash dev reset\n  wash -C examples/hello dev reset --yes")]
pub struct ResetArgs {
    /// Don't ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

pub async fn run(args: &ResetArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let root = project::find_root(&globals.here()?).map_err(hinted)?;
    let kept = reset::look(&root).map_err(hinted)?;
    let directory = short(&kept.directory);
    let data = json!({
        "directory": report::json_path(&kept.directory),
        "removed": kept.entries.iter().map(|entry| json!({
            "name": entry.name,
            "size": entry.size,
        })).collect::<Vec<_>>(),
    });
    if kept.entries.is_empty() {
        let text = format!("`{directory}` is empty");
        report::success(globals.output, &text, "nothing to clear", data)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !asked(&kept, &directory).await? {
        anyhow::bail!("nothing was removed");
    }
    let total = size(kept.size());
    kept.clear().map_err(hinted)?;
    let text = format!("cleared `{directory}` ({total})");
    report::success(globals.output, &text, "cleared", data)?;
    Ok(ExitCode::SUCCESS)
}

async fn asked(kept: &Kept, directory: &str) -> anyhow::Result<bool> {
    let entries = kept.entries.iter();
    let lines: Vec<String> = entries
        .map(|entry| format!("`{directory}/{}` ({})", entry.name, size(entry.size)))
        .collect();
    if !prompt::somebody_is_there() {
        return Err(hinted(prompt::NobodyToAsk {
            question: format!("remove {}", lines.join(", ")),
            hint: "to remove it without a prompt: wash dev reset --yes",
        }));
    }
    let lines = lines
        .iter()
        .map(|line| format!("  {}\n", sanitize::line(line)));
    let lines: String = lines.collect();
    report::info(format!("this removes\n{lines}").trim_end());
    prompt::confirm("remove it?", false).await
}
