//! Copies of fixtures in a temporary directory.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Some projects beside each other. The first is the one to run.
pub(crate) struct Projects {
    temp: TempDir,
    first: &'static str,
}

impl Projects {
    /// Copies of these fixtures. `test` makes their artifacts unique: all tests share one target directory, so that
    /// dependencies are compiled once.
    pub(crate) fn copy(test: &str, fixtures: &[&'static str]) -> Self {
        let projects = Self {
            temp: tempfile::tempdir().unwrap(),
            first: fixtures[0],
        };
        for fixture in fixtures {
            let from = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("fixtures")
                .join(fixture);
            copy(&from, &projects.path(fixture));
            for file in ["Cargo.toml", "Cargo.lock"] {
                let (name, unique) = (
                    format!("name = \"{fixture}\""),
                    format!("name = \"{fixture}-{test}\""),
                );
                projects.replace(&format!("{fixture}/{file}"), &name, &unique);
            }
        }
        projects
    }

    /// A copy of `fixtures/projects`, of which one is to run. What they build goes where `target` is, as their configs
    /// say, and that is the directory that all tests share.
    pub(crate) fn upstream(project: &'static str, target: &Path) -> Self {
        let projects = Self {
            temp: tempfile::tempdir().unwrap(),
            first: project,
        };
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects");
        copy(&from, &projects.path(""));
        fs::create_dir_all(target).unwrap();
        std::os::unix::fs::symlink(target, projects.path("target")).unwrap();
        projects
    }

    /// A directory without a project.
    pub(crate) fn empty() -> Self {
        Self {
            temp: tempfile::tempdir().unwrap(),
            first: "",
        }
    }

    /// A path beside the projects.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.temp.path().canonicalize().unwrap().join(path)
    }

    /// The project to run.
    pub(crate) fn root(&self) -> PathBuf {
        self.path(self.first)
    }

    pub(crate) fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// Edits a file in place. The text to replace must be there.
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        self.write(path, self.replaced(path, from, to));
    }

    /// Edits a file as many editors save: a new file takes the place of the old one.
    pub(crate) fn replace_by_rename(&self, path: &str, from: &str, to: &str) {
        let text = self.replaced(path, from, to);
        let new = format!("{path}.new~");
        self.write(&new, text);
        fs::rename(self.path(&new), self.path(path)).unwrap();
    }

    fn replaced(&self, path: &str, from: &str, to: &str) -> String {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "`{path}` has no `{from}`");
        text.replace(from, to)
    }
}

/// The sources: what a build or a session has left behind stays.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            _ if name == "target" || name == "state" => {}
            true => copy(&path, &to.join(name)),
            false => {
                fs::copy(&path, to.join(name)).unwrap();
            }
        }
    }
}
