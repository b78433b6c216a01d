//! The command line: parse, run, report.
//!
//! Exit codes: 0 when it worked, 1 when it did not, 2 for a command line that makes no sense,
//! and what shells give when a signal ended it, 130 after Ctrl-C.

use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::commands::{self, build, call, completion, dev, inspect, oci, wit};
use crate::completion::{Request, budget};
use crate::plugin::command::augment;
use crate::plugin::{Installed, Store};
use crate::report;

pub use crate::commands::{GlobalArgs, Globals};
pub use crate::report::OutputFormat;

/// The WebAssembly component shell: build, link, serve and reload components
#[derive(Debug, Parser)]
#[command(
    name = "wash",
    version,
    propagate_version = false,
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    globals: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::BuildArgs),
    Call(call::CallArgs),
    Completion(completion::CompletionArgs),
    Dev(dev::DevArgs),
    Inspect(inspect::InspectArgs),
    #[command(visible_alias = "docker")]
    Oci(oci::OciArgs),
    Wit(wit::WitArgs),
}

impl Command {
    /// Whether `-o` may name a file.
    fn writes_file(&self) -> bool {
        match self {
            Command::Build(args) => args.compose,
            Command::Wit(args) => args.writes_file(),
            _ => false,
        }
    }
}

/// Every command that can be typed: those of `wash`, and those that installed plugins add. Runs nothing.
pub fn command_tree(store: &Store, installed: &Installed) -> clap::Command {
    augment(Cli::command(), &installed.plugins, store)
}

/// [`command_tree`] without what cannot be read soon.
fn commands_in_time() -> clap::Command {
    let store = Store::of_user();
    let installed = store.clone().and_then(|store| {
        let reading = move || store.installed();
        budget::within(budget::EACH, reading)
    });
    match (store, installed) {
        (Some(store), Some(installed)) => command_tree(&store, &installed),
        _ => Cli::command(),
    }
}

pub fn main() -> ExitCode {
    // Before everything else: somebody has pressed tab and waits.
    if let Some(request) = Request::from_env() {
        return request.answer(commands_in_time);
    }
    let Cli { globals, command } = Cli::parse();
    start_logging(&globals);
    let globals = Globals::from(globals);
    let format = globals.output;
    if let (Some(file), false) = (&globals.file, command.writes_file()) {
        let message = format!(
            "`-o {}`: only `build --compose` and `wit build` take a file here; expected `text` or `json`",
            file.display()
        );
        Cli::command()
            .error(ErrorKind::InvalidValue, message)
            .exit();
    }
    let outcome = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(command, &globals)),
        Err(error) => Err(error.into()),
    };
    let written = match outcome {
        Ok(code) => return code,
        Err(error) if report::is_closed_pipe(&error) => return ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<commands::Stopped>() {
            Some(stopped) => return ExitCode::from(stopped.exit_code()),
            None => report::failure(format, &error),
        },
    };
    match written {
        // Nobody is there to read why it failed; the exit code still tells.
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

async fn run(command: Command, globals: &Globals) -> anyhow::Result<ExitCode> {
    match command {
        Command::Build(args) => build::run(args, globals).await,
        Command::Call(args) => call::run(args, globals).await,
        Command::Completion(args) => completion::run(&args, globals),
        Command::Dev(args) => dev::run(args, globals).await,
        Command::Inspect(args) => inspect::run(args, globals).await,
        Command::Oci(args) => oci::run(args, globals).await,
        Command::Wit(args) => wit::run(args, globals).await,
    }
}

/// `RUST_LOG` decides if it is set.
fn start_logging(globals: &GlobalArgs) {
    let filter = EnvFilter::try_from_default_env()
        // What the libraries of WIT packages log, they also return.
        .unwrap_or_else(|_| {
            EnvFilter::new(format!(
                "{},wasm_pkg_client=error,wasm_pkg_core=warn",
                globals.log_level
            ))
        });
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let logs =
        logs.with_ansi(anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never);
    match globals.verbose {
        true => logs
            .with_thread_names(true)
            .with_file(true)
            .with_line_number(true)
            .init(),
        false => logs.with_target(false).init(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn verify_cli() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_on_either_side_of_the_command() {
        for line in [
            "wash -C x -o json build",
            "wash build -C x -o json",
            "wash -C x build --output json",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let globals = Globals::from(cli.globals);
            assert_eq!(globals.directory.as_deref(), Some(Path::new("x")), "{line}");
            assert_eq!(globals.output, OutputFormat::Json, "{line}");
        }
    }

    #[test]
    fn a_file_and_a_format_are_told_apart() {
        let line = "wash build --compose -o json -o out.wasm";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let globals = Globals::from(cli.globals);
        assert_eq!(globals.output, OutputFormat::Json);
        assert_eq!(globals.file.as_deref(), Some(Path::new("out.wasm")));
        assert!(Cli::try_parse_from(["wash", "build", "-o", "xml"]).is_err());
    }
}
