//! Temporary directories that go with their process, however it ends.
//!
//! Each is locked as long as it is used. A process that was killed leaves its directories behind, but not its locks, so
//! whoever makes the next one knows which nobody uses any more, and removes them.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::advice::{Advice, ErrorClass};

/// There is no place for temporary files.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a temporary directory in `{}`", .directory.display())]
pub struct ScratchError {
    directory: PathBuf,
    source: io::Error,
}

impl Advice for ScratchError {
    fn hints(&self) -> Vec<String> {
        vec!["TMPDIR names the directory for temporary files".to_string()]
    }

    fn fault(&self) -> ErrorClass {
        ErrorClass::Environment
    }
}

/// A directory that is removed with this.
#[derive(Debug)]
pub struct Scratch {
    // Removed before the lock is given up: nobody else does it meanwhile.
    directory: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes a directory whose name begins with `prefix`, which no other kind of directory there may do.
    pub fn new(within: &Path, prefix: &str) -> io::Result<Self> {
        sweep(within, prefix);
        loop {
            let directory = tempfile::Builder::new().prefix(prefix).tempdir_in(within)?;
            if let Some(lock) = locked(directory.path())? {
                return Ok(Self {
                    directory,
                    _lock: lock,
                });
            }
            // Another process took it for left behind, between the making and the locking of it.
        }
    }

    /// The same, where the system has temporary files.
    pub fn temporary(prefix: &str) -> Result<Self, ScratchError> {
        let directory = env::temp_dir();
        Self::new(&directory, prefix).map_err(|error| ScratchError {
            // The error of the making has the random name of what is not there.
            source: fs::metadata(&directory).err().unwrap_or(error),
            directory,
        })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Locks a directory, unless another has the lock or has removed it.
fn locked(directory: &Path) -> io::Result<Option<File>> {
    let file = match File::open(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    Ok((file.try_lock().is_ok() && directory.exists()).then_some(file))
}

/// Removes what nobody uses any more. What cannot be removed stays: it may belong to another user.
fn sweep(within: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(within) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(prefix);
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_ours
            && is_directory
            && let Ok(Some(_lock)) = locked(&entry.path())
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_behind_goes_and_what_is_used_stays() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for name in ["scratch-left", "scratch-left/in-it", "other"] {
            fs::create_dir(path(name)).unwrap();
        }
        let first = Scratch::new(root.path(), "scratch-").unwrap();
        assert!(!path("scratch-left").exists());
        assert!(path("other").exists());

        let second = Scratch::new(root.path(), "scratch-").unwrap();
        assert!(first.path().exists());
        let gone = second.path().to_owned();
        drop(second);
        assert!(!gone.exists());
        assert!(first.path().exists());
    }
}
