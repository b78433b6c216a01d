//! `wash plugin test`

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;
use wash_common::advice;
use wash_common::advice::hinted;
use wash_common::locked_tempdir::Scratch;

use super::invoke::Given;
use super::permissions::PermissionArgs;
use super::show::Shown;
use super::{Means, hooks, invoke, show, source};
use crate::commands::oci::AccessArgs;
use crate::commands::{Globals, not_parsed, unless_stopped};
use crate::completion::values;
use crate::plugin::examine::{Choices, examine};
use crate::plugin::hook::Event;
use crate::plugin::install::{Replace, StoreError};
use crate::plugin::invocation::NamedError;
use crate::plugin::manifest::{HookPoint, Manifest, Runs};
use crate::plugin::policy::Decisions;
use crate::plugin::{Store, describe, install};
use crate::plugin_commands::augment;
use crate::project::Purpose;
use crate::{build, project, report};

/// Try a plugin without installing it
///
/// Checks the plugin as `install` does, and shows its description. With ARGS or --hook, runs its command or hook as if it
/// were installed, with a temporary data directory and the permissions given below.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash plugin test .\n  wash plugin test . -- list --all\n  wash plugin test my.wasm --host api.example.com -- fetch\n  wash plugin test . --hook before-push --project"
)]
pub(super) struct TestArgs {
    /// A file, a project directory, or REGISTRY/REPOSITORY:TAG
    #[arg(value_name = "PATH", add = values::component_file())]
    path: PathBuf,
    /// Arguments of the plugin's command, after its name if it adds several
    #[arg(last = true, value_name = "ARGS")]
    arguments: Option<Vec<OsString>>,
    /// Run this hook on the last build of the project in the current directory
    #[arg(long, value_name = "HOOK", conflicts_with = "arguments")]
    hook: Option<HookPoint>,
    /// Grant everything the plugin requests
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    what: PermissionArgs,
    #[command(flatten)]
    access: AccessArgs,
}

pub(super) async fn run(args: TestArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    let Means {
        reserved, globals, ..
    } = means;
    let source = source::named(Some(&args.path), globals)?;
    let fetched = source::fetch(source, &args.access, globals).await?;
    let subject = fetched.subject(Choices::default());
    let place = Scratch::temporary("wash-plugin-test-").map_err(hinted)?;
    let store = Store::at(place.path().to_owned());
    // It is compiled, which may take longer than anybody wants to wait.
    let examined = unless_stopped(examine(&subject, &store, reserved)).await?;
    let manifest = examined.map_err(hinted)?;
    // Clashes are for the installation to tell.
    let nobody = describe::Reserved::default();
    let bytes = &subject.bytes;
    let installed = install::install(&store, &manifest, bytes, &nobody, Replace::SameSource);
    installed.map_err(|error| match error {
        StoreError::Write { source, .. } => temporary(source),
        other => hinted(other),
    })?;
    let mut decisions = Decisions::default();
    for permission in args.what.permissions(globals)? {
        decisions.allow(permission);
    }
    if args.all {
        let wants = manifest.wants.iter();
        wants.for_each(|want| decisions.allow(want.what.clone()));
    }
    if let Some(point) = args.hook {
        return hook(point, &manifest, &decisions, &store, globals).await;
    }
    let Some(words) = args.arguments else {
        let text = show::text(&store, &manifest, &decisions, Shown::Tried);
        let data = json!({ "plugin": manifest });
        report::success(globals.output, &text, "examined", data)?;
        return Ok(ExitCode::SUCCESS);
    };
    let given = match given(&manifest, words, &store)? {
        Ok(given) => given,
        // Not `exit`, which would leave the directory behind.
        Err(error) => return Ok(not_parsed(&error, globals.output)),
    };
    invoke::run_with(&store, &manifest, &decisions, given, globals).await
}

fn temporary(source: io::Error) -> anyhow::Error {
    let path = std::env::temp_dir();
    hinted(NamedError::Temporary { path, source })
}

/// Calls a hook as the commands of `wash` do, with the project of the current directory.
async fn hook(
    point: HookPoint,
    manifest: &Manifest,
    decisions: &Decisions,
    store: &Store,
    globals: &Globals,
) -> anyhow::Result<ExitCode> {
    let name = &manifest.name;
    if !manifest.hooks.contains(&point) {
        let problem = format!("the plugin `{name}` has no `{}` hook", point.name());
        return Err(advice::usage(problem));
    }
    let overrides = globals.overrides(Purpose::Build)?;
    let root = project::find_root(&globals.here()?).map_err(hinted)?;
    let project = project::load(&root, &overrides).map_err(hinted)?;
    let reference = format!("localhost:5000/{}:test", project.name);
    let built = match point {
        HookPoint::BeforeBuild | HookPoint::BeforeDev | HookPoint::AfterDev => None,
        HookPoint::AfterBuild | HookPoint::BeforePush | HookPoint::AfterPush => {
            let path = build::left(&project)
                .into_iter()
                .find(|path| path.is_file());
            let path = path.context("the project is not built: run `wash build` first")?;
            let bytes = fs::read(&path);
            let bytes = bytes.with_context(|| format!("cannot read `{}`", path.display()))?;
            Some((path, bytes))
        }
    };
    let event = match &built {
        Some((path, bytes)) => hooks::with(&project.name, path, bytes),
        None => hooks::event(&project.name),
    };
    let event = Event {
        reference: matches!(point, HookPoint::BeforePush | HookPoint::AfterPush)
            .then_some(reference.as_str()),
        ..event
    };
    hooks::call_with(store, manifest, decisions, point, &event, globals).await?;
    let text = format!("the `{}` hook of `{name}` passed", point.name());
    let data = json!({ "hook": point.name(), "plugin": manifest });
    report::success(globals.output, &text, "passed", data)?;
    Ok(ExitCode::SUCCESS)
}

/// The words as they would be understood after `wash`.
fn given(
    manifest: &Manifest,
    words: Vec<OsString>,
    store: &Store,
) -> anyhow::Result<Result<Given, clap::Error>> {
    if manifest.runs == Runs::Program {
        return Ok(Ok(Given::Words(words)));
    }
    let commands: Vec<&str> = manifest.top_level().map(|c| c.path[0].as_str()).collect();
    let only = match commands.as_slice() {
        [] if manifest.hooks.is_empty() => {
            anyhow::bail!("the plugin `{}` adds no commands", manifest.name)
        }
        [] => anyhow::bail!(
            "the plugin `{}` adds no commands: `--hook` runs one of its hooks",
            manifest.name
        ),
        [only] => Some(OsString::from(only)),
        _ => None,
    };
    let words = std::iter::once("wash".into()).chain(only).chain(words);
    let tree = clap::Command::new("wash").subcommand_required(true);
    let tree = augment(tree, std::slice::from_ref(manifest), store);
    Ok(tree.try_get_matches_from(words).map(|matches| {
        let (first, matches) = matches.subcommand().expect("a subcommand is required");
        Given::Parsed {
            first: first.to_owned(),
            matches: matches.clone(),
        }
    }))
}
