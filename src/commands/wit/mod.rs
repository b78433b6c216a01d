//! `wash wit`

mod build;
mod check;
mod edit;
mod fetch;
mod graph;
mod init;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use wash_common::advice::hinted;
use wash_fetch::wit::fetch::{Fetched, open};
use wash_fetch::wit::resolve::From;
use wash_fetch::wit::{Folder, Wit, WitError};

use super::{Globals, unless_stopped};
use crate::completion::values;
use crate::project::{Overrides, Purpose};
use crate::{project, report};

/// Manage the WIT packages of a project
///
/// A project's own WIT package is in `wit/`, and its dependencies are in `wit/deps/`. They come from the first of these
/// sources that has them: overrides in `wkg.toml`, `wit.sources` in .wash/config.yaml, the packages built into `wash`
/// (WASI 0.2 and 0.3, drafts, wasmcloud:messaging), and registries. `wkg.lock` pins them; it and `wkg.toml` have the
/// format of `wkg`.
///
/// `wash build` and `wash dev` fetch missing packages automatically.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash wit fetch\n  wash wit add wasi:keyvalue/store@0.2.0-draft\n  wash wit why wasi:io/poll\n  wash wit build -o my-package.wasm"
)]
pub struct WitArgs {
    #[command(subcommand)]
    command: Command,
    /// Don't use the network
    #[arg(long, global = true, env = "WASH_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    offline: bool,
    /// Use this config file instead of the project's
    #[arg(long, global = true, value_name = "FILE", add = values::file())]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Fetch(fetch::FetchArgs),
    Update(fetch::UpdateArgs),
    Add(edit::AddArgs),
    Remove(edit::RemoveArgs),
    Clean(fetch::CleanArgs),
    Check(check::CheckArgs),
    Why(graph::WhyArgs),
    Tree(graph::TreeArgs),
    Build(build::BuildArgs),
}

impl WitArgs {
    pub fn writes_file(&self) -> bool {
        matches!(self.command, Command::Build(_))
    }
}

pub async fn run(args: WitArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let project = Context::new(&args, globals)?;
    let doing = async {
        match args.command {
            Command::Init(args) => init::init(&args, &project),
            Command::Fetch(args) => fetch::fetch(args, &project).await,
            Command::Update(args) => fetch::update(args, &project).await,
            Command::Add(args) => edit::add(args, &project).await,
            Command::Remove(args) => edit::remove(&args, &project),
            Command::Clean(args) => fetch::clean(&args, &project),
            Command::Check(args) => check::check(&args, &project).await,
            Command::Why(args) => graph::why(&args, &project),
            Command::Tree(args) => graph::tree(&args, &project),
            Command::Build(args) => build::build(args, &project).await,
        }
    };
    // What was downloaded so far, and git if it runs, go with it.
    unless_stopped(doing).await?
}

/// What all of them begin with.
struct Context<'c> {
    globals: &'c Globals,
    root: PathBuf,
    wit: Wit,
}

impl<'c> Context<'c> {
    fn new(args: &WitArgs, globals: &'c Globals) -> anyhow::Result<Self> {
        let config = args.config.as_deref();
        let overrides = Overrides {
            config: config.map(|file| globals.path(file)).transpose()?,
            offline: args.offline,
            ..globals.overrides(Purpose::Build)?
        };
        let start = globals.here()?;
        let (root, wit, warnings) = project::wit(&start, &overrides).map_err(hinted)?;
        for warning in &warnings {
            report::warn(warning, warning.hint.as_deref());
        }
        Ok(Self { globals, root, wit })
    }

    fn folder(&self) -> anyhow::Result<Folder> {
        let folder = open(&self.root, &self.wit).map_err(hinted)?;
        let none = || hinted(WitError::NoWit(self.wit.dir.display().to_string()));
        folder.ok_or_else(none)
    }

    fn print(&self, text: &str, message: &str, data: Value) -> anyhow::Result<ExitCode> {
        report::success(self.globals.output, text, message, data)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What was fetched, a line for each package.
fn lines(fetched: &Fetched) -> Vec<String> {
    let written = fetched
        .written
        .iter()
        .map(|(package, from)| format!("+ {package} ({from})"));
    let removed = fetched.removed.iter().map(|name| format!("- {name}"));
    written.chain(removed).collect()
}

fn data(fetched: &Fetched) -> Value {
    let written: Vec<Value> = fetched
        .written
        .iter()
        .map(|(package, from)| {
            let kind = match from {
                From::Local(_) => "local",
                From::Source(_) => "source",
                From::Bundle => "bundle",
                From::Registry(_) => "registry",
                From::BroughtBy(_) => "brought",
            };
            json!({ "package": package.to_string(), "from": kind, "place": from.to_string() })
        })
        .collect();
    json!({ "written": written, "removed": fetched.removed, "lock_written": fetched.lock_written })
}
