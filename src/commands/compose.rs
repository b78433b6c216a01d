//! `wash build --compose`: the whole project as one component for any runtime.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use wash_common::advice::hinted;
use wash_common::atomic::write_atomic;
use wash_common::units::size;
use wash_runtime::workload::Drive;

use super::plugin::hooks;
use super::{Globals, gather, short};
use crate::dev::{Wanted, neighbours};
use crate::inspect::table;
use crate::linker::{Driven, Exports, LinkPlan, LinkRequest, Provider};
use crate::plugin::manifest::HookPoint;
use crate::project::Project;
use crate::standalone::{Setting, Standalone, StandaloneError};
use crate::{report, standalone};

pub(super) async fn run(
    project: Project,
    stub_missing: bool,
    globals: &Globals,
) -> anyhow::Result<ExitCode> {
    let file = match &globals.file {
        Some(file) => globals.path(file)?,
        None => default_file(&project)?,
    };
    let mut components = gather::build(project, stub_missing, globals).await?;
    components.check_code().map_err(hinted)?;
    let members = components.members();
    let entries = components.entries(&members).wanted;
    let request = LinkRequest {
        exports: Exports::All,
        ..components.request(&members, one_way(&entries)?)
    };
    let composed = standalone::standalone(&request, &components.bytes()).map_err(|mut error| {
        if let StandaloneError::Link(failure) = &mut error {
            neighbours::suggest(&mut failure.problems, &components.project().root);
        }
        hinted(error)
    })?;
    write_atomic(&file, &composed.bytes)?;
    let event = hooks::with(&components.project().name, &file, &composed.bytes);
    hooks::run(HookPoint::AfterBuild, event, globals).await?;

    let planned = composed.plan.members.iter();
    let settings: Vec<Setting> = planned
        .flat_map(|member| {
            standalone::settings(&member.name, &member.shape, &components.settings(member))
        })
        .collect();
    let left_out = entries.iter().map(|entry| entry.name.as_str());
    let left_out: Vec<&str> = left_out
        .filter(|name| !composed.plan.members.iter().any(|m| m.name == *name))
        .collect();
    let members = composed.plan.members.iter();
    let members: Vec<&str> = members.map(|member| member.name.as_str()).collect();
    let imports = composed.plan.host.iter();
    let imports: Vec<&str> = imports.map(|import| import.import.as_str()).collect();
    let exports = composed.plan.exports.iter();
    let exports: Vec<&str> = exports.map(|export| export.export.as_str()).collect();
    let stubs = stubs(&composed.plan);
    let open = composed.plan.host.iter();
    let open: Vec<&str> = open
        .filter(|import| import.capability.is_none())
        .map(|import| import.import.as_str())
        .collect();
    let data = json!({
        "path": report::json_path(&file),
        "size": composed.bytes.len(),
        "members": members,
        "left_out": left_out,
        "imports": imports,
        "left_to_runtime": open,
        "exports": exports,
        "merged": composed.merged,
        "settings": settings,
        "stubs": stubs.iter().map(|(member, import)| json!({ "member": member, "import": import })).collect::<Vec<_>>(),
    });
    let mut text = words(&short(&file), &members, &composed, &settings, &stubs);
    if !open.is_empty() {
        text += &format!("\nleft to the runtime: {}", open.join(", "));
    }
    if !left_out.is_empty() {
        text += &format!(
            "\nnot included, because nothing needs them: {}",
            left_out.join(", ")
        );
    }
    report::success(globals.output, &text, "composed", data)?;
    Ok(ExitCode::SUCCESS)
}

/// One component has one handler of requests. What else is driven here is left out, unless the handler needs it.
fn one_way(entries: &[Wanted]) -> anyhow::Result<Driven<'_>> {
    let answers = |entry: &&Wanted| matches!(entry.drive, Drive::Http { .. });
    let answering: Vec<&Wanted> = entries.iter().filter(answers).collect();
    match answering.as_slice() {
        [] => Ok(Driven::Automatic),
        [entry] => Ok(entry.driven()),
        several => {
            let names: Vec<_> = several.iter().map(|entry| entry.name.as_str()).collect();
            let names = names.join(", ");
            anyhow::bail!(
                "`dev.routes` has routes to {names}, but a composed component has one HTTP handler: name one of them in `dev.http` instead"
            )
        }
    }
}

/// Beside the project's config, and never in version control.
fn default_file(project: &Project) -> anyhow::Result<PathBuf> {
    let dir = project.root.join(".wash/composed");
    let ignore = dir.join(".gitignore");
    fs::create_dir_all(&dir)
        .and_then(|()| fs::write(ignore, "*\n"))
        .with_context(|| format!("cannot write to `{}`", dir.display()))?;
    Ok(dir.join(format!("{}.wasm", project.name)))
}

/// The imports that trap: member and import.
fn stubs(plan: &LinkPlan) -> Vec<(&str, &str)> {
    let stubs = plan.edges.iter();
    let stubs = stubs.filter(|edge| edge.provider == Provider::Stub);
    stubs
        .map(|edge| {
            (
                plan.members[edge.member].name.as_str(),
                edge.import.as_str(),
            )
        })
        .collect()
}

fn words(
    file: &str,
    members: &[&str],
    composed: &Standalone,
    settings: &[Setting],
    stubs: &[(&str, &str)],
) -> String {
    let mut out = format!(
        "{file} ({}): {}\n",
        size(composed.bytes.len()),
        members.join(", ")
    );
    let mut section = |title: &str, rows: Vec<[String; 2]>| {
        if !rows.is_empty() {
            out += &format!("{title}\n{}", table(&rows));
        }
    };
    let merged = composed.merged.iter();
    let merged = merged.map(|merged| [merged.interface.clone(), merged.members.join(", ")]);
    section(
        "merged: each member has its own under `wash dev`; in the composed component they share one",
        merged.collect(),
    );
    let settings = settings.iter().map(|setting| {
        let whose = format!("{}: {}", setting.member, setting.names.join(", "));
        [setting.setting.to_string(), whose]
    });
    section(
        "settings: not part of the component; configure them in the runtime, for all members",
        settings.collect(),
    );
    let stubs = stubs
        .iter()
        .map(|(member, import)| [import.to_string(), member.to_string()]);
    section("stubs: trap when called", stubs.collect());
    out.truncate(out.trim_end().len());
    out
}
