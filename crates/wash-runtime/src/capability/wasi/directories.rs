//! The directories that a member is given: checked without touching them, then created and opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use wash_common::folders::beneath::HostDirectories;
use wash_common::folders::protected::{NAMES, Protected};
use wash_common::locked_tempdir::Scratch;
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::filesystem::{Dir, OpenMode};

use super::Directories;
use super::paths::UNGUARDED;
use crate::capability::SettingsError;
use crate::capability::wasi::{Access, Directory, Volume};
use crate::workload::Workload;

/// The open directories of a member, and where it finds them.
#[derive(Default)]
pub(super) struct Preopens(pub(super) Vec<(Dir, String)>);

/// Looks for what would keep directories from being opened.
pub(super) fn check(directories: &[Directory]) -> Vec<SettingsError> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for Directory { volume, guest, .. } in directories {
        let (what, hint) = match volume {
            Volume::HostPath { path, create } => {
                faults.extend(check_path(path, *create));
                let what = format!("directory `{}`", path.display());
                (what, Some("write it as `HOST:GUEST`"))
            }
            Volume::Empty { name } => (format!("volume `{name}`"), None),
        };
        if guest.is_empty() {
            faults.push(fault(format!("{what} has no path in the guest"), hint));
        } else if !seen.insert(guest) {
            let message = format!("{what} is at `{guest}` in the guest, and so is another one");
            faults.push(fault(message, None));
        }
    }
    faults
}

fn check_path(path: &Path, create: bool) -> Option<SettingsError> {
    let host = path.display();
    if !path.is_absolute() {
        let message = format!("directory `{host}` is not an absolute path");
        return Some(fault(message, None));
    }
    let message = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return None,
        Ok(_) => format!("`{host}` is not a directory"),
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => {
            let parent = path.ancestors().skip(1).find(|path| path.exists());
            if parent.is_some_and(Path::is_dir) {
                return None;
            }
            format!("directory `{host}` cannot be created: its parent is not a directory")
        }
        Err(error) => format!("directory `{host}` cannot be opened: {}", reason(&error)),
    };
    Some(fault(message, None))
}

/// The empty volumes of one start of a workload, made when they are first asked for and removed with this.
pub(super) struct Volumes {
    within: PathBuf,
    made: Mutex<BTreeMap<String, Scratch>>,
}

impl Volumes {
    pub(super) fn new(within: &Path) -> Self {
        Self {
            within: within.to_owned(),
            made: Mutex::default(),
        }
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(volume) = made.get(name) {
            return Ok(volume.path().to_owned());
        }
        let volume = Scratch::new(&self.within, "wash-volume-")?;
        let path = volume.path().to_owned();
        made.insert(name.to_owned(), volume);
        Ok(path)
    }
}

/// What directories are opened with.
pub(super) struct Opener<'o> {
    pub(super) directories: &'o HostDirectories,
    pub(super) volumes: &'o Volumes,
    pub(super) protected: &'o Protected,
    /// The directories of the machine that guests of the workload may write to.
    pub(super) writable: &'o [PathBuf],
}

/// The directories of the machine that a workload writes to.
pub(crate) fn writable(workload: &Workload) -> Vec<PathBuf> {
    let members = workload.entries.iter().flat_map(|entry| &entry.members);
    let directories = members.flat_map(|member| &member.settings.get::<Directories>().0);
    let paths = directories.filter_map(|directory| match (&directory.volume, directory.access) {
        (Volume::HostPath { path, .. }, Access::ReadWrite) => Some(path.clone()),
        _ => None,
    });
    paths.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Opener<'_> {
    /// Opens the directories of one member, for all its instances, and creates those that are missing and may be.
    pub(super) fn open(&self, directories: &[Directory]) -> Result<Preopens, SettingsError> {
        let mut preopens = Vec::new();
        for directory in directories {
            let opened = self.open_one(directory)?;
            preopens.push((opened, directory.guest.clone()));
        }
        Ok(Preopens(preopens))
    }

    fn open_one(&self, directory: &Directory) -> Result<Dir, SettingsError> {
        let (file, unguarded) = match &directory.volume {
            Volume::HostPath { path, create } => {
                let opened = self.directories.open(path, self.writable, *create);
                let done = if *create { "created" } else { "opened" };
                let file = opened.map_err(|error| unusable(done, path, &reason(&error)))?;
                if !create && directory.access == Access::ReadWrite {
                    self.check_unprotected(path, &file)?;
                }
                (file, *create)
            }
            Volume::Empty { name } => {
                let opened = self.volumes.path(name).and_then(File::open);
                let failed = |error| unusable("created", Path::new(name), &reason(&error));
                (opened.map_err(failed)?, true)
            }
        };
        let (perms, mut mode) = match directory.access {
            Access::ReadOnly => (FsPerms::ReadOnly, OpenMode::READ),
            Access::ReadWrite => (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
        };
        if unguarded {
            mode |= UNGUARDED;
        }
        Ok(Dir::new(file, perms, mode, false))
    }

    fn check_unprotected(&self, path: &Path, directory: &File) -> Result<(), SettingsError> {
        match self.protected.contains(directory) {
            Ok(false) => Ok(()),
            Ok(true) => Err(fault(
                format!(
                    "directory `{}` cannot be writable: it lies in {}",
                    path.display(),
                    NAMES.map(|name| format!("`{name}`")).join(", ") + " or a folder of `wash`"
                ),
                Some("choose another directory, or make it read-only"),
            )),
            Err(error) => Err(unusable("opened", path, &reason(&error))),
        }
    }
}

fn unusable(done: &str, path: &Path, reason: &str) -> SettingsError {
    let path = path.display();
    fault(
        format!("directory `{path}` cannot be {done}: {reason}"),
        None,
    )
}

fn fault(message: String, hint: Option<&str>) -> SettingsError {
    SettingsError {
        message,
        hint: hint.map(str::to_owned),
    }
}

/// An error of the operating system, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    if error.raw_os_error().is_none() {
        return text;
    }
    text.split(" (os error")
        .next()
        .unwrap_or(&text)
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(name: &str, guest: &str) -> Directory {
        Directory {
            volume: Volume::Empty { name: name.into() },
            guest: guest.into(),
            access: Access::ReadWrite,
        }
    }

    #[test]
    fn a_volume_is_made_once_and_goes_with_its_workload() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let count = || fs::read_dir(root.path()).expect("it is there").count();
        let volumes = Volumes::new(root.path());
        let opener = Opener {
            directories: &HostDirectories::default(),
            volumes: &volumes,
            protected: &Protected::default(),
            writable: &[],
        };
        for _ in 0..2 {
            let both = [empty("scratch", "/tmp"), empty("other", "/other")];
            assert!(opener.open(&both).is_ok());
        }
        assert_eq!(count(), 2);
        let left = volumes.path("scratch").expect("made").join("left");
        fs::write(left, "").expect("written");
        drop(volumes);
        assert_eq!(count(), 0);
    }

    #[test]
    fn one_place_in_the_guest_holds_one_directory() {
        let faults = check(&[empty("a", "/tmp"), empty("b", "/tmp"), empty("c", "")]);
        let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "volume `b` is at `/tmp` in the guest, and so is another one",
                "volume `c` has no path in the guest"
            ]
        );
    }
}
