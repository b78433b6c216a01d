//! One file a command: its arguments, and a `run` that gathers input, calls the library and shows the result.

pub mod build;
pub mod call;
pub mod completion;
mod compose;
pub mod config;
pub mod dev;
pub mod doctor;
pub mod gather;
pub mod inspect;
pub mod new;
pub mod oci;
pub mod plugin;
mod prompt;
pub mod reset;
pub mod wit;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use wash_common::advice::{Advice, ErrorClass, hinted};
use wash_common::process::Output;
use wash_common::{advice, sanitize};

use crate::completion::values;
use crate::project::{Overrides, Project, ProjectError, Purpose};
use crate::report::OutputFormat;
use crate::{project, report};

/// Options that every command takes, before or after its name.
#[derive(Debug, Clone, Default)]
pub struct Globals {
    pub directory: Option<PathBuf>,
    /// How to print the result.
    pub output: OutputFormat,
    /// Where to write it: `-o FILE`, for the commands that write a file.
    pub file: Option<PathBuf>,
    pub user_config: Option<PathBuf>,
    /// Say nothing of what goes as it should.
    pub quiet: bool,
}

/// [`Globals`] as they are written, and the options of the log.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Run in this directory
    #[arg(short = 'C', global = true, value_name = "DIR", add = values::start_directory())]
    pub directory: Option<PathBuf>,
    /// Output format: text or json [default: text]
    #[arg(short, long, global = true, value_name = "FORMAT", action = clap::ArgAction::Append, value_parser = OsStringValueParser::new().try_map(OutputArg::parse), add = values::outputs())]
    output: Vec<OutputArg>,
    /// Log level: trace, debug, info, warn, error or off
    #[arg(short, long, global = true, value_name = "LEVEL", value_parser = level, add = values::levels())]
    pub log_level: Option<LevelFilter>,
    /// Hide progress and the output of successful builds
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log more, with thread, file and line
    #[arg(long, global = true)]
    pub verbose: bool,
    /// Use this file as the user's config
    #[arg(long, global = true, value_name = "FILE", add = values::file())]
    pub user_config: Option<PathBuf>,
}

fn level(text: &str) -> Result<LevelFilter, &'static str> {
    let level = text.parse();
    level.map_err(|_| "possible values: trace, debug, info, warn, error, off")
}

/// What `-o` takes, which is given once for each.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OutputArg {
    Format(OutputFormat),
    File(PathBuf),
}

impl OutputArg {
    fn parse(text: OsString) -> Result<Self, &'static str> {
        let lossy = text.to_string_lossy();
        match <OutputFormat as clap::ValueEnum>::from_str(&lossy, false) {
            Ok(format) => Ok(OutputArg::Format(format)),
            Err(_) if lossy.contains(['.', '/']) => Ok(OutputArg::File(text.into())),
            Err(_) => Err(
                "expected `text` or `json`; with `build --compose` and `wit build` also FILE.wasm",
            ),
        }
    }
}

impl From<GlobalArgs> for Globals {
    fn from(args: GlobalArgs) -> Self {
        let mut globals = Self {
            directory: args.directory,
            user_config: args.user_config,
            quiet: args.quiet,
            ..Self::default()
        };
        for output in args.output {
            match output {
                OutputArg::Format(format) => globals.output = format,
                OutputArg::File(file) => globals.file = Some(file),
            }
        }
        globals
    }
}

impl Globals {
    /// The directory of `-C`, or the current one.
    pub fn here(&self) -> anyhow::Result<PathBuf> {
        // The current directory may be gone, and matters to relative paths only.
        match &self.directory {
            Some(directory) if directory.is_absolute() => Ok(directory.clone()),
            Some(directory) => Ok(current_directory()?.join(directory)),
            None => current_directory(),
        }
    }

    /// A path from the command line, which `-C` comes before: as if we had been started there.
    pub fn path(&self, path: &Path) -> anyhow::Result<PathBuf> {
        match path.is_absolute() {
            true => Ok(path.to_path_buf()),
            false => Ok(self.here()?.join(path)),
        }
    }

    /// The same for one that may be left out.
    pub fn path_or_here(&self, path: Option<&Path>) -> anyhow::Result<PathBuf> {
        path.map_or_else(|| self.here(), |path| self.path(path))
    }

    /// Where goes what the tools of a build print.
    pub fn tool_output(&self) -> Output {
        match self.quiet {
            true => Output::IfFailed,
            false => Output::Inherit,
        }
    }

