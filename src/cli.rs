//! The command line: parse, run, report.

use std::path::PathBuf;

/// Options that every command takes, before or after its name.
#[derive(Debug, Clone, clap::Args)]
pub struct Globals {
    /// Work on the project in this directory
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// How to print the result
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub output: OutputFormat,
    /// The user's config file
    #[arg(long, global = true, value_name = "FILE")]
    pub user_config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OutputFormat {
    #[default]
    #[value(alias = "plain")]
    Text,
    Json,
}
