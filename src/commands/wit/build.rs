//! `wash wit build`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::hinted;
use wash_common::atomic::write_atomic;
use wash_common::units::size;
use wash_fetch::wit::name::directory;
use wash_fetch::wit::resolve::Keep;
use wash_fetch::wit::{Overrides, WitError, encode, fetch};

use super::Context;
use crate::commands::short;
use crate::completion::values;
use crate::report;

/// Encode the WIT package as a binary, for publishing
///
/// Fetches missing packages first. The file contains the package with its dependencies, and the `[metadata]` of wkg.toml.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash wit build\n  wash wit build -o my-package.wasm")]
pub(super) struct BuildArgs {
    /// File to write, same as -o FILE [default: NAMESPACE-NAME-VERSION.wasm]
    #[arg(long, value_name = "FILE", add = values::file())]
    output_file: Option<PathBuf>,
}

pub(super) async fn build(args: BuildArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    let mut folder = project.folder()?;
    let complete = || fetch::is_complete(&project.root, &project.wit, &folder);
    if !project.wit.skip_fetch && !complete().map_err(hinted)? {
        fetch::fetch(&project.root, &project.wit, &folder, Keep::All)
            .await
            .map_err(hinted)?;
        folder = project.folder()?;
    }
    let overrides = Overrides::read(&project.root).map_err(hinted)?;
    let bytes = encode::encode(&folder, &overrides.metadata).map_err(hinted)?;
    let Some(name) = folder.name() else {
        return Err(hinted(WitError::Edit {
            message: format!("no file in `{}` has a `package` line", folder.label),
            hint: Some("add `package namespace:name@1.0.0;` to one of them".to_string()),
        }));
    };
    let named = args.output_file.or_else(|| project.globals.file.clone());
    let path = match named {
        Some(file) => project.globals.path(&file)?,
        None => project.root.join(format!("{}.wasm", directory(&name))),
    };
    write_atomic(&path, &bytes)?;
    let text = format!("{} ({}, {name})", short(&path), size(bytes.len()));
    let data = json!({
        "package": name.to_string(),
        "path": report::json_path(&path),
        "size": bytes.len(),
    });
    project.print(&text, "built", data)
}
