//! `wash completion`

use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::hinted;
use wash_common::sanitize;

use super::{Globals, short};
use crate::completion::detect::detect;
use crate::completion::install::{Change, Changed, Health, InstallError, State, Surroundings};
use crate::completion::{Shell, install};
use crate::report;

/// Generate or install shell completions
///
/// With the name of a shell, prints its completion script. `install` puts the script where the shell finds it. `--check`
/// exits with 1 if the completions are missing or out of date.
///
/// The script calls `wash` on each tab, so commands of plugins, files, references and functions of components are always
/// current; you never need to regenerate it.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  wash completion install\n  wash completion install fish --dry-run\n  wash completion --check\n  source <(wash completion bash)"
)]
pub struct CompletionArgs {
    /// Shell to print the script for; with --check, shell to check [default for --check: the current shell]
    #[arg(value_name = "SHELL", required_unless_present = "check")]
    shell: Option<Shell>,
    /// Check that the completions are installed and up to date
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<CompletionCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum CompletionCommand {
    /// Install the completion script for a shell
    ///
    /// Does nothing if it is already installed. Prints each change: for shells without a completion directory, it adds a
    /// few lines to the shell's startup file.
    Install(PlaceArgs),
    /// Remove installed completions
    Uninstall(PlaceArgs),
}

#[derive(Debug, clap::Args)]
struct PlaceArgs {
    /// Shell [default: the current shell]
    #[arg(value_name = "SHELL")]
    shell: Option<Shell>,
    /// Show what would change, without changing it
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &CompletionArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let around = Surroundings::of_env().map_err(hinted)?;
    match (&args.command, args.shell) {
        (Some(CompletionCommand::Install(place)), _) => {
            let shell = place.shell()?;
            let changed = install::install(shell, &around, place.dry_run).map_err(hinted)?;
            // What the shell does with it, it says itself.
            let health = (!place.dry_run).then(|| install::check(shell, &around));
            let health = health.filter(|health| health.state != State::Fine);
            tell(shell, &changed, health, place.dry_run, "installed", globals)
        }
        (Some(CompletionCommand::Uninstall(place)), _) => {
            let shell = place.shell()?;
            let changed = install::uninstall(shell, &around, place.dry_run).map_err(hinted)?;
            tell(shell, &changed, None, place.dry_run, "uninstalled", globals)
        }
        (None, Some(shell)) if !args.check => {
            let script = shell.script(around.program());
            let data = json!({ "shell": shell.name(), "script": script });
            report::success(globals.output, script.trim_end(), "script", data)?;
            Ok(ExitCode::SUCCESS)
        }
        (None, shell) => {
            let shell = shell.map_or_else(running, Ok)?;
            healthy(&install::check(shell, &around), globals)
        }
    }
}

impl PlaceArgs {
    fn shell(&self) -> anyhow::Result<Shell> {
        self.shell.map_or_else(running, Ok)
    }
}

fn running() -> anyhow::Result<Shell> {
    detect().ok_or_else(|| hinted(InstallError::NoShell))
}

fn tell(
    shell: Shell,
    changed: &[Changed],
    health: Option<Health>,
    dry_run: bool,
    message: &str,
    globals: &Globals,
) -> anyhow::Result<ExitCode> {
    let line = |Changed {
                    path,
                    change,
                    block,
                }: &Changed| {
        let did = match (change, dry_run) {
            (Change::Unchanged, _) => "unchanged",
            (Change::Written, false) => "wrote",
            (Change::Updated, false) => "updated",
            (Change::Removed, false) => "removed",
            (Change::Written, true) => "would write",
            (Change::Updated, true) => "would update",
            (Change::Removed, true) => "would remove",
        };
        let lines = match (block, change) {
            (false, _) | (true, Change::Unchanged) => "",
            (true, Change::Written | Change::Updated) => "the wash lines in ",
            (true, Change::Removed) => "the wash lines from ",
        };
        format!("{did} {lines}{}", short(path))
    };
    let mut text: Vec<String> = changed.iter().map(line).collect();
    let written = |it: &Changed| matches!(it.change, Change::Written | Change::Updated);
    if let Some(Health { reason, path, .. }) = health {
        let problem = format!(
            "{} does not load the completions: {reason} ({})",
            shell.name(),
            short(&path)
        );
        report::warn(
            &problem,
            Some(&format!(
                "load the output of `wash completion {}`",
                shell.name()
            )),
        );
    } else if !dry_run && changed.iter().any(written) {
        text.push(format!("restart {} to use the completions", shell.name()));
    }
    let is_changed = |it: &Changed| it.change != Change::Unchanged;
    let message = match (dry_run, changed.iter().any(is_changed)) {
        (true, _) => "dry run: nothing was changed",
        (false, true) => message,
        (false, false) => "unchanged",
    };
    let data = json!({ "shell": shell.name(), "dry_run": dry_run, "files": changed });
    report::success(globals.output, &sanitize::lines(&text), message, data)?;
    Ok(ExitCode::SUCCESS)
}

fn healthy(health: &Health, globals: &Globals) -> anyhow::Result<ExitCode> {
    let Health {
        shell,
        reason,
        path,
        state,
    } = health;
    let text = format!("{shell}: {reason} ({})", short(path));
    let data = json!(health);
    if *state == State::Fine {
        report::success(globals.output, &text, "fine", data)?;
        return Ok(ExitCode::SUCCESS);
    }
    let message = match state {
        State::Missing => "the completions are not installed",
        _ => "the completions are out of date",
    };
    let mend = format!("{message}: wash completion install {shell}");
    report::incomplete(globals.output, &text, &mend, data)?;
    Ok(ExitCode::FAILURE)
}
