//! Where a new project is put together: beside where it will be, so that it is there whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::TemplateError;

/// A folder that does not exist yet. Dropped before [`Place::settle`], it leaves nothing behind.
#[derive(Debug)]
pub struct Place {
    target: PathBuf,
    stage: TempDir,
}

impl Place {
    /// `parent` must exist, and have nothing of that name.
    pub fn reserve(parent: &Path, name: &str) -> Result<Self, TemplateError> {
        let target = free(parent, name)?;
        let failed = |source| TemplateError::Write {
            path: target.clone(),
            source,
        };
        let stage = tempfile::Builder::new().prefix(".new-").tempdir_in(parent);
        let place = Self {
            stage: stage.map_err(failed)?,
            target: target.clone(),
        };
        // Not the temporary folder itself, which is for its owner alone.
        fs::create_dir(place.dir()).map_err(failed)?;
        Ok(place)
    }

    /// What becomes the project.
    pub fn dir(&self) -> PathBuf {
        self.stage.path().join("project")
    }

    /// For what goes when the project is there.
    pub(super) fn scratch(&self) -> PathBuf {
        self.stage.path().join("scratch")
    }

    /// Moves the project to where it belongs.
    pub fn settle(self) -> Result<Settled, TemplateError> {
        fs::rename(self.dir(), &self.target).map_err(|source| match source.kind() {
            // Somebody else was faster.
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => {
                TemplateError::Exists(self.target.clone())
            }
            _ => TemplateError::Write {
                path: self.target.clone(),
                source,
            },
        })?;
        Ok(Settled {
            path: self.target.clone(),
            keep: false,
        })
    }
}

/// The path of a project that may be made.
pub(super) fn free(parent: &Path, name: &str) -> Result<PathBuf, TemplateError> {
    if !parent.is_dir() {
        return Err(TemplateError::NoParent(parent.to_path_buf()));
    }
    let target = parent.join(name);
    // Of a link, too, that leads nowhere.
    match fs::symlink_metadata(&target) {
        Ok(_) => Err(TemplateError::Exists(target)),
        Err(_) => Ok(target),
    }
}

/// A project that is there, and goes again unless it is kept: its own set-up may still fail.
#[derive(Debug)]
pub struct Settled {
    path: PathBuf,
    keep: bool,
}

impl Settled {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn keep(mut self) -> PathBuf {
        self.keep = true;
        self.path.clone()
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        if !self.keep {
            // There is nobody left to tell.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_there_whole_or_not_at_all() {
        let parent = tempfile::tempdir().unwrap();
        let entries = || fs::read_dir(parent.path()).unwrap().count();

        let place = Place::reserve(parent.path(), "given-up").unwrap();
        fs::write(place.dir().join("file"), "").unwrap();
        drop(place);
        assert_eq!(entries(), 0);

        let place = Place::reserve(parent.path(), "failed").unwrap();
        drop(place.settle().unwrap());
        assert_eq!(entries(), 0);

        let place = Place::reserve(parent.path(), "made").unwrap();
        fs::write(place.dir().join("file"), "").unwrap();
        let path = place.settle().unwrap().keep();
        assert!(path.join("file").is_file());
        assert_eq!(entries(), 1);
    }

    #[test]
    fn nothing_is_overwritten() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("file"), "kept").unwrap();
        std::os::unix::fs::symlink("nowhere", parent.path().join("link")).unwrap();
        for name in ["file", "link"] {
            let error = Place::reserve(parent.path(), name).unwrap_err();
            assert!(matches!(error, TemplateError::Exists(_)), "{error}");
        }
        let place = Place::reserve(parent.path(), "late").unwrap();
        fs::create_dir(parent.path().join("late")).unwrap();
        fs::write(parent.path().join("late/file"), "kept").unwrap();
        assert!(matches!(place.settle(), Err(TemplateError::Exists(_))));
        assert!(parent.path().join("late/file").is_file());
    }
}
