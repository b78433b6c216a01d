//! The command line: parse, run, report.
//!
//! Exit codes: 0 when it worked, 1 when it did not, 2 for a command line that makes no sense,
//! and what shells give when a signal ended it, 130 after Ctrl-C.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches as _, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::commands::plugin::invoke::Given;
use crate::commands::{self, build, call, completion, dev, inspect, oci, plugin, wit};
use crate::completion::{Request, budget};
use crate::plugin::command::{augment, owner};
use crate::plugin::describe::Reserved;
use crate::plugin::manifest::{Manifest, Runs};
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
    Plugin(plugin::PluginArgs),
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

/// A command line, understood.
struct Line {
    globals: GlobalArgs,
    typed: Typed,
}

enum Typed {
    Command(Box<Command>),
    /// A command that an installed plugin adds.
    Plugin(Box<Manifest>, Given),
}

impl Typed {
    /// Whether `-o` may name a file.
    fn writes_file(&self) -> bool {
        matches!(self, Self::Command(command) if command.writes_file())
    }
}

/// What is installed, for the command line.
struct Plugins {
    store: Store,
    installed: Installed,
}

impl Plugins {
    fn of_user() -> Self {
        // Without a home, nothing is installed there.
        let store = Store::of_user().unwrap_or_else(|| Store::at("/nonexistent".into()));
        let installed = store.installed();
        Self { store, installed }
    }

    /// Reads the command line of this process, or ends it with help or what is wrong.
    fn parse(&self) -> Line {
        if let Some(line) = self.program() {
            return line;
        }
        let tree = command_tree(&self.store, &self.installed);
        let matches = tree.try_get_matches().unwrap_or_else(|error| {
            // What was meant may be in there.
            if error.kind() == ErrorKind::InvalidSubcommand {
                self.warn();
            }
            error.exit()
        });
        match matches.subcommand() {
            Some((word, below)) if Cli::command().find_subcommand(word).is_none() => {
                let given = Given::Parsed {
                    first: word.to_owned(),
                    matches: below.clone(),
                };
                self.line(word, &matches, given)
                    .expect("only plugins add commands")
            }
            _ => {
                let parsed = Cli::from_arg_matches(&matches);
                let Cli { globals, command } = parsed.unwrap_or_else(|error| error.exit());
                Line {
                    globals,
                    typed: Typed::Command(command.into()),
                }
            }
        }
    }

    /// The command of a plugin that is a program: whatever comes after its name is for it, options of `wash` too.
    fn program(&self) -> Option<Line> {
        let is_program = |plugin: &&Manifest| plugin.runs == Runs::Program;
        let (programs, others): (Vec<&Manifest>, Vec<_>) =
            self.installed.plugins.iter().partition(is_program);
        let mut commands = programs.iter().flat_map(|plugin| plugin.top_level());
        if !commands.any(|command| std::env::args().any(|word| word == command.path[0])) {
            return None;
        }
        let others: Vec<Manifest> = others.into_iter().cloned().collect();
        let tree = augment(Cli::command(), &others, &self.store)
            .allow_external_subcommands(true)
            .external_subcommand_value_parser(clap::value_parser!(OsString));
        let matches = tree.try_get_matches().ok()?;
        let (word, below) = matches.subcommand()?;
        let (owner, _) = owner(&self.installed.plugins, word)?;
        if owner.runs != Runs::Program || Cli::command().find_subcommand(word).is_some() {
            return None;
        }
        let words = below.get_many::<OsString>("").into_iter().flatten();
        self.line(word, &matches, Given::Words(words.cloned().collect()))
    }

    fn line(&self, word: &str, matches: &clap::ArgMatches, given: Given) -> Option<Line> {
        let (manifest, _) = owner(&self.installed.plugins, word)?;
        Some(Line {
            globals: GlobalArgs::from_arg_matches(matches).unwrap_or_else(|error| error.exit()),
            typed: Typed::Plugin(Box::new(manifest.clone()), given),
        })
    }

    fn warn(&self) {
        for broken in &self.installed.broken {
            report::warn(broken, Some(&broken.hint()));
        }
    }
}

pub fn main() -> ExitCode {
    // Before everything else: somebody has pressed tab and waits.
    if let Some(request) = Request::from_env() {
        return request.answer(commands_in_time);
    }
    let plugins = Plugins::of_user();
    let Line { globals, typed } = plugins.parse();
    start_logging(&globals);
    let globals = Globals::from(globals);
    let format = globals.output;
    if let (Some(file), false) = (&globals.file, typed.writes_file()) {
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
        Ok(runtime) => runtime.block_on(async {
            match typed {
                Typed::Command(command) => run(*command, &plugins.store, &globals).await,
                Typed::Plugin(manifest, given) => {
                    plugin::invoke::run(&plugins.store, &manifest, given, &globals).await
                }
            }
        }),
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

async fn run(command: Command, store: &Store, globals: &Globals) -> anyhow::Result<ExitCode> {
    match command {
        Command::Build(args) => build::run(args, globals).await,
        Command::Call(args) => call::run(args, globals).await,
        Command::Completion(args) => completion::run(&args, globals),
        Command::Dev(args) => dev::run(args, globals).await,
        Command::Inspect(args) => inspect::run(args, globals).await,
        Command::Oci(args) => oci::run(args, globals).await,
        Command::Plugin(args) => {
            let means = plugin::Means {
                store,
                reserved: &Reserved::of(&Cli::command()),
                globals,
            };
            plugin::run(args, &means).await
        }
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
