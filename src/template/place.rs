//! Where a new project is put together: beside where it will be, so that it is there whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wash_common::atomic;

use super::TemplateError;

/// A folder that does not exist yet, or the current one. Dropped before [`Place::settle`], it leaves nothing behind.
#[derive(Debug)]
pub struct Place {
    target: PathBuf,
    stage: TempDir,
    /// The target is the folder that somebody is in, which must stay the one it is.
    is_here: bool,
}

impl Place {
    /// `parent` must exist, and have nothing of that name.
    pub fn reserve(parent: &Path, name: &str) -> Result<Self, TemplateError> {
        let target = free(parent, name)?;
        Self::with_stage(target, parent, false)
    }

    /// An existing folder itself, with nothing in it but perhaps a new git repository.
    pub fn here(dir: &Path) -> Result<Self, TemplateError> {
        match has_nothing_but_git(dir) {
            true => Self::with_stage(dir.to_path_buf(), dir, true),
            false => Err(TemplateError::NotEmpty(dir.to_path_buf())),
        }
    }

    fn with_stage(target: PathBuf, stage: &Path, is_here: bool) -> Result<Self, TemplateError> {
        let failed = |source| TemplateError::Write {
            path: target.clone(),
            source,
        };
        let stage = tempfile::Builder::new()
            .prefix(atomic::PREFIX)
            .tempdir_in(stage);
        let place = Self {
            stage: stage.map_err(failed)?,
            target: target.clone(),
            is_here,
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
        let mut settled = Settled {
            path: self.target.clone(),
            made: Vec::new(),
            keep: false,
        };
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source: io::Error| match source.kind() {
                // Somebody else was faster.
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => {
                    TemplateError::Exists(path)
                }
                _ => TemplateError::Write { path, source },
            }
        };
        if !self.is_here {
            fs::rename(self.dir(), &self.target).map_err(failed(&self.target))?;
            settled.made.push(self.target);
            return Ok(settled);
        }
        let entries = fs::read_dir(self.dir()).map_err(failed(&self.target))?;
        for entry in entries.flatten() {
            let target = self.target.join(entry.file_name());
            if fs::symlink_metadata(&target).is_ok() {
                return Err(TemplateError::Exists(target));
            }
            fs::rename(entry.path(), &target).map_err(failed(&target))?;
            settled.made.push(target);
        }
        Ok(settled)
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

fn has_nothing_but_git(dir: &Path) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut others = entries.filter(|entry| entry.file_name() != ".git");
    dir.is_dir() && others.next().is_none()
}

/// A project that is there, and goes again unless it is kept: its own set-up may still fail.
#[derive(Debug)]
pub struct Settled {
    path: PathBuf,
    /// What was not there before.
    made: Vec<PathBuf>,
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
        if self.keep {
            return;
        }
        for path in &self.made {
            // There is nobody left to tell.
            let _ = match path.is_dir() && !path.is_symlink() {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            };
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
    fn a_folder_becomes_the_project_itself() {
        let parent = tempfile::tempdir().unwrap();
        let here = parent.path().join("here");
        fs::create_dir_all(here.join(".git")).unwrap();
        let place = Place::here(&here).unwrap();
        fs::create_dir_all(place.dir().join("src")).unwrap();
        // The set-up fails.
        drop(place.settle().unwrap());
        assert_eq!(fs::read_dir(&here).unwrap().count(), 1);
        let place = Place::here(&here).unwrap();
        fs::create_dir_all(place.dir().join("src")).unwrap();
        place.settle().unwrap().keep();
        assert_eq!(fs::read_dir(&here).unwrap().count(), 2);
        assert!(matches!(
            Place::here(&here),
            Err(TemplateError::NotEmpty(_))
        ));
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
