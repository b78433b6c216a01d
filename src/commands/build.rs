//! `wash build`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use wash_common::advice::hinted;
use wash_common::units::{elapsed, size};

use super::plugin::hooks;
use super::{Globals, compose, gather, short, unless_cancelled};
use crate::build::{BuildOptions, Built, build};
use crate::completion::values;
use crate::plugin::manifest::HookPoint;
use crate::project::{Overrides, Project, Purpose};
use crate::report;

/// Build the component of a project
///
/// Runs the build command in `.wash/config.yaml` (or .yml, .json, .toml). Without one, builds Cargo, npm, Python
/// (componentize-py) and Go projects with their usual tools. If the result is a core module, wraps it with the preview-1
/// adapter. Prints the path, size and build time on stdout.
///
/// With `--compose`, also builds the components in `dev.components`, links them as `wash dev` does, and writes the result
/// as one component for other runtimes. There, all members share one environment, one set of directories and so on;
/// prints what was merged, and which settings to configure in the runtime.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash build\n  wash -C examples/hello build\n  wash build -o json\n  wash build --compose -o app.wasm"
)]
pub struct BuildArgs {
    /// Project directory [default: current directory]
    #[arg(value_name = "DIR", add = values::directory())]
    project: Option<PathBuf>,
    /// Use this config file instead of the project's
    #[arg(long, value_name = "FILE", add = values::file())]
    config: Option<PathBuf>,
    /// Path of the built component, relative to the project
    #[arg(long, value_name = "FILE", add = values::wasm_file())]
    artifact_path: Option<String>,
    /// Don't fetch WIT packages
    #[arg(long)]
    skip_fetch: bool,
    /// Don't use the network
    #[arg(long, env = "WASH_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    offline: bool,
    /// Link everything into one component, and write it to -o FILE or into `.wash/composed`
    #[arg(long)]
    pub compose: bool,
    /// With --compose, replace missing imports with stubs that trap when called
    #[arg(long, requires = "compose")]
    stub_missing: bool,
}

pub async fn run(args: BuildArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let start = globals.path_or_here(args.project.as_deref())?;
    let overrides = Overrides {
        config: args.config.map(|file| globals.path(&file)).transpose()?,
        artifact: args.artifact_path,
        skip_fetch: args.skip_fetch,
        offline: args.offline,
        ..globals.overrides(match args.compose {
            true => Purpose::Compose,
            false => Purpose::Build,
        })?
    };
    let project = gather::project(gather::Named::Project(start), &overrides)?;
    hooks::run(HookPoint::BeforeBuild, hooks::event(&project.name), globals).await?;
    if args.compose {
        return compose::run(project, args.stub_missing, globals).await;
    }

    let cancel = CancellationToken::new();
    let options = BuildOptions {
        output: globals.tool_output(),
        color: false,
        cancel: cancel.clone(),
    };
    let built = unless_cancelled(&cancel, build(&project, options)).await?;
    let built = built.map_err(hinted)?;
    let event = hooks::with(&project.name, &built.path, &built.bytes);
    hooks::run(HookPoint::AfterBuild, event, globals).await?;
    show(&project, &built, globals)
}

fn show(project: &Project, built: &Built, globals: &Globals) -> anyhow::Result<ExitCode> {
    let profile = project.build.profile();
    let which = profile.map_or(String::new(), |profile| format!("{profile} build, "));
    let text = format!(
        "{} ({}, {which}{})",
        short(&built.path),
        size(built.bytes.len()),
        elapsed(built.elapsed)
    );
    let data = json!({
        "name": project.name,
        "profile": profile,
        "path": report::json_path(&built.path),
        "size": built.bytes.len(),
        "elapsed_ms": built.elapsed.as_millis() as u64,
    });
    report::success(globals.output, &text, "built", data)?;
    Ok(ExitCode::SUCCESS)
}
