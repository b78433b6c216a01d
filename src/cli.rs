//! The command line: parse, run, report.
//!
//! Exit codes: 0 when it worked, 1 when it did not, 2 for a command line that makes no sense,
//! and what shells give when a signal ended it, 130 after Ctrl-C.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::commands::{self, build, dev, inspect};
use crate::report;

pub use crate::commands::Globals;
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
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::BuildArgs),
    Dev(dev::DevArgs),
    Inspect(inspect::InspectArgs),
}

pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.globals);
    let format = cli.globals.output;
    let outcome = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(cli)),
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

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Build(args) => build::run(args, &cli.globals).await,
        Command::Dev(args) => dev::run(args, &cli.globals).await,
        Command::Inspect(args) => inspect::run(args, &cli.globals).await,
    }
}

/// `RUST_LOG` decides if it is set.
fn start_logging(globals: &Globals) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(globals.log_level.to_string()));
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
    use clap::CommandFactory;

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
            assert_eq!(
                cli.globals.directory.as_deref(),
                Some(std::path::Path::new("x")),
                "{line}"
            );
            assert_eq!(cli.globals.output, OutputFormat::Json, "{line}");
        }
    }
}
