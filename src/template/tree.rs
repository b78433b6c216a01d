//! Copies the files of a template, and lets nothing lead out of it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::TemplateError;

/// Which files of a directory are the template's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    /// What `git` has checked out is what the template has.
    All,
    /// In somebody's directory there may be what was built there: what `git` would ignore is left out.
    NotIgnored,
}

/// Copies what is below `from`, which is canonical, into the existing directory `to`. Nothing that is there is overwritten.
/// The folder that `to` lies in, where a project is put together, may lie below `from` and is no part of the template.
pub(super) fn copy(from: &Path, to: &Path, files: Files) -> Result<(), TemplateError> {
    let mut walk = WalkBuilder::new(from);
    walk.standard_filters(false).follow_links(false);
    if files == Files::NotIgnored {
        walk.git_ignore(true).git_exclude(true).parents(true);
        walk.require_git(false);
    }
    let stage = to.parent().and_then(|stage| stage.canonicalize().ok());
    walk.filter_entry(move |entry| {
        entry.file_name() != ".git" && Some(entry.path()) != stage.as_deref()
    });
    for entry in walk.build() {
        let entry = entry.map_err(|error| TemplateError::Unreadable(error.to_string()))?;
        let Some(path) = below(from, entry.path()) else {
            continue;
        };
        let target = to.join(&path);
        one(from, &path, &entry, &target)?;
    }
    Ok(())
}

/// `None` for the directory itself.
fn below(from: &Path, path: &Path) -> Option<PathBuf> {
    let path = path.strip_prefix(from).ok()?;
    (!path.as_os_str().is_empty()).then(|| path.to_path_buf())
}

fn one(root: &Path, path: &Path, entry: &DirEntry, target: &Path) -> Result<(), TemplateError> {
    let failed = |source| TemplateError::Write {
        path: target.to_path_buf(),
        source,
    };
    let kind = entry.file_type();
    if kind.is_some_and(|kind| kind.is_dir()) {
        fs::create_dir(target).map_err(failed)
    } else if kind.is_some_and(|kind| kind.is_file()) {
        file(entry.path(), target).map_err(failed)
    } else if kind.is_some_and(|kind| kind.is_symlink()) {
        let to = inside(root, path)?;
        std::os::unix::fs::symlink(to, target).map_err(failed)
    } else {
        Err(TemplateError::NotAFile(path.to_path_buf()))
    }
}

/// A file as `git` would check it out: a program or not, and nothing else of its mode, least of all whose rights it runs with.
fn file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let is_program = source.metadata()?.permissions().mode() & 0o100 != 0;
    let mut new = OpenOptions::new();
    // What the umask takes away is taken away when it is created.
    new.mode(if is_program { 0o755 } else { 0o644 });
    let mut target = new.write(true).create_new(true).open(to)?;
    io::copy(&mut source, &mut target)?;
    Ok(())
}

/// What a link says, if it leads to something in the template. A chain of links may lead out where each of them does not, so
/// its end is looked at. One that leads to nothing could lead anywhere later.
fn inside(root: &Path, path: &Path) -> Result<PathBuf, TemplateError> {
    let link = root.join(path);
    let to = fs::read_link(&link).map_err(|source| TemplateError::Read {
        path: link.clone(),
        source,
    })?;
    let end = link.canonicalize().ok();
    let stays = |end: &PathBuf| {
        let end = end.strip_prefix(root);
        to.is_relative() && end.is_ok_and(|end| !end.starts_with(".git"))
    };
    match end {
        Some(end) if stays(&end) => Ok(to),
        _ => Err(TemplateError::LeadsOut {
            link: path.to_path_buf(),
            to,
        }),
    }
}

