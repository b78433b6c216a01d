//! `wash plugin upgrade`

use std::process::ExitCode;

use serde_json::json;

use super::{Means, install as installing, source};
use crate::commands::oci::AccessArgs;
use crate::completion::values;
use crate::plugin::examine::{Choices, Renamed, Subject, examine};
use crate::plugin::install::{self, Replace};
use crate::plugin::manifest::{Manifest, Runs};
use crate::report::{self, OutputFormat, hinted};

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
    let Means {
        store,
        reserved,
        globals,
    } = means;
    let plugins = match args.names.as_slice() {
        [] => store.installed().plugins,
        names => {
            let found = names.iter().map(|name| install::find(store, name));
            found.collect::<Result<_, _>>().map_err(hinted)?
        }
    };
    for before in plugins {
        let fetched = source::fetch(before.source.clone(), &args.access, globals).await?;
        let subject = Subject {
            bytes: fetched.bytes,
            source: fetched.source,
            fallback: fetched.name,
            choices: choices(&before),
        };
        // What is the same may have been changed on disk since.
        let whole = crate::plugin::guest::bytes(store, &before).is_ok();
        if whole && before.digest.matches(&subject.bytes) {
            let text = format!("`{}` is up to date", before.name);
            let data = json!({ "name": before.name, "digest": before.digest.as_str() });
            report::success(globals.output, &text, "up to date", data)?;
            continue;
        }
        let manifest = examine(&subject, store, reserved).await.map_err(hinted)?;
        let replace = Replace::Version(&before.digest);
        let installed = install::install(store, &manifest, &subject.bytes, reserved, replace);
        installed.map_err(hinted)?;
        if globals.output == OutputFormat::Text {
            difference(&before, &manifest);
        }
        installing::tell("upgraded", &manifest, means).await?;
    }
    Ok(ExitCode::SUCCESS)
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
