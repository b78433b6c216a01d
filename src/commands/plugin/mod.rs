//! `wash plugin`, and the commands that installed plugins add.

mod ask;
pub mod hooks;
mod install;
pub mod invoke;
mod list;
mod permissions;
mod show;
mod source;
mod surroundings;
mod test;
mod uninstall;
mod upgrade;

use std::process::ExitCode;

use wash_common::advice::hinted;

use super::Globals;
use crate::plugin::describe::Reserved;
use crate::plugin::install::StoreError;
use crate::plugin::{Installed, Store};
use crate::report;

/// Manage plugins and their permissions
///
/// A plugin is a component that adds commands to `wash`, hooks into other commands, or provides interfaces in `wash dev`.
/// Plugins run in a sandbox: each has its own data directory, and needs permission for everything else.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash plugin install ghcr.io/me/my-plugin:0.1.0\n  wash plugin list\n  wash plugin allow my-plugin --host api.example.com\n  wash plugin test . -- list --all"
)]
pub struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PluginCommand {
    #[command(alias = "add")]
    Install(install::InstallArgs),
    #[command(visible_alias = "remove")]
    Uninstall(uninstall::UninstallArgs),
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    Upgrade(upgrade::UpgradeArgs),
    Show(show::ShowArgs),
    Test(test::TestArgs),
    Allow(permissions::AllowArgs),
    Deny(permissions::DenyArgs),
}

/// What the commands of plugins work on.
pub struct Means<'a> {
    pub store: &'a Store,
    pub reserved: &'a Reserved,
    pub globals: &'a Globals,
}

pub async fn run(args: PluginArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    if Store::of_user().is_none() && !matches!(args.command, PluginCommand::Test(_)) {
        return Err(hinted(StoreError::NoHome));
    }
    match args.command {
        PluginCommand::Install(args) => install::run(args, means).await,
        PluginCommand::Uninstall(args) => uninstall::run(args, means),
        PluginCommand::List(args) => list::run(args, means),
        PluginCommand::Upgrade(args) => upgrade::run(args, means).await,
        PluginCommand::Show(args) => show::run(args, means),
        PluginCommand::Test(args) => test::run(args, means).await,
        PluginCommand::Allow(args) => permissions::allow(args, means),
        PluginCommand::Deny(args) => permissions::deny(args, means),
    }
}

/// Tells of what is in the store and cannot be read.
pub fn report_broken(installed: &Installed) {
    for broken in &installed.broken {
        report::warn(broken, Some(&broken.hint()));
    }
}
