//! The command line: parse, run, report.
//!
//! Exit codes: 0 when it worked, those of [`ErrorClass`](advice::ErrorClass) when it did not, and what shells give when a signal ended it, 130 after
//! Ctrl-C. Nothing heavy is made before the command line is known to need it.

mod encoding;
mod help;
mod installed;
mod tips;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::commands::{
    Stopped, build, call, completion, config, dev, doctor, inspect, new, not_parsed, oci, plugin,
    wit,
};
use crate::completion::Request;
use crate::console::LogWriter;
use crate::plugin::describe::Reserved;
use crate::plugin::{Installed, Store};
use crate::plugin_commands::augment;
use crate::{bug, console, report, version};

use installed::{Line, Plugins, Typed};
use wash_common::{advice, budget, units};
use wash_runtime::engine::compiler_process;
use wash_runtime::engine::compiler_process::{
    CompileLimits, MEMORY_VARIABLE, TIME_VARIABLE, compile_in_processes,
};

pub use crate::commands::{GlobalArgs, Globals};
pub use crate::report::OutputFormat;

/// The WebAssembly component shell: build, link, serve and reload components
#[derive(Debug, Parser)]
#[command(
    name = "wash",
    version,
    long_version = version::LONG,
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
    Config(config::ConfigArgs),
    Dev(dev::DevArgs),
    Doctor(doctor::DoctorArgs),
    Inspect(inspect::InspectArgs),
    New(new::NewArgs),
    #[command(visible_alias = "docker")]
    Oci(oci::OciArgs),
    Plugin(plugin::PluginArgs),
    Wit(wit::WitArgs),
}

impl Command {
    /// Whether it prints one JSON object a line.
    fn prints_lines(&self) -> bool {
        matches!(self, Command::Dev(args) if args.prints_lines())
    }

    /// Whether `-o` may name a file.
    fn writes_file(&self) -> bool {
        match self {
            Command::Build(args) => args.compose,
            Command::Wit(args) => args.writes_file(),
            _ => false,
        }
    }
}

/// The definitions of all commands.
pub fn command() -> clap::Command {
    Cli::command()
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
    if let Some(code) = compiler_process::answer(std::env::args_os().skip(1)) {
        return code;
    }
    let line: Vec<OsString> = std::env::args_os().collect();
    let format = wanted_format(&line);
    bug::guarded(format, || {
        let plugins = Plugins::of_user();
        match plugins.parse(&line) {
            Ok(line) => execute(line, &plugins),
            Err(error) => {
                let error = encoding::with_argument(error, &line, plugins.tree());
                not_parsed(&tips::with_tip(error), format)
            }
        }
    })
}

/// The format that a command line asks for, which must be known also when it makes no sense.
fn wanted_format(line: &[OsString]) -> OutputFormat {
    let options = line.iter().take_while(|word| *word != "--");
    let mut words = options.map(|word| word.to_str().unwrap_or_default());
    let mut format = OutputFormat::default();
    while let Some(word) = words.next() {
        let value = match word {
            "-o" | "--output" => words.next(),
            _ => word
                .strip_prefix("--output=")
                .or_else(|| word.strip_prefix("-o")),
        };
        match value.map(|value| value.trim_start_matches('=')) {
            Some("json") => format = OutputFormat::Json,
            Some("text" | "plain") => format = OutputFormat::Text,
            _ => {}
        }
    }
    format
}

fn execute(Line { globals, typed }: Line, plugins: &Plugins) -> ExitCode {
    start_logging(&globals);
    let globals = Globals::from(globals);
    let format = globals.output;
    if let (Some(file), false) = (&globals.file, typed.writes_file()) {
        let message = format!(
            "`-o {}`: only `build --compose` and `wit build` take a file here; expected `text` or `json`",
            file.display()
        );
        let error = Cli::command().error(ErrorKind::InvalidValue, message);
        return not_parsed(&error, format);
    }
    let prints_lines = typed.prints_lines();
    let outcome =
        encoding::check_environment().and_then(|()| outcome(typed, &plugins.store, &globals));
    // What is told from here on comes after it.
    console::flush();
    match outcome {
        Ok(code) => code,
        Err(error) if report::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<Stopped>() {
            Some(stopped) => ExitCode::from(stopped.exit_code()),
            None => {
                // Nobody is there to read why it failed; the exit code still tells.
                let _ = match prints_lines {
                    true => report::failure_in_lines(format, &error),
                    false => report::failure(format, &error),
                };
                advice::fault(&error).into()
            }
        },
    }
}

fn outcome(typed: Typed, store: &Store, globals: &Globals) -> anyhow::Result<ExitCode> {
    compile_in_processes(compile_limits()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        match typed {
            Typed::Command(command) => run(*command, store, globals).await,
            Typed::Plugin(manifest, given) => {
                plugin::invoke::run(store, &manifest, given, globals).await
            }
        }
    });
    if let Err(error) = &outcome
        && error.is::<Stopped>()
    {
        // Code may still be compiled, which cannot be interrupted and is not waited for.
        runtime.shutdown_background();
    }
    outcome
}

/// What the environment says of compiling.
fn compile_limits() -> anyhow::Result<CompileLimits> {
    let mut limits = CompileLimits::default();
    let set = |name| std::env::var(name).ok().filter(|set| !set.is_empty());
    let wrong = |name, problem| advice::usage(format!("`{name}`: {problem}"));
    if let Some(time) = set(TIME_VARIABLE) {
        let time = units::parse_duration(&time);
        limits.time = time.map_err(|problem| wrong(TIME_VARIABLE, problem))?;
    }
    if let Some(memory) = set(MEMORY_VARIABLE) {
        let memory = units::parse_size(&memory);
        limits.memory = memory
            .map_err(|problem| wrong(MEMORY_VARIABLE, problem))?
            .get();
    }
    Ok(limits)
}

async fn run(command: Command, store: &Store, globals: &Globals) -> anyhow::Result<ExitCode> {
    match command {
        Command::Build(args) => build::run(args, globals).await,
        Command::Call(args) => call::run(args, globals).await,
        Command::Completion(args) => completion::run(&args, globals),
        Command::Config(args) => config::run(args, globals).await,
        Command::Dev(args) => dev::run(args, globals).await,
        Command::Doctor(args) => doctor::run(args, globals).await,
        Command::Inspect(args) => inspect::run(args, globals).await,
        Command::New(args) => new::run(args, globals).await,
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
    let level = match (globals.log_level, globals.quiet, globals.verbose) {
        (Some(level), _, _) => level.to_string(),
        (None, true, _) => "warn".to_string(),
        (None, _, true) => "info,wash=debug".to_string(),
        (None, false, false) => "info".to_string(),
    };
    let filter = EnvFilter::try_from_default_env()
        // What the libraries of WIT packages log, they also return.
        .unwrap_or_else(|_| {
            EnvFilter::new(format!("{level},wasm_pkg_client=error,wasm_pkg_core=warn"))
        });
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LogWriter);
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
    fn the_format_is_known_whatever_else_is_wrong() {
        let wanted = |line: &str| {
            let line: Vec<_> = line.split(' ').map(OsString::from).collect();
            wanted_format(&line)
        };
        for line in [
            "wash -o json biuld",
            "wash biuld -ojson",
            "wash --output=json",
            "wash -o=json",
            "wash -o x.wasm --output json",
        ] {
            assert_eq!(wanted(line), OutputFormat::Json, "{line}");
        }
        for line in [
            "wash",
            "wash call run -- -o json",
            "wash -o json -o text",
            "wash -o",
        ] {
            assert_eq!(wanted(line), OutputFormat::Text, "{line}");
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
