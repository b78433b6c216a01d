//! `wash plugin install`

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use serde_json::{Value, json};
use wash_common::advice;
use wash_common::advice::hinted;

use super::{Means, ask, show, source};
use crate::commands::oci::AccessArgs;
use crate::commands::{prompt, unless_stopped};
use crate::completion::values;
use crate::plugin::examine::{Choices, Renamed, examine};
use crate::plugin::install::{Installed, Replace};
use crate::plugin::manifest::{Manifest, Permission};
use crate::plugin::policy::Policy;
use crate::plugin::{Store, install};
use crate::report;
use crate::report::OutputFormat;

/// Install a plugin from a file, a project or a registry
///
/// Runs the plugin once, sandboxed, to read its description. Then adds its commands, with help and completions; the
/// plugin runs only when used. On a terminal, asks for the permissions that it requests; otherwise grant them with `wash
/// plugin allow`.
///
/// Installing a plugin again from the same source keeps its data and permissions, even if the old entry cannot be read.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash plugin install ghcr.io/me/my-plugin:0.1.0\n  wash plugin install my_plugin.wasm\n  wash plugin install            (builds the project in the current directory)\n  wash plugin install tool.wasm --name tool --as wash-tool"
)]
pub(super) struct InstallArgs {
    /// A file, a project directory, or REGISTRY/REPOSITORY:TAG [default: current directory]
    #[arg(value_name = "SOURCE", add = values::components())]
    source: Option<PathBuf>,
    /// Install the plugin under another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Rename its command (OLD=NEW if it adds several)
    #[arg(long = "as", value_name = "[OLD=]NEW")]
    commands: Vec<Renamed>,
    /// Grant everything the plugin requests, without asking
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    access: AccessArgs,
}

impl FromStr for Renamed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (old, new) = match text.split_once('=') {
            Some((old, new)) => (Some(old), new),
            None => (None, text),
        };
        match new.is_empty() || old == Some("") {
            true => Err("expected NEW or OLD=NEW"),
            false => Ok(Self {
                old: old.map(str::to_owned),
                new: new.to_owned(),
            }),
        }
    }
}

pub(super) async fn run(args: InstallArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    let Means {
        store,
        reserved,
        globals,
    } = means;
    let source = source::named(args.source.as_ref(), globals)?;
    let fetched = source::fetch(source, &args.access, globals).await?;
    let subject = fetched.subject(Choices {
        name: args.name,
        commands: args.commands,
    });
    // It is compiled, which may take longer than anybody wants to wait.
    let examined = unless_stopped(examine(&subject, store, reserved)).await?;
    let manifest = examined.map_err(hinted)?;
    let installed = install::install(
        store,
        &manifest,
        &subject.bytes,
        reserved,
        Replace::SameSource,
    );
    let installed = installed.map_err(hinted)?;
    if args.yes {
        allow_all(means, &manifest)?;
    }
    let done = match &installed {
        Installed::New => "installed",
        Installed::Repaired { .. } => "repaired",
        Installed::Replaced(before) if before.digest == manifest.digest => "installed again",
        Installed::Replaced(_) => "replaced",
    };
    if let Installed::Repaired { same_source } = installed {
        kept(&manifest.name, same_source, store)?;
    }
    let data = tell(done, &manifest, means).await?;
    if globals.output == OutputFormat::Json {
        report::success(globals.output, "", done, data)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what a plugin has kept of one whose entry could not be read, and may have been another.
fn kept(name: &str, same_source: bool, store: &Store) -> anyhow::Result<()> {
    if same_source {
        return Ok(());
    }
    let decisions = Policy::read(store).map_err(hinted)?.of(name);
    if decisions.allowed.is_empty() && !store.data(name).exists() {
        return Ok(());
    }
    let allowed: Vec<String> = decisions.allowed.iter().map(ToString::to_string).collect();
    let may = match allowed.as_slice() {
        [] => String::new(),
        allowed => format!(", and may {}", allowed.join("; ")),
    };
    report::warn(
        &format!(
            "cannot determine where `{name}` was installed from before; it keeps the directory `{}`{may}",
            store.data(name).display()
        ),
        Some(&format!(
            "`wash plugin deny {name} --all` takes its permissions back"
        )),
    );
    Ok(())
}

pub(super) fn allow_all(means: &Means<'_>, manifest: &Manifest) -> anyhow::Result<()> {
    let wants = manifest.wants.iter().map(|want| want.what.clone());
    let wants: Vec<Permission> = wants.collect();
    let decided = install::decide(means.store, &manifest.name, |decisions| {
        wants.into_iter().for_each(|want| decisions.allow(want));
    });
    decided.map(drop).map_err(hinted)
}

/// Says what was done, asks what is open, and says what is open still. Returns what programs are told.
pub(super) async fn tell(
    done: &str,
    manifest: &Manifest,
    means: &Means<'_>,
) -> anyhow::Result<Value> {
    let Means { store, globals, .. } = means;
    let mut decisions = Policy::read(store).map_err(hinted)?.of(&manifest.name);
    let mut open = decisions.open(manifest);
    if globals.output == OutputFormat::Text {
        let text = show::summary(done, manifest);
        report::success(globals.output, &text, done, json!({}))?;
        if !open.is_empty() && prompt::somebody_is_there() {
            decisions = ask::ask(store, manifest, &open).await?;
            open = decisions.open(manifest);
        }
    }
    if !open.is_empty() {
        let undecided = ask::undecided(&manifest.name, &open);
        let hint = advice::Advice::hints(&undecided).join(", or ");
        report::warn(&undecided, Some(&hint));
    }
    Ok(show::data(store, manifest, &decisions))
}
