//! Where installed plugins are, and the reading side of it. `plugin::install` has the writing side.
//!
//! ```text
//! plugins/installed/NAME.json     the manifest: a plugin is installed when this file is there
//! plugins/components/HEX.wasm     by digest
//! plugins/compiled/               compiled code
//! plugins/data/NAME/              what the plugin may write to
//! plugins/policy.json             what the user allowed and denied
//! plugins/lock                    held by whoever writes
//! ```
//!
//! A manifest appears by renaming, after everything it names is there, and vanishes first; so readers need no lock.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{FORMAT, Manifest};
use crate::folders;
use crate::oci::Digest;

/// The plugins of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

/// What is installed, and what could not be read.
#[derive(Debug, Default)]
pub struct Installed {
    /// In the order of their names.
    pub plugins: Vec<Manifest>,
    pub broken: Vec<Broken>,
}

/// An entry of the store that cannot be read. It does not keep others from working.
#[derive(Debug, thiserror::Error)]
#[error("the plugin in `{}` cannot be read: {reason}", path.display())]
pub struct Broken {
    pub path: PathBuf,
    pub reason: String,
}

impl Broken {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self.path.file_stem() {
            Some(name) => format!(
                "`wash plugin uninstall {0}` removes it; installing it again replaces it",
                name.to_string_lossy()
            ),
            None => "XDG_DATA_HOME says where plugins are".to_owned(),
        }
    }
}

/// A manifest larger than this was not written by us.
const LARGEST: u64 = 16 << 20;

impl Store {
    /// The store in the user's data folder, `XDG_DATA_HOME` or `~/.local/share`; `None` without a home.
    pub fn of_user() -> Option<Self> {
        Some(Self::at(folders::data()?.join("plugins")))
    }

    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn manifest_path(&self, name: &str) -> PathBuf {
        self.manifests().join(format!("{name}.json"))
    }

    pub fn component_path(&self, digest: &Digest) -> PathBuf {
        let (_, digits) = digest.parts();
        self.components().join(format!("{digits}.wasm"))
    }

    /// What a plugin may write to.
    pub fn data(&self, name: &str) -> PathBuf {
        self.root.join("data").join(name)
    }

    pub fn policy_path(&self) -> PathBuf {
        self.root.join("policy.json")
    }

    pub fn compiled(&self) -> PathBuf {
        self.root.join("compiled")
    }

    /// A file, and a directory of files: one of them changes when what is installed or allowed does.
    pub fn sources(&self) -> [PathBuf; 2] {
        [self.policy_path(), self.manifests()]
    }

    pub(super) fn manifests(&self) -> PathBuf {
        self.root.join("installed")
    }

    pub(super) fn components(&self) -> PathBuf {
        self.root.join("components")
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Everything that is installed. Never fails: what cannot be read is in [`Installed::broken`].
    pub fn installed(&self) -> Installed {
        let mut installed = Installed::default();
        let dir = self.manifests();
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    let reason = error.to_string();
                    installed.broken.push(Broken { path: dir, reason });
                }
                return installed;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                match read(&path) {
                    Ok(Some(manifest)) => installed.plugins.push(manifest),
                    // It was uninstalled this moment.
                    Ok(None) => {}
                    Err(reason) => installed.broken.push(Broken { path, reason }),
                }
            }
        }
        installed.plugins.sort_by(|a, b| a.name.cmp(&b.name));
        installed.broken.sort_by(|a, b| a.path.cmp(&b.path));
        installed
    }

    /// The plugin of this name, if it is installed.
    pub fn find(&self, name: &str) -> Result<Option<Manifest>, Broken> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = self.manifest_path(name);
        read(&path).map_err(|reason| Broken { path, reason })
    }
}

fn read(path: &Path) -> Result<Option<Manifest>, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    // A pipe would never end.
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err("it is no file that `wash` wrote".to_owned());
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if manifest.format != FORMAT {
        return Err(format!(
            "it has format {}, which this version of `wash` does not know",
            manifest.format
        ));
    }
    if path.file_stem() != Some(manifest.name.as_ref()) || !is_name(&manifest.name) {
        return Err("it is the manifest of a plugin with another name".to_owned());
    }
    Ok(Some(manifest))
}

/// Whether a plugin, a command, an argument or a flag may be called so: words of lower-case letters and digits with `-`
/// between them, beginning with a letter. As a name of a file it stays in its folder, and on a terminal it is
/// what it looks like.
pub fn is_name(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'))
    };
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::testing::manifest;

    fn store() -> (tempfile::TempDir, Store) {
        let root = tempfile::tempdir().unwrap();
        let store = Store::at(root.path().to_owned());
        fs::create_dir_all(store.manifests()).unwrap();
        (root, store)
    }

    fn put(store: &Store, file: &str, text: &str) {
        fs::write(store.manifests().join(file), text).unwrap();
    }

    #[test]
    fn what_is_broken_stands_aside() {
        let (_root, store) = store();
        for name in ["b", "a"] {
            let text = serde_json::to_string(&manifest(name)).unwrap();
            put(&store, &format!("{name}.json"), &text);
        }
        put(&store, "c.json", "{");
        put(
            &store,
            "d.json",
            &serde_json::to_string(&manifest("e")).unwrap(),
        );
        let newer = Manifest {
            format: 9,
            ..manifest("f")
        };
        put(&store, "f.json", &serde_json::to_string(&newer).unwrap());
        put(&store, ".new-x", "half");
        let Installed { plugins, broken } = store.installed();
        let names: Vec<_> = plugins.iter().map(|plugin| &*plugin.name).collect();
        assert_eq!(names, ["a", "b"]);
        let broken: Vec<_> = broken.iter().map(ToString::to_string).collect();
        assert_eq!(broken.len(), 3, "{broken:?}");
        assert!(broken[2].contains("format 9"), "{broken:?}");
    }

    #[test]
    fn nothing_is_installed_where_there_is_nothing() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::at(root.path().join("none"));
        let installed = store.installed();
        assert!(installed.plugins.is_empty() && installed.broken.is_empty());
        assert!(store.find("a").unwrap().is_none());
        assert!(store.find("../a").unwrap().is_none());
    }

    #[test]
    fn names_are_words() {
        for name in ["my", "keyvalue-redis", "a1"] {
            assert!(is_name(name), "{name}");
        }
        let long = "a".repeat(65);
        for name in [
            "", "-", "a-", "a--b", "1a", "A", "a/b", "..", "/a", "a b", "ä", "a\u{1b}", &long,
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
