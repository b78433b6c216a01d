//! Clears what a project's sessions have kept: everything in its `.wash/state`, and nothing else.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use wash_common::advice::{Advice, ErrorClass};
use wash_common::folders::contents;
use wash_common::folders::contents::Entry;
use wash_common::process_lookup::Holder;

use super::storage::STATE;

/// What there is to clear. Nobody can start to use it meanwhile.
#[derive(Debug)]
pub struct Kept {
    pub directory: PathBuf,
    /// By name.
    pub entries: Vec<Entry>,
    _lock: Option<File>,
}

#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    #[error("`{}` is in use by {}", .directory.display(), by(.holder))]
    InUse {
        directory: PathBuf,
        holder: Option<Holder>,
    },
    #[error("`{}` is a symbolic link; only data inside the project is cleared", .0.display())]
    Link(PathBuf),
    #[error("`{}`: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

fn by(holder: &Option<Holder>) -> String {
    match holder {
        Some(holder) => holder.to_string(),
        None => "another process".to_string(),
    }
}

impl Advice for ResetError {
    fn hints(&self) -> Vec<String> {
        match self {
            ResetError::InUse { .. } => vec!["stop it first".to_string()],
            ResetError::Link(path) => {
                vec![format!(
                    "clear its target by hand, or remove the link: rm {}",
                    path.display()
                )]
            }
            ResetError::Io { .. } => Vec::new(),
        }
    }

    fn fault(&self) -> ErrorClass {
        match self {
            ResetError::InUse { .. } | ResetError::Io { .. } => ErrorClass::Environment,
            ResetError::Link(_) => ErrorClass::Input,
        }
    }
}

/// Finds what a project keeps.
pub fn look(root: &Path) -> Result<Kept, ResetError> {
    let directory = root.join(STATE);
    for path in [root.join(".wash"), directory.clone()] {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => return Err(ResetError::Link(path)),
            Ok(_) => {}
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(Kept {
                    directory,
                    entries: Vec::new(),
                    _lock: None,
                });
            }
            Err(source) => return Err(ResetError::Io { path, source }),
        }
    }
    let failed = |source| ResetError::Io {
        path: directory.clone(),
        source,
    };
    let lock = File::open(&directory).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(ResetError::InUse {
                holder: Holder::of_lock(&directory),
                directory,
            });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let entries = entries(&directory).map_err(failed)?;
    Ok(Kept {
        directory,
        entries,
        _lock: Some(lock),
    })
}

/// Without what keeps the directory out of version control.
fn entries(directory: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = contents::entries(directory)?;
    entries.retain(|entry| entry.name != ".gitignore");
    Ok(entries)
}

impl Kept {
    pub fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    /// Removes all of it; a link is removed, and not what it points to.
    pub fn clear(self) -> Result<(), ResetError> {
        for entry in &self.entries {
            entry.remove().map_err(|source| ResetError::Io {
                path: entry.path.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_lies_there_is_cleared() {
        let project = tempfile::tempdir().unwrap();
        let path = |path: &str| project.path().join(path);
        assert_eq!(look(project.path()).unwrap().entries, []);

        fs::create_dir_all(path(".wash/state/blobs/deep")).unwrap();
        fs::write(path(".wash/state/blobs/deep/a"), "12345").unwrap();
        fs::write(path(".wash/state/.gitignore"), "*\n").unwrap();
        fs::write(path(".wash/config.yaml"), "").unwrap();
        fs::create_dir(path("mine")).unwrap();
        fs::write(path("mine/b"), "x").unwrap();
        symlink(path("mine"), path(".wash/state/link")).unwrap();
        symlink(path("mine"), path(".wash/state/blobs/link")).unwrap();

        let kept = look(project.path()).unwrap();
        let names: Vec<&str> = kept.entries.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["blobs", "link"]);
        assert!(matches!(
            look(project.path()),
            Err(ResetError::InUse { .. })
        ));
        kept.clear().unwrap();
        assert!(path("mine/b").exists() && path(".wash/config.yaml").exists());
        assert!(path(".wash/state/.gitignore").exists());
        assert!(!path(".wash/state/blobs").exists() && !path(".wash/state/link").exists());
    }

    #[test]
    fn a_link_in_its_place_is_left_alone() {
        let project = tempfile::tempdir().unwrap();
        let path = |path: &str| project.path().join(path);
        fs::create_dir_all(path("mine")).unwrap();
        fs::create_dir_all(path(".wash")).unwrap();
        symlink(path("mine"), path(".wash/state")).unwrap();
        assert!(matches!(look(project.path()), Err(ResetError::Link(_))));
    }
}
