//! One file a command: its arguments, and a `run` that gathers input, calls the library and shows the result.

pub mod build;
pub mod dev;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::project::{Overrides, Project, Purpose};
use crate::report::{self, OutputFormat};

/// Options that every command takes, before or after its name.
#[derive(Debug, Clone, clap::Args)]
pub struct Globals {
    /// Work on the project in this directory, or above it
    #[arg(short = 'C', global = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// How to print the result
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub output: OutputFormat,
    /// How much to log: trace, debug, info, warn or error. `RUST_LOG` overrides it
    #[arg(
        short,
        long,
        global = true,
        default_value = "info",
        value_name = "LEVEL",
        hide_default_value = true
    )]
    pub log_level: tracing::level_filters::LevelFilter,
    /// Add thread, file and line to the log
    #[arg(long, global = true)]
    pub verbose: bool,
    /// The user's config file, instead of `wash/config.yaml` in the user's config directory
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub user_config: Option<PathBuf>,
}

impl Globals {
    /// `-C`, or the directory we were started in.
    pub fn directory(&self) -> anyhow::Result<PathBuf> {
        let here = env::current_dir().context("cannot tell the current directory")?;
        Ok(self
            .directory
            .as_ref()
            .map_or_else(|| here.clone(), |directory| here.join(directory)))
    }

    /// What the environment and the global options say on top of a project's files.
    pub fn overrides(&self, purpose: Purpose) -> Overrides {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Overrides {
            purpose,
            user_config: self.user_config.clone(),
            env: env::vars_os().filter_map(text).collect(),
            ..Overrides::default()
        }
    }
}

/// Ctrl-C: ends the command without a word and with exit code 130.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Tells what the project's files have that does not stop anything.
pub fn warn_about(project: &Project) {
    for warning in &project.warnings {
        report::warn(warning, warning.hint.as_deref());
    }
}

/// A path as it reads best: relative if it lies below the current directory.
pub fn short(path: &Path) -> String {
    let below = env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok());
    below.unwrap_or(path).display().to_string()
}
