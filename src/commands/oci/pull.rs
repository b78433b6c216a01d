//! `wash oci pull`

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;
use wash_common::advice::hinted;
use wash_common::atomic::write_atomic;
use wash_common::units::size;
use wash_fetch::oci;
use wash_fetch::oci::{Cache, Origin, PullPolicy, Pulled, Reference};

use super::AccessArgs;
use crate::commands::{Globals, short};
use crate::completion::values;
use crate::report;

/// Pull a component or a WIT package from a registry
///
/// Writes the file only after its size and digest are verified, replacing an existing component. Pulled components are
/// cached; references with a digest are served from the cache without contacting the registry.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash oci pull ghcr.io/me/app:0.1.0\n  wash oci pull ghcr.io/me/app:0.1.0 lib/app.wasm\n  wash oci pull --pull-policy never ghcr.io/me/app:0.1.0"
)]
pub(super) struct PullArgs {
    /// Reference to pull: REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@DIGEST
    #[arg(value_name = "REFERENCE", add = values::references())]
    reference: String,
    /// File to write, or a directory, in which the file is named after the repository
    #[arg(value_name = "PATH", default_value = "component.wasm", add = values::wasm_file())]
    path: PathBuf,
    /// Replace an existing file even if it is not a component
    #[arg(long, short)]
    force: bool,
    /// When to look up a tag in the registry: always, ifNotPresent (unless it is cached) or never
    #[arg(long, value_name = "POLICY", default_value = "always", add = values::pull_policies())]
    pull_policy: PullPolicy,
    #[command(flatten)]
    access: AccessArgs,
}

pub(super) async fn run(args: PullArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let reference: Reference = args.reference.parse().map_err(hinted)?;
    let mut path = globals.path(&args.path)?;
    // What ends with a slash is a directory, also one that is not there yet.
    let directory = args.path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if directory || path.is_dir() {
        path.push(format!("{}.wasm", reference.name()));
    }
    if !args.force {
        check_replaceable(&path)?;
    }
    let access = args.access.access(globals)?;
    let cache = Cache::open().map_err(hinted)?;
    let progress = super::progress(globals);
    let pull = oci::pull(&reference, args.pull_policy, &access, &cache, &*progress);
    let Pulled {
        digest,
        content,
        bytes,
        origin,
    } = super::transfer(pull).await?;
    if directory && let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create `{}`", directory.display()))?;
    }
    write_atomic(&path, &bytes)?;

    let pinned = reference.pinned(&digest).to_string();
    let text = format!("{} ({}): {pinned}", short(&path), size(bytes.len()));
    let data = json!({
        "reference": reference.to_string(),
        "digest": digest.to_string(),
        "pinned": pinned,
        "path": report::json_path(&path),
        "size": bytes.len(),
        "content": content.to_string(),
        "from": match origin {
            Origin::Cache => "cache",
            Origin::Registry => "registry",
        },
    });
    report::success(globals.output, &text, "pulled", data)?;
    Ok(ExitCode::SUCCESS)
}

/// A mistyped path must not cost a file that somebody wrote.
fn check_replaceable(path: &Path) -> anyhow::Result<()> {
    let mut magic = [0; 4];
    let begins = match fs::File::open(path) {
        Ok(mut file) => file.read(&mut magic),
        // Writing will tell what is wrong with it, if it is.
        Err(_) => return Ok(()),
    };
    let is_replaceable = matches!(begins, Ok(0)) || (begins.is_ok() && &magic == b"\0asm");
    anyhow::ensure!(
        is_replaceable,
        "`{}` exists and is not a component: use `--force` to replace it",
        path.display()
    );
    Ok(())
}
