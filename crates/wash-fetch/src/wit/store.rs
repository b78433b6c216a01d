//! Writes packages into `deps`: each whole or not at all, and only those that are not there already.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wash_common::atomic;
use wash_common::atomic::{WriteError, write_atomic};

use super::error::WitError;
use super::folder::Folder;
use super::lock::{Lock, NAMES};
use super::name::directory;
use super::resolve::Found;
use super::source::{Source, entries};

/// The packages whose files changed.
pub fn store<'f>(folder: &Folder, found: &'f [Found]) -> Result<Vec<&'f Found>, WitError> {
    let deps = folder.deps_dir();
    let mut written = Vec::new();
    for found in found {
        let place = place(folder, found);
        if !is_there(&place, &found.source) {
            put(&deps, &place, &found.source).map_err(|source| WriteError {
                path: place.clone(),
                source,
            })?;
            for other in others(folder, found, &place) {
                remove(other)?;
            }
            written.push(found);
        }
    }
    Ok(written)
}

/// Where a package was, or where `wkg` would keep it.
fn place(folder: &Folder, found: &Found) -> PathBuf {
    let there = folder.deps.iter().find(|source| {
        let packages = source.packages();
        packages.first() == Some(&found.package) && source.at.is_dir()
    });
    match there {
        Some(source) => source.at.clone(),
        None => folder.deps_dir().join(directory(&found.package)),
    }
}

/// The same package in another place, such as a single file.
fn others<'f>(folder: &'f Folder, found: &Found, place: &Path) -> Vec<&'f Source> {
    let same =
        |source: &&Source| source.packages().first() == Some(&found.package) && source.at != place;
    folder.deps.iter().filter(same).collect()
}

fn file_name(label: &str) -> &str {
    label.rsplit('/').next().unwrap_or(label)
}

/// The files of a package under their names in `deps`. What was binary is text there.
fn files(source: &Source) -> impl Iterator<Item = (String, &str)> {
    source.texts.iter().map(|text| {
        let name = file_name(&text.label);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        (format!("{stem}.wit"), text.text.as_str())
    })
}

fn is_there(place: &Path, source: &Source) -> bool {
    let same = |(name, text): (String, &str)| {
        fs::read(place.join(name)).is_ok_and(|bytes| bytes == text.as_bytes())
    };
    let wit = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wit");
    let count = entries(place).map_or(0, |entries| entries.iter().filter(|path| wit(path)).count());
    count == source.texts.len() && files(source).all(same)
}

/// Written beside its place and moved there.
fn put(deps: &Path, place: &Path, source: &Source) -> io::Result<()> {
    fs::create_dir_all(deps)?;
    let stage = tempfile::Builder::new()
        .prefix(atomic::PREFIX)
        .tempdir_in(deps)?;
    let new = stage.path().join("new");
    fs::create_dir(&new)?;
    for (name, text) in files(source) {
        fs::write(new.join(name), text)?;
    }
    match place.exists() {
        true => {
            let old = stage.path().join("old");
            fs::rename(place, &old)?;
            fs::rename(&new, place).inspect_err(|_| {
                // Better the old one than none.
                let _ = fs::rename(&old, place);
            })
        }
        false => fs::rename(&new, place),
    }
}

/// Takes away what is in `deps`.
pub fn remove(source: &Source) -> Result<(), WitError> {
    let removed = match source.at.is_dir() {
        true => fs::remove_dir_all(&source.at),
        false => fs::remove_file(&source.at),
    };
    removed.map_err(|error| {
        let path = source.at.clone();
        WriteError {
            path,
            source: error,
        }
        .into()
    })
}

/// Writes the lock if it says something new. Whether it did.
pub fn store_lock(root: &Path, before: &Lock, after: &Lock) -> Result<bool, WitError> {
    let path = root.join(NAMES[0]);
    if before == after && (path.exists() || after.is_empty()) {
        return Ok(false);
    }
    write_atomic(&path, after.text().as_bytes())?;
    Ok(true)
}
