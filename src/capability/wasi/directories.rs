//! The directories that a member is given: checked without touching them, then created and opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use wasmtime_wasi::filesystem::WasiFilesystemCtx;
use wasmtime_wasi::{FsPerms, WasiCtx};

use crate::capability::Fault;
use crate::host::workload::{Access, Directory, Volume};
use crate::scratch::Scratch;

/// Looks for what would keep directories from being opened.
pub(super) fn check(directories: &[Directory]) -> Vec<Fault> {
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
            let message = format!("{what} is at `{guest}` in the guest, as another one is");
            faults.push(fault(message, None));
        }
    }
    faults
}

fn check_path(path: &Path, create: bool) -> Option<Fault> {
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

/// Opens the directories of one member, for all its instances, and creates those that are missing and may be.
pub(super) fn open(
    directories: &[Directory],
    volumes: &Volumes,
) -> Result<WasiFilesystemCtx, Fault> {
    let mut wasi = WasiCtx::builder();
    for Directory {
        volume,
        guest,
        access,
    } in directories
    {
        let path = match volume {
            Volume::HostPath { path, create } => {
                if *create {
                    fs::create_dir_all(path)
                        .map_err(|error| unusable("created", path, &reason(&error)))?;
                }
                path.clone()
            }
            Volume::Empty { name } => volumes
                .path(name)
                .map_err(|error| unusable("created", Path::new(name), &reason(&error)))?,
        };
        let access = match access {
            Access::ReadOnly => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        wasi.preopened_dir(&path, guest, access)
            .map_err(|error| unusable("opened", &path, &error.root_cause().to_string()))?;
    }
    Ok(wasi.build().filesystem().clone())
}

fn unusable(done: &str, path: &Path, reason: &str) -> Fault {
    let path = path.display();
    fault(
        format!("directory `{path}` cannot be {done}: {reason}"),
        None,
    )
}

fn fault(message: String, hint: Option<&str>) -> Fault {
    Fault {
        message,
        hint: hint.map(str::to_owned),
    }
}

/// An error of the operating system, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
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
        for _ in 0..2 {
            let both = [empty("scratch", "/tmp"), empty("other", "/other")];
            assert!(open(&both, &volumes).is_ok());
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
                "volume `b` is at `/tmp` in the guest, as another one is",
                "volume `c` has no path in the guest"
            ]
        );
    }
}
