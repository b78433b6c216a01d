//! The folders that `wash` keeps things in: whether they can be used, how big they are, and who uses them.

use std::fs;
use std::path::{Path, PathBuf};

use wash_common::atomic;
use wash_common::folders::cleanup::Cache;
use wash_common::folders::contents;
use wash_common::units::size;

use super::finding::{Area, Finding, Fix, Level};
use super::writable;
use crate::dev::reset;
use crate::dev::reset::ResetError;

pub(super) fn examine(root: Option<&Path>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = match Cache::Compiled.directory() {
        None => vec![
            Finding::new(
                Area::Caches,
                Level::Warning,
                "cannot find the cache directory: HOME is not set",
            )
            .hint("set HOME, or XDG_CACHE_HOME"),
        ],
        Some(_) => Cache::ALL.into_iter().filter_map(cache).collect(),
    };
    findings.extend(root.and_then(state));
    findings
}

fn cache(cache: Cache) -> Option<Finding> {
    let directory = cache.directory()?;
    let shown = directory.display();
    if let Some(reason) = unusable(&directory) {
        let message = format!("cannot write to `{shown}`: {reason}");
        let finding = Finding::new(Area::Caches, Level::Warning, message);
        return Some(finding.hint("set XDG_CACHE_HOME to another directory"));
    }
    let entries = contents::entries(&directory).unwrap_or_default();
    let total: u64 = entries.iter().map(|entry| entry.size).sum();
    let left = entries.iter().filter(|entry| is_abandoned(&entry.path));
    let left: Vec<&contents::Entry> = left
        .filter(|entry| atomic::is_unfinished(&entry.path) || entry.name.starts_with(".tmp"))
        .collect();
    if !left.is_empty() {
        let bytes: u64 = left.iter().map(|entry| entry.size).sum();
        let message = format!(
            "`{shown}` has {} left behind by a killed process",
            size(bytes)
        );
        let paths = left.iter().map(|entry| entry.path.display().to_string());
        let fix = Fix::new(
            ["rm".to_string(), "--".to_string()]
                .into_iter()
                .chain(paths),
        );
        return Some(Finding::new(Area::Caches, Level::Note, message).fix(fix));
    }
    let message = format!("`{shown}`: {}", size(total));
    Some(Finding::new(Area::Caches, Level::Fine, message))
}

/// Why nothing can be written to a folder, or it cannot be made.
fn unusable(directory: &Path) -> Option<String> {
    let existing: PathBuf = directory
        .ancestors()
        .find(|dir| dir.symlink_metadata().is_ok())?
        .to_path_buf();
    if !existing.is_dir() {
        return Some(format!("`{}` is not a directory", existing.display()));
    }
    let refused = writable(&existing).err();
    refused.map(|error| error.to_string())
}

fn is_abandoned(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| atomic::is_abandoned(&metadata))
}

/// What the project keeps.
fn state(root: &Path) -> Option<Finding> {
    match reset::look(root) {
        Ok(kept) if kept.entries.is_empty() => None,
        Ok(kept) => {
            let (path, total) = (kept.directory.display(), size(kept.size()));
            let message = format!("`{path}`: {total}, data the project stores");
            Some(Finding::new(Area::Caches, Level::Fine, message))
        }
        // A lock goes with the process that has it, so that somebody is there.
        Err(error @ ResetError::InUse { .. }) => {
            Some(Finding::new(Area::Caches, Level::Note, error.to_string()))
        }
        Err(error) => Some(Finding::new(
            Area::Caches,
            Level::Warning,
            error.to_string(),
        )),
    }
}
