//! `wash oci`

mod access;
mod progress;
mod pull;
mod push;

use std::process::ExitCode;

use wash_common::advice::hinted;
use wash_fetch::oci;
use wash_fetch::oci::{Cache, OciError, Progress, Pulled};

use super::{Globals, unless_stopped};
use crate::project::Image;
use crate::report::OutputFormat;

pub use access::AccessArgs;

/// Push components to OCI registries and pull them
///
/// Artifacts have the standard OCI format for WebAssembly, so wkg, oras and other tools can read and write them too. WIT
/// packages are pushed and pulled the same way.
#[derive(Debug, clap::Args)]
pub struct OciArgs {
    #[command(subcommand)]
    command: OciCommand,
}

#[derive(Debug, clap::Subcommand)]
enum OciCommand {
    Push(push::PushArgs),
    Pull(pull::PullArgs),
}

pub async fn run(args: OciArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    match args.command {
        OciCommand::Push(args) => push::run(args, globals).await,
        OciCommand::Pull(args) => pull::run(args, globals).await,
    }
}

/// Brings what an image names into the cache.
pub(super) async fn pull_image(
    image: &Image,
    access: &AccessArgs,
    globals: &Globals,
) -> anyhow::Result<Pulled> {
    let access = access.access(globals)?;
    let cache = Cache::open().map_err(hinted)?;
    let progress = progress(globals);
    transfer(oci::pull(
        &image.reference,
        image.policy,
        &access,
        &cache,
        &*progress,
    ))
    .await
}

/// Waits for a transfer. What it has written so far goes when a signal ends it.
async fn transfer<T>(transfer: impl Future<Output = Result<T, OciError>>) -> anyhow::Result<T> {
    unless_stopped(transfer).await?.map_err(hinted)
}

/// A bar where somebody watches.
fn progress(globals: &Globals) -> Box<dyn Progress> {
    match (globals.output, globals.quiet) {
        (OutputFormat::Text, false) => Box::new(progress::Bar::default()),
        _ => Box::new(oci::Silent),
    }
}
