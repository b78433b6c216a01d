//! Opens directories of the machine without following links that a guest may have made.
//!
//! Whoever may write to a directory can put a link in the place of anything in it. So what lies in such a directory is
//! opened one component after the other, and a link among them is an error. Elsewhere links are the user's, and are
//! followed once: from then on the directory is opened where it was found first.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, mkdirat, openat, statat};
use rustix::io::Errno;

/// The directories of a host, as they were found first.
#[derive(Debug, Default)]
pub struct HostDirectories(Mutex<HashMap<PathBuf, PathBuf>>);

impl HostDirectories {
    /// Opens a directory, and creates what is missing of it if `create`. Guests write to the directories in `writable`.
    pub fn open(&self, path: &Path, writable: &[PathBuf], create: bool) -> io::Result<File> {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let real = match found.get(path) {
            Some(real) => real.clone(),
            None => resolve(path, writable)?,
        };
        let directory = open_nofollow(&real, create)?;
        found.insert(path.to_owned(), real);
        Ok(directory)
    }

    /// Opens the directory of a file, as [`Self::open`] does, and returns the file's name with it.
    pub fn open_parent<'p>(
        &self,
        path: &'p Path,
        writable: &[PathBuf],
    ) -> io::Result<(File, &'p OsStr)> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok((self.open(parent, writable, true)?, name)),
            _ => Err(Errno::INVAL.into()),
        }
    }
}

/// The path without links, but for those in `writable`, which stay in it.
fn resolve(path: &Path, writable: &[PathBuf]) -> io::Result<PathBuf> {
    let writable: Vec<PathBuf> = writable
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let mut ancestors: Vec<&Path> = path.ancestors().skip(1).collect();
    ancestors.reverse();
    for ancestor in ancestors {
        let Ok(rest) = path.strip_prefix(ancestor) else {
            continue;
        };
        let goes_up = rest.components().any(|part| part == Component::ParentDir);
        if let Ok(real) = ancestor.canonicalize()
            && !goes_up
            && writable.contains(&real)
        {
            return Ok(real.join(rest));
        }
    }
    let existing = path.ancestors().find(|path| path.exists());
    let existing = existing.unwrap_or(Path::new("/"));
    let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
    Ok(existing.canonicalize()?.join(rest))
}

/// Opens an absolute path of a directory, none of whose components is a link. What is created is for its owner alone.
fn open_nofollow(path: &Path, create: bool) -> io::Result<File> {
    let walk = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    #[cfg(target_os = "linux")]
    let through = walk | OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    let through = walk;
    let mut current = openat(CWD, "/", through, Mode::empty())?;
    for component in path.components() {
        let name = match component {
            Component::RootDir | Component::CurDir => continue,
            Component::Normal(name) => name,
            Component::ParentDir | Component::Prefix(_) => return Err(Errno::INVAL.into()),
        };
        current = match openat(&current, name, through, Mode::empty()) {
            Err(Errno::NOENT) if create => {
                match mkdirat(&current, name, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                openat(&current, name, through, Mode::empty())
            }
            opened => opened,
        }
        .map_err(|error| explain(&current, name, error))?;
    }
    let directory = openat(&current, ".", walk | OFlags::RDONLY, Mode::empty())?;
    Ok(File::from(directory))
}

/// A link is not a directory, and a message that says so helps nobody who sees a directory there.
fn explain(parent: &impl AsFd, name: &OsStr, error: Errno) -> io::Error {
    let is_link = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
    match is_link {
        true => io::Error::other(format!(
            "`{}` in it is a symbolic link that a component may have made",
            name.display()
        )),
        false => error.into(),
    }
}

/// The names of the regular files in a directory: of no links, no pipes, no directories.
pub fn regular_files(directory: &File) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let kind = match entry.file_type() {
            FileType::Unknown => statat(directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
                .map(|stat| FileType::from_raw_mode(stat.st_mode))
                .unwrap_or(FileType::Unknown),
            kind => kind,
        };
        if kind == FileType::RegularFile {
            names.push(OsStr::from_bytes(entry.file_name().to_bytes()).to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_in_a_directory_that_guests_write_to_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let (data, outside) = (root.path().join("data"), root.path().join("outside"));
        fs::create_dir(&data).unwrap();
        fs::create_dir(&outside).unwrap();
        symlink("../outside", data.join("link")).unwrap();
        symlink("data", root.path().join("spelled")).unwrap();
        for path in ["data/link", "spelled/link", "data/link/deeper"] {
            let path = root.path().join(path);
            let writable = [data.clone()];
            let error = HostDirectories::default().open(&path, &writable, true);
            assert!(error.is_err(), "{}", path.display());
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        let users = HostDirectories::default().open(&data.join("link"), &[], false);
        users.unwrap();
        let inner = root.path().join("spelled/a/b");
        HostDirectories::default()
            .open(&inner, std::slice::from_ref(&data), true)
            .unwrap();
        assert!(data.join("a/b").is_dir());
    }

    #[test]
    fn a_directory_that_becomes_a_link_is_not_opened_again() {
        let root = tempfile::tempdir().unwrap();
        let (inner, outside) = (root.path().join("data/b"), root.path().join("outside"));
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir(&outside).unwrap();
        let directories = HostDirectories::default();
        directories.open(&inner, &[], false).unwrap();
        fs::remove_dir(&inner).unwrap();
        symlink(&outside, &inner).unwrap();
        let error = directories.open(&inner, &[], false).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        fs::remove_file(&inner).unwrap();
        fs::create_dir(&inner).unwrap();
        directories.open(&inner, &[], false).unwrap();
    }
}
