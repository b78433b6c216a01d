//! `wash plugin upgrade`

use std::process::ExitCode;

use serde_json::{Value, json};
use wash_common::advice;
use wash_common::advice::{ErrorClass, hinted};

use super::{Means, install as installing, report_broken, show, source};
use crate::commands::oci::AccessArgs;
use crate::commands::{Globals, Stopped, unless_stopped};
use crate::completion::values;
use crate::plugin::examine::{Choices, ExamineError, Renamed, examine};
use crate::plugin::install::Replace;
use crate::plugin::manifest::{Manifest, Runs};
use crate::plugin::policy::Policy;
use crate::plugin::{guest, install};
use crate::report;
use crate::report::OutputFormat;

/// Install plugins from their sources again
///
/// Keeps their names, data and permissions. If a new version requests more permissions, they must be granted first.
#[derive(Debug, clap::Args)]
pub(super) struct UpgradeArgs {
    /// Names of installed plugins [default: all]
    #[arg(value_name = "NAME", add = values::plugins())]
    names: Vec<String>,
    #[command(flatten)]
    access: AccessArgs,
}

pub(super) async fn run(args: UpgradeArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    let Means { store, globals, .. } = means;
    let plugins = match args.names.as_slice() {
        [] => {
            let installed = store.installed();
            report_broken(&installed);
            installed.plugins
        }
        names => {
            let found = names.iter().map(|name| install::find(store, name));
            found.collect::<Result<_, _>>().map_err(hinted)?
        }
    };
    let mut told = Vec::new();
    let mut failed: Vec<String> = Vec::new();
    let mut fault = ErrorClass::default();
    for before in &plugins {
        match upgrade(before, &args.access, means).await {
            Ok(data) => told.push(data),
            // The others may have a new version all the same.
            Err(error) if plugins.len() > 1 && !error.is::<Stopped>() => {
                let hints: Vec<&str> = advice::hints(&error).collect();
                let hint = (!hints.is_empty()).then(|| hints.join(", or "));
                let text = format!("cannot upgrade `{}`: {error:#}", before.name);
                report::warn(&text, hint.as_deref());
                fault = fault.max(advice::fault(&error));
                failed.push(format!("`{}`", before.name));
            }
            Err(error) => return Err(error),
        }
    }
    let done = match told.iter().any(|data| data["upgraded"] == true) {
        true => "upgraded",
        false => "up to date",
    };
    let data = json!({ "plugins": told });
    let message = format!("not upgraded: {}", failed.join(", "));
    match (globals.output, failed.is_empty()) {
        (OutputFormat::Text, true) => {}
        (OutputFormat::Json, true) => report::success(globals.output, "", done, data)?,
        (OutputFormat::Text, false) => report::failure(globals.output, &anyhow::anyhow!(message))?,
        (OutputFormat::Json, false) => report::incomplete(globals.output, "", &message, data)?,
    }
    Ok(match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => fault.into(),
    })
}

/// Installs a new version, if there is one. Returns what programs are told of the plugin.
async fn upgrade(
    before: &Manifest,
    access: &AccessArgs,
    means: &Means<'_>,
) -> anyhow::Result<Value> {
    let Means {
        store,
        reserved,
        globals,
    } = means;
    let fetched = source::fetch(before.source.clone(), access, globals).await?;
    let mut subject = fetched.subject(choices(before));
    // What is the same may have been changed on disk since.
    let whole = guest::bytes(store, before).is_ok();
    let is_new = !(whole && before.digest.matches(&subject.bytes));
    let mut data = match is_new {
        false => {
            if globals.output == OutputFormat::Text {
                let text = format!("`{}` is up to date", before.name);
                report::success(globals.output, &text, "", json!({}))?;
            }
            let decisions = Policy::read(store).map_err(hinted)?.of(&before.name);
            show::data(store, before, &decisions)
        }
        true => {
            // It is compiled, which may take longer than anybody wants to wait.
            let examined = unless_stopped(examine(&subject, store, reserved)).await?;
            let examined = match examined {
                Err(ExamineError::NoSuchCommand { .. }) => {
                    // The new version calls its commands otherwise: the names that were chosen are for others.
                    renamed(before, globals);
                    subject.choices.commands.clear();
                    unless_stopped(examine(&subject, store, reserved)).await?
                }
                examined => examined,
            };
            let manifest = examined.map_err(hinted)?;
            let replace = Replace::Version(&before.digest);
            let installed = install::install(store, &manifest, &subject.bytes, reserved, replace);
            installed.map_err(hinted)?;
            if globals.output == OutputFormat::Text {
                difference(before, &manifest);
            }
            installing::tell("upgraded", &manifest, means).await?
        }
    };
    data["upgraded"] = json!(is_new);
    Ok(data)
}

/// The names that were chosen before.
fn choices(before: &Manifest) -> Choices {
    let renamed = before.top_level().filter_map(|command| {
        let (old, new) = (&command.described[0], &command.path[0]);
        (old != new && before.runs != Runs::Program).then(|| Renamed {
            old: Some(old.clone()),
            new: new.clone(),
        })
    });
    let program = before.top_level().filter(|_| before.runs == Runs::Program);
    let program = program.map(|command| Renamed {
        old: None,
        new: command.path[0].clone(),
    });
    Choices {
        name: Some(before.name.clone()),
        commands: renamed.chain(program).collect(),
    }
}

/// Says that the names that were chosen for commands cannot be kept.
fn renamed(before: &Manifest, globals: &Globals) {
    if globals.output == OutputFormat::Json {
        return;
    }
    let chosen = before.top_level();
    let chosen = chosen.filter(|command| command.described[0] != command.path[0]);
    let chosen: Vec<String> = chosen
        .map(|command| format!("`{}` for `{}`", command.path[0], command.described[0]))
        .collect();
    report::warn(
        &format!(
            "the new version of `{}` renames its commands, and the names chosen for them no longer apply: {}",
            before.name,
            chosen.join(", ")
        ),
        Some("choose names again: `wash plugin install SOURCE --as OLD=NEW`"),
    );
}

/// Says what the new version requests and imports that the one before did not.
fn difference(before: &Manifest, after: &Manifest) {
    let name = &after.name;
    let new = match &after.version {
        Some(version) => format!("`{name}` {version}"),
        None => format!("the new version of `{name}`"),
    };
    let old = match &before.version {
        Some(version) => version.clone(),
        None => "the previous version".to_owned(),
    };
    for permission in install::added(before, after) {
        report::warn(&format!("{new} wants to {permission}; {old} did not"), None);
    }
    let added = after.imports.iter();
    let added: Vec<String> = added
        .filter(|import| !before.imports.contains(import))
        .map(|import| format!("`{import}`"))
        .collect();
    if !added.is_empty() {
        report::warn(
            &format!("{new} imports what {old} did not: {}", added.join(", ")),
            None,
        );
    }
}
