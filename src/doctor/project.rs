//! The project itself: what it is taken for, and what is wrong in its configuration.

use wash_common::process::Command;
use wash_common::shell::shell_quote;

use super::finding::{Area, Finding, Fix, Level};
use super::{Patient, all, writable};
use crate::dev::lines;
use crate::dev::watch::ignored_sources;
use crate::project;
use crate::project::{Kind, Project, Verdict, Warning};

pub(super) struct Examined {
    pub(super) findings: Vec<Finding>,
    /// `None` if there is none, or what is wrong with it keeps it from being read.
    pub(super) project: Option<Project>,
    /// Told by its files, where there is no more to tell.
    pub(super) kind: Option<Kind>,
}

pub(super) fn examine(patient: &Patient) -> Examined {
    let Some(root) = &patient.root else {
        let none = Finding::new(Area::Project, Level::Note, "no project found here")
            .hint("create one with `wash new`, or name another directory with `-C DIR`");
        return Examined {
            findings: vec![none],
            project: None,
            kind: None,
        };
    };
    let mut findings = Vec::new();
    let loaded = project::load(root, &patient.overrides);
    if let Ok(project) = &loaded {
        let message = format!("`{}`: {}", project.name, kind(project));
        findings.push(Finding::new(Area::Project, Level::Fine, message));
        findings.extend(all(project).into_iter().filter_map(unwritable));
        findings.extend(all(project).into_iter().filter_map(ignored));
    }
    match project::verdict(root, &patient.overrides) {
        Ok(verdict) => findings.extend(config(verdict)),
        Err(error) => findings.push(Finding::of(Area::Project, &error)),
    }
    let project = loaded.ok();
    let bare = || project::detected(root).ok().flatten();
    let kind = match &project {
        Some(project) => Some(project.build.kind),
        None => bare().map(|project| project.build.kind),
    };
    Examined {
        findings,
        project,
        kind,
    }
}

fn config(verdict: Verdict) -> Vec<Finding> {
    let finding = |level: Level| {
        move |warning: Warning| {
            let mut finding = Finding::new(Area::Project, level, warning.to_string());
            finding.hint = warning.hint;
            finding.fix = warning.mend.map(Fix::new);
            finding
        }
    };
    let files = verdict.files.iter();
    let files: Vec<String> = files.map(|file| format!("`{}`", file.display())).collect();
    let mut findings: Vec<Finding> = Vec::new();
    if verdict.problems.is_empty() && verdict.unknown.is_empty() && !files.is_empty() {
        let message = format!("no problems in {}", files.join(", "));
        findings.push(Finding::new(Area::Project, Level::Fine, message));
    }
    findings.extend(verdict.problems.into_iter().map(finding(Level::Error)));
    findings.extend(verdict.unknown.into_iter().map(finding(Level::Warning)));
    findings.extend(verdict.warnings.into_iter().map(finding(Level::Warning)));
    findings
}

fn kind(project: &Project) -> &'static str {
    match project.build.command {
        Command::None => Kind::Prebuilt.about(),
        _ => project.build.kind.about(),
    }
}

/// Builds write into the project.
/// No edit is noticed where everything is ignored.
fn ignored(project: &Project) -> Option<Finding> {
    if project.build.command == Command::None {
        return None;
    }
    let ignored = ignored_sources(&project.root)?;
    let (message, hint) = lines::ignoring(&project.root, &ignored);
    Some(Finding::new(Area::Project, Level::Warning, message).hint(hint))
}

fn unwritable(project: &Project) -> Option<Finding> {
    let root = &project.root;
    writable(root).err().map(|error| {
        let message = format!("cannot write to `{}`: {error}", root.display());
        let chmod = shell_quote(&["chmod", "u+rwx", &root.to_string_lossy()]);
        Finding::new(Area::Project, Level::Error, message)
            .hint(format!("builds write there: {chmod}"))
    })
}