/// A directory of a template, by a path from its root.
pub(super) fn subfolder(root: &Path, path: &str) -> Result<PathBuf, TemplateError> {
    let no = |reason: &str| TemplateError::Subfolder {
        path: path.to_string(),
        reason: reason.to_string(),
    };
    use std::path::Component;
    let mut parts = Path::new(path).components();
    if !parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(no("expected a path inside the template, without `..`"));
    }
    let root = root.canonicalize().map_err(|source| TemplateError::Read {
        path: root.to_path_buf(),
        source,
    })?;
    match root.join(path).canonicalize() {
        Ok(dir) if !dir.starts_with(&root) => {
            Err(no("it is a link that points outside of the template"))
        }
        Ok(dir) if dir.starts_with(root.join(".git")) => Err(no("it belongs to git")),
        Ok(dir) if dir.is_dir() => Ok(dir),
        Ok(_) => Err(no("it is a file")),
        Err(_) => Err(no("the template has no such directory")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Dirs {
        temp: tempfile::TempDir,
    }

    impl Dirs {
        fn new() -> Self {
            let temp = tempfile::tempdir().unwrap();
            fs::create_dir_all(temp.path().join("from/a/b")).unwrap();
            fs::create_dir(temp.path().join("to")).unwrap();
            fs::write(temp.path().join("from/a/file"), "text").unwrap();
            Self { temp }
        }

        fn at(&self, path: &str) -> PathBuf {
            self.temp.path().canonicalize().unwrap().join(path)
        }

        fn copy(&self) -> Result<(), TemplateError> {
            copy(&self.at("from"), &self.at("to"), Files::All)
        }
    }

    #[test]
    fn files_directories_and_links_that_stay_inside() {
        let dirs = Dirs::new();
        let program = fs::Permissions::from_mode(0o755);
        fs::set_permissions(dirs.at("from/a/file"), program).unwrap();
        symlink("../file", dirs.at("from/a/b/link")).unwrap();
        fs::create_dir(dirs.at("from/.git")).unwrap();
        dirs.copy().unwrap();
        assert_eq!(fs::read_to_string(dirs.at("to/a/b/link")).unwrap(), "text");
        let mode = fs::metadata(dirs.at("to/a/file")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o111, 0o111);
        assert!(!dirs.at("to/.git").exists());
    }

    #[test]
    fn links_that_lead_out_are_refused() {
        for links in [
            &[("link", "../to")][..],
            &[("link", "/etc/passwd")],
            &[("link", "/")],
            &[("link", "missing")],
            &[("link", "link")],
            &[("link", ".git/config")],
            &[("a/b/up", "../.."), ("link", "a/b/up/../to")],
            &[("a/b/link", "../../../to")],
        ] {
            let dirs = Dirs::new();
            fs::create_dir(dirs.at("from/.git")).unwrap();
            fs::write(dirs.at("from/.git/config"), "").unwrap();
            for (link, to) in links {
                symlink(to, dirs.at("from").join(link)).unwrap();
            }
            let error = dirs.copy().unwrap_err();
            assert!(
                matches!(error, TemplateError::LeadsOut { .. }),
                "{links:?}: {error}"
            );
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let dirs = Dirs::new();
        fs::create_dir(dirs.at("to/a")).unwrap();
        assert!(dirs.copy().is_err());
    }

    #[test]
    fn what_git_ignores_is_left_out_of_a_directory() {
        let dirs = Dirs::new();
        fs::write(dirs.at("from/.gitignore"), "b\n").unwrap();
        copy(&dirs.at("from"), &dirs.at("to"), Files::NotIgnored).unwrap();
        assert!(dirs.at("to/a/file").is_file() && dirs.at("to/.gitignore").is_file());
        assert!(!dirs.at("to/a/b").exists());
    }

    #[test]
    fn a_subfolder_is_inside() {
        let dirs = Dirs::new();
        symlink("../to", dirs.at("from/out")).unwrap();
        symlink("a/b", dirs.at("from/in")).unwrap();
        let from = dirs.at("from");
        assert_eq!(subfolder(&from, "a/b").unwrap(), dirs.at("from/a/b"));
        assert_eq!(subfolder(&from, "in").unwrap(), dirs.at("from/a/b"));
        for (path, said) in [
            ("../to", "without `..`"),
            ("a/../../to", "without `..`"),
            ("/etc", "without `..`"),
            ("out", "points outside"),
            ("missing", "no such directory"),
            ("a/file", "it is a file"),
        ] {
            let error = subfolder(&from, path).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
