//! `wash plugin upgrade`

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Means, install as installing, report_broken, show, source};
use crate::commands::Stopped;
use crate::commands::oci::AccessArgs;
use crate::completion::values;
use crate::plugin::examine::{Choices, Renamed, examine};
use crate::plugin::guest;
use crate::plugin::install::{self, Replace};
use crate::plugin::manifest::{Manifest, Runs};
use crate::plugin::policy::Policy;
use crate::report::{self, Fault, OutputFormat, hinted};

/// Install plugins from their sources again
///
/// They keep their names, their folders and what they were allowed. A new version that wants more says so, and has to be allowed it.
#[derive(Debug, clap::Args)]
pub(super) struct UpgradeArgs {
    /// As `wash plugin list` shows them; all of them without a name
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
    let mut fault = Fault::default();
    for before in &plugins {
        match upgrade(before, &args.access, means).await {
            Ok(data) => told.push(data),
            // The others may have a new version all the same.
            Err(error) if plugins.len() > 1 && !error.is::<Stopped>() => {
                let hints: Vec<&str> = report::hints(&error).collect();
                let hint = (!hints.is_empty()).then(|| hints.join(", or "));
                let text = format!("`{}` is not upgraded: {error:#}", before.name);
                report::warn(&text, hint.as_deref());
                fault = fault.max(report::fault(&error));
                failed.push(format!("`{}`", before.name));
            }
            Err(error) => return Err(error),
        }
    }
    let data = json!({ "plugins": told });
    let message = format!("not upgraded: {}", failed.join(", "));
    match (globals.output, failed.is_empty()) {
        (OutputFormat::Text, true) => {}
        (OutputFormat::Json, true) => {
            let is_new = |plugin: &Value| plugin["upgraded"] == true;
            let message = match data["plugins"]
                .as_array()
                .is_some_and(|all| all.iter().any(is_new))
            {
                true => "upgraded",
                false => "up to date",
            };
            report::success(globals.output, "", message, data)?;
        }
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
    let subject = fetched.subject(choices(before));
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
            let manifest = examine(&subject, store, reserved).await.map_err(hinted)?;
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

/// Says what the new version wants that the one before did not.
fn difference(before: &Manifest, after: &Manifest) {
    let version = |plugin: &Manifest| plugin.version.clone().unwrap_or_else(|| "it".to_owned());
    let (old, new) = (version(before), version(after));
    let name = &after.name;
    let added = install::added(before, after);
    for permission in &added {
        report::warn(
            &format!("`{name}` {new} wants to {permission}; {old} did not"),
            None,
        );
    }
    for import in &after.imports {
        if !before.imports.contains(import) {
            report::warn(
                &format!("`{name}` {new} imports `{import}`; {old} did not"),
                None,
            );
        }
    }
}
