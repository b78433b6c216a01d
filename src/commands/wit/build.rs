//! `wash wit build`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::Context;
use crate::commands::{short, write_file};
use crate::completion::values;
use crate::inspect::size;
use crate::report::{self, hinted};
use crate::wit::fetch;
use crate::wit::name::directory;
use crate::wit::resolve::Keep;
use crate::wit::{Overrides, WitError, encode};

/// Write a WIT package in its binary form, to publish it
///
/// Fetches what is missing first. The file holds the package with everything that it refers to, and what `[metadata]` in wkg.toml
/// says about it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash wit build\n  wash wit build -o my-package.wasm")]
pub(super) struct BuildArgs {
    /// Where to write it; the same as -o FILE [default: NAMESPACE-NAME-VERSION.wasm]
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
            message: format!("no file in `{}` says which package it is", folder.label),
            hint: Some("begin one with `package namespace:name@1.0.0;`".to_string()),
        }));
    };
    let named = args.output_file.or_else(|| project.globals.file.clone());
    let path = match named {
        Some(file) => project.globals.path(&file)?,
        None => project.root.join(format!("{}.wasm", directory(&name))),
    };
    write_file(&path, &bytes)?;
    let text = format!("{} ({}, {name})", short(&path), size(bytes.len()));
    let data = json!({
        "package": name.to_string(),
        "path": report::json_path(&path),
        "size": bytes.len(),
    });
    project.print(&text, "built", data)
}
