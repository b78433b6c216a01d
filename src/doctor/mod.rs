//! Looks at everything that work on a project rests on, and tells what is wrong with the command that mends it.
//!
//! What matters is decided by the project: a tool that its build runs is an error when it is missing, and a note otherwise.
//! Each module looks at one area and changes nothing; mending is the caller's. Nothing of the project runs: tools are asked for their
//! versions outside of it, since many of them obey files of the directory they are started in.

mod caches;
mod completion;
mod finding;
mod pins;
mod plugins;
mod ports;
mod programs;
mod project;
mod registries;
mod tools;

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::project::{Overrides, Project, SiblingSource};

pub use finding::{Area, Finding, Fix, Level};

/// What is looked at.
#[derive(Debug)]
pub struct Patient {
    /// `None` where there is no project.
    pub root: Option<PathBuf>,
    pub overrides: Overrides,
    /// Ask the registries that the project names.
    pub online: bool,
}

/// Looks at everything. The findings are in the order of the areas.
pub async fn examine(patient: &Patient) -> Vec<Finding> {
    let examined = project::examine(patient);
    let projects = examined.project.iter().flat_map(all).collect::<Vec<_>>();
    let mut findings = examined.findings;
    findings.extend(tools::examine(&projects, examined.kind).await);
    findings.extend(ports::examine(examined.project.as_ref()));
    findings.extend(caches::examine(patient.root.as_deref()));
    findings.extend(registries::examine(&projects, patient.online).await);
    findings.extend(completion::examine());
    findings.extend(plugins::examine());
    findings
}

/// Whether files can be made in a directory. None is: a session that watches it would take that for a change.
fn writable(directory: &Path) -> io::Result<()> {
    access(directory, Access::WRITE_OK | Access::EXEC_OK)?;
    Ok(())
}

/// A project and those that it names, in order.
fn all(project: &Project) -> Vec<&Project> {
    let siblings = project.dev.components.iter();
    let siblings = siblings.filter_map(|sibling| match &sibling.source {
        SiblingSource::Project(project) => Some(all(project)),
        SiblingSource::File(_) | SiblingSource::Image(_) => None,
    });
    [project].into_iter().chain(siblings.flatten()).collect()
}
