//! `wash wit check`

use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::hinted;
use wash_common::sanitize;
use wash_fetch::wit::lock::Lock;
use wash_fetch::wit::name::PackageName;
use wash_fetch::wit::resolve::{Partial, Unsure, is_local};
use wash_fetch::wit::{Overrides, WitError, check, fetch};

use super::Context;
use crate::report;

/// Check that the WIT of a project is valid, complete and matches the lock
///
/// Reports problems, and unused packages in `wit/deps` and `wkg.lock`. Changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash wit check\n  wash wit check -o json")]
pub(super) struct CheckArgs {}

pub(super) async fn check(_: &CheckArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    let folder = project.folder()?;
    let lock = Lock::read(&project.root).map_err(|error| hinted(WitError::from(error)))?;
    let overrides = Overrides::read(&project.root).map_err(hinted)?;
    let partial = fetch::partial(&project.root, &project.wit, &folder);
    let partial = partial.await.map_err(hinted)?;
    let local = |package: &PackageName| is_local(package, &overrides, &project.wit);
    let report = check::check(&folder, &lock, partial, local);
    let mut text = Vec::new();
    for (package, needs) in &report.missing {
        let more = match needs.len() {
            1 => String::new(),
            several => format!(" and {} more", several - 1),
        };
        text.push(format!(
            "missing: {package}, needed by {}{more} (wash wit fetch)",
            needs[0].place
        ));
    }
    if let Some(problem) = &report.invalid {
        text.push(format!("invalid: {problem}"));
        text.extend(problem.hint.iter().map(|hint| format!("  hint: {hint}")));
    }
    text.extend(report.partial.iter().map(|partial| {
        let Partial { package, brought_by, lacks, .. } = partial;
        format!("partial: {package} in deps has only what {brought_by} uses, with {lacks} (wash wit fetch)")
    }));
    text.extend(report.unsure.iter().map(unsure));
    let untrue = report.untrue.iter().map(|package| {
        format!("untrue: wkg.lock pins another {package} than the one in deps (wash wit update {package})")
    });
    text.extend(untrue);
    text.extend(
        report
            .unused
            .iter()
            .map(|name| format!("unused: deps/{}", sanitize::line(name))),
    );
    text.extend(
        report
            .stale
            .iter()
            .map(|package| format!("unused: {package} in wkg.lock")),
    );
    if report.is_good() {
        let state = match report.unsure.is_empty() {
            true => "valid and complete",
            false => "valid",
        };
        text.push(format!("{state}: {} in deps", count(report.packages)));
    }
    let missing: Vec<_> = report
        .missing
        .iter()
        .map(|(package, needs)| {
            let places: Vec<String> = needs.iter().map(|need| need.place.to_string()).collect();
            json!({ "package": package.to_string(), "needed_by": places })
        })
        .collect();
    let invalid = report.invalid.as_ref().map(|problem| {
        let place = problem.place.as_ref();
        json!({
            "message": problem.message,
            "file": place.map(|place| &place.file),
            "line": place.map(|place| place.line),
            "column": place.map(|place| place.column),
            "hint": problem.hint,
        })
    });
    let names =
        |packages: &[PackageName]| packages.iter().map(ToString::to_string).collect::<Vec<_>>();
    let data = json!({
        "packages": report.packages,
        "missing": missing,
        "invalid": invalid,
        "partial": report.partial.iter().map(|partial| json!({
            "package": partial.package.to_string(),
            "brought_by": partial.brought_by.to_string(),
            "lacks": partial.lacks,
        })).collect::<Vec<_>>(),
        "unsure": report.unsure.iter().map(of_unsure).collect::<Vec<_>>(),
        "untrue": names(&report.untrue),
        "stale": names(&report.stale),
        "unused": report.unused,
    });
    let text = text.join("\n");
    match report.is_good() {
        true => project.print(&text, "valid and complete", data),
        false => {
            report::incomplete(project.globals.output, &text, "the WIT has problems", data)?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A package that nobody could be asked for.
pub(super) fn unsure(unsure: &Unsure) -> String {
    let Unsure {
        package,
        needed_by,
        tried,
    } = unsure;
    format!(
        "unsure: {package} in deps may have only what {needed_by} uses: {} (wash wit fetch)",
        tried.join("; ")
    )
}

pub(super) fn of_unsure(unsure: &Unsure) -> serde_json::Value {
    json!({
        "package": unsure.package.to_string(),
        "needed_by": unsure.needed_by.to_string(),
        "tried": unsure.tried,
    })
}

fn count(packages: usize) -> String {
    match packages {
        1 => "1 package".to_string(),
        several => format!("{several} packages"),
    }
}