    /// What the environment and the global options say on top of a project's files.
    pub fn overrides(&self, purpose: Purpose) -> anyhow::Result<Overrides> {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Ok(Overrides {
            purpose,
            user_config: self
                .user_config
                .as_deref()
                .map(|file| self.path(file))
                .transpose()?,
            env: env::vars_os().filter_map(text).collect(),
            ..Overrides::default()
        })
    }
}

/// A signal that asked the command to stop: it ends without a word, with the exit code that shells give it.
#[derive(Debug, thiserror::Error)]
#[error("stopped by signal {0}")]
pub struct Stopped(i32);

impl Stopped {
    pub fn exit_code(&self) -> u8 {
        u8::try_from(128 + self.0).unwrap_or(1)
    }
}

/// Listens for Ctrl-C, and for being told to end in another way, from the moment it is called: before anything is
/// started that a signal must end. The future tells which signal came.
pub fn stop_signal() -> io::Result<impl Future<Output = Stopped>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        let kind = tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
            _ = hangup.recv() => SignalKind::hangup(),
        };
        Stopped(kind.as_raw_value())
    })
}

/// Waits for something, unless a signal comes first: then it is dropped where it is.
pub async fn unless_stopped<T>(doing: impl Future<Output = T>) -> anyhow::Result<T> {
    let stopped = stop_signal()?;
    tokio::select! {
        done = doing => Ok(done),
        signal = stopped => Err(signal.into()),
    }
}

/// The same for what is cancelled, and ends in its own way.
pub async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    doing: impl Future<Output = T>,
) -> anyhow::Result<T> {
    let stopped = stop_signal()?;
    let mut doing = pin!(doing);
    tokio::select! {
        done = &mut doing => Ok(done),
        signal = stopped => {
            cancel.cancel();
            // It may have ended by itself at the last moment; it was told to stop all the same.
            let _ = doing.await;
            Err(signal.into())
        }
    }
}

/// The root of the project that a directory lies in, if it lies in one.
pub fn root_above(start: &Path) -> anyhow::Result<Option<PathBuf>> {
    match project::find_root(start) {
        Ok(root) => Ok(Some(root)),
        Err(ProjectError::NotRecognised { .. }) => Ok(None),
        Err(error) => Err(hinted(error)),
    }
}

/// Prints help, the version, or what is wrong with a command line.
pub fn not_parsed(error: &clap::Error, format: OutputFormat) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let error = anyhow::Error::new(report::stdout_error(error));
                let _ = report::failure(OutputFormat::Text, &error);
                advice::fault(&error).into()
            }
            _ => ExitCode::SUCCESS,
        };
    }
    // Nobody is there to read it; the exit code still tells.
    if format == OutputFormat::Text {
        let mut text = error.render().ansi().to_string();
        // Names of files may come from a pattern of the shell: each stays in its line.
        for word in env::args_os().skip(1) {
            let word = word.to_string_lossy();
            let value = word.split_once('=').map_or("", |(_, value)| value);
            let option = word.split('=').next().unwrap_or_default();
            for part in [&*word, value, option] {
                if part.contains(sanitize::is_unsafe) {
                    text = text.replace(part, &sanitize::line(part));
                }
            }
        }
        let _ = anstream::stderr().write_all(sanitize::styled(&text).as_bytes());
    } else {
        let text = error.render().to_string();
        let text = text.trim_start_matches("error: ").trim_end();
        let _ = report::failure(format, &advice::usage(text));
    }
    ErrorClass::Usage.into()
}

/// Tells what the project's files have that does not stop anything.
pub fn warn_about(project: &Project) {
    for warning in &project.warnings {
        report::warn(warning, warning.hint.as_deref());
    }
}

fn current_directory() -> anyhow::Result<PathBuf> {
    env::current_dir().map_err(|source| hinted(NoCurrentDirectory(source)))
}

/// Most likely it was removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot determine the current directory")]
struct NoCurrentDirectory(#[source] io::Error);

impl Advice for NoCurrentDirectory {
    fn hints(&self) -> Vec<String> {
        vec![
            "it may have been removed: `cd` to one that exists, or name one with `-C DIR`"
                .to_string(),
        ]
    }

    fn fault(&self) -> ErrorClass {
        ErrorClass::Environment
    }
}

/// A path as it reads best, in one line: relative if it lies below the current directory.
pub fn short(path: &Path) -> String {
    let path = relative(path).display().to_string();
    sanitize::line(&path).into_owned()
}

/// A path relative to the current directory, if it lies below.
pub fn relative(path: &Path) -> &Path {
    let below = env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok());
    // The current directory itself would be nothing.
    let below = below.filter(|below| !below.as_os_str().is_empty());
    below.unwrap_or(path)
}
