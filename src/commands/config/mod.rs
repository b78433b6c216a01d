//! `wash config`

mod cleanup;
mod info;
mod init;
mod show;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Globals, root_above};
use crate::project::keys;
use crate::report;

/// Manage configuration
///
/// Settings come from the user's config, the project's `.wash/config.yaml` (or .yml, .json, .toml), environment variables
/// such as `WASH_DEV__ADDRESS`, and the command line; later ones take precedence. `docs/config.md` lists all keys.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    Init(init::InitArgs),
    Show(show::ShowArgs),
    Validate(validate::ValidateArgs),
    Info(info::InfoArgs),
    Cleanup(cleanup::CleanupArgs),
    Schema(SchemaArgs),
}

/// Print the JSON Schema of the configuration
///
/// Editors use it to check and complete config files. `wash config init` writes it next to the config, with the line that
/// points editors to it.
#[derive(Debug, clap::Args)]
struct SchemaArgs {}

pub async fn run(args: ConfigArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    match args.command {
        ConfigCommand::Init(args) => init::run(&args, globals),
        ConfigCommand::Show(args) => show::run(&args, globals),
        ConfigCommand::Validate(args) => validate::run(&args, globals),
        ConfigCommand::Info(args) => info::run(&args, globals),
        ConfigCommand::Cleanup(args) => cleanup::run(&args, globals).await,
        ConfigCommand::Schema(_) => schema(globals),
    }
}

fn schema(globals: &Globals) -> anyhow::Result<ExitCode> {
    let schema = keys::schema();
    let text = format!("{schema:#}");
    report::product(
        globals.output,
        &text,
        "the schema of the configuration",
        schema,
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The root of the project that the command is about, if there is one.
fn root(globals: &Globals) -> anyhow::Result<Option<PathBuf>> {
    root_above(&globals.here()?)
}
