//! Puts the files of a template into a [`Place`], and runs what its author wants to be run.

use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;
use wash_common::process;
use wash_common::process::{Command, Job, Output, ProcessError};
use wash_fetch::git;
use wash_fetch::git::Commit;
use wash_fetch::wit::fetch::{fetch, open};
use wash_fetch::wit::resolve::Keep;
use wash_fetch::wit::{Wit, WitError};

use super::bundled::Template;
use super::name::Name;
use super::place::Settled;
use super::render::{File, clash, render};
use super::source::Source;
use super::tree::Files;
use super::{Place, TemplateError, tree};
use crate::report;

/// A template of ours, with the WIT packages that it refers to: all of them come with `wash`.
pub async fn from_bundled(
    template: &Template,
    name: &Name,
    place: &Place,
) -> Result<(), TemplateError> {
    let files = render(template, name);
    if let Some(what) = clash(&files, name) {
        return Err(TemplateError::Taken {
            name: name.as_str().to_string(),
            what,
        });
    }
    let root = place.dir();
    for file in &files {
        let path = root.join(&file.path);
        let dir = path.parent().unwrap_or(&root);
        fs::create_dir_all(dir).map_err(TemplateError::write(dir))?;
        fs::write(&path, &file.bytes).map_err(TemplateError::write(&path))?;
    }
    for project in with_wit(&files) {
        fetch_wit(&root.join(project)).await?;
    }
    Ok(())
}

/// The directories that have a `wit` folder.
fn with_wit(files: &[File]) -> BTreeSet<&Path> {
    let folders = files
        .iter()
        .filter_map(|file| Path::new(&file.path).parent());
    let folders = folders.filter(|folder| folder.ends_with("wit"));
    folders.filter_map(Path::parent).collect()
}

async fn fetch_wit(root: &Path) -> Result<(), WitError> {
    let wit = Wit {
        offline: true,
        ..Wit::default()
    };
    if let Some(folder) = open(root, &wit)? {
        fetch(root, &wit, &folder, Keep::All).await?;
    }
    Ok(())
}

/// What somebody else made, as it is. The commit, if it has one.
pub async fn from_source(
    source: &Source,
    subfolder: Option<&str>,
    reference: Option<&str>,
    place: &Place,
    cancel: &CancellationToken,
) -> Result<Option<Commit>, TemplateError> {
    let checkout = place.scratch();
    let (root, files, commit) = match source {
        Source::Directory(path) if !is_repository(path) => {
            if let Some(reference) = reference {
                return Err(TemplateError::NoRepository {
                    path: path.clone(),
                    reference: reference.to_string(),
                });
            }
            (path.as_path(), Files::NotIgnored, None)
        }
        _ => {
            let repository = match source {
                Source::Directory(path) => path.to_string_lossy().into_owned(),
                Source::Repository(url) => url.clone(),
            };
            let commit = git::fetch(&repository, reference, &checkout, cancel).await?;
            (checkout.as_path(), Files::All, Some(commit))
        }
    };
    let from = tree::subfolder(root, subfolder.unwrap_or("."))?;
    let commit = commit.map(|commit| Commit {
        submodules: of_template(root, &from, commit.submodules),
        pointers: of_template(root, &from, commit.pointers),
        ..commit
    });
    let to = place.dir();
    let copied = tokio::task::spawn_blocking(move || -> Result<bool, TemplateError> {
        tree::copy(&from, &to, files)?;
        let mut entries = fs::read_dir(&to).map_err(TemplateError::write(&to))?;
        Ok(entries.next().is_some())
    });
    // A panic has been told of where it was.
    let copied = copied.await;
    match copied.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()))? {
        true => Ok(commit),
        false => Err(TemplateError::Empty),
    }
}

/// Of paths in a repository those that are in the template, as they are called there.
fn of_template(root: &Path, template: &Path, paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let paths = paths.iter().map(|path| root.join(path));
    let inside = paths.filter_map(|path| Some(path.strip_prefix(template).ok()?.to_path_buf()));
    inside.collect()
}

/// With a working tree or without one.
fn is_repository(path: &Path) -> bool {
    let is_bare = || path.join("HEAD").is_file() && path.join("objects").is_dir();
    path.join(".git").exists() || is_bare()
}

/// Runs a template's own command in the project.
pub async fn set_up(
    command: &str,
    project: &Settled,
    output: &Output,
    cancel: &CancellationToken,
) -> Result<(), TemplateError> {
    let job = Job {
        command: &Command::Shell(command.to_string()),
        dir: project.path(),
        set: &[],
        unset: &[],
        wants_lines: false,
        output,
        color: false,
    };
    match process::run(job, cancel).await {
        Ok(finished) if finished.status.success() => Ok(()),
        Ok(finished) => {
            if let Output::IfFailed = output {
                report::tool_output(String::from_utf8_lossy(&finished.tail).trim_end());
            }
            Err(TemplateError::SetUp {
                command: command.to_string(),
                status: finished.status,
            })
        }
        Err(ProcessError::Cancelled) => Err(TemplateError::Cancelled),
        Err(error) => Err(TemplateError::Run(error)),
    }
}
