//! Where installed plugins are, and the reading side of it. `plugin::install` has the writing side.
//!
//! ```text
//! plugins/installed/NAME.json     the manifest: a plugin is installed when this file is there
//! plugins/components/HEX.wasm     by digest
//! plugins/compiled/HEX/           its compiled code
//! plugins/data/NAME/              what the plugin may write to
//! plugins/policy.json             what the user allowed and denied
//! plugins/lock                    held by whoever writes
//! ```
//!
//! A manifest appears by renaming, after everything it names is there, and vanishes first; so readers need no lock.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use wash_common::shell::shell_quote;
use wash_common::{atomic, folders};
use wash_fetch::oci::Digest;
use wash_runtime::engine::cache::default_dir;

use super::manifest::{FORMAT, Manifest, Source};

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
#[error("{} cannot be read: {reason}", subject(path, *cause))]
pub struct Broken {
    pub path: PathBuf,
    pub reason: String,
    /// Where the plugin came from, if that much can be read.
    pub origin: Option<Source>,
    cause: Cause,
}

/// What keeps an entry from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Content,
    /// Its permissions, or those of a folder above it.
    Access,
    /// Every user of the machine may have changed it.
    Shared,
    /// It is under no name that a manifest has.
    Name,
}

impl Broken {
    fn new(path: &Path, cause: Cause, reason: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.into(),
            origin: None,
            cause,
        }
    }

    fn io(path: &Path, error: &io::Error) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::PermissionDenied => Cause::Access,
            _ => Cause::Content,
        };
        Self::new(path, cause, error.to_string())
    }

    /// Whether it is the content that is wrong, not who may read and change it.
    pub fn is_damaged(&self) -> bool {
        self.cause == Cause::Content
    }

    /// The name of the plugin, if the entry is one of a plugin.
    pub fn name(&self) -> Option<&str> {
        plugin_of(&self.path)
    }

    /// What the user can do about it, without losing what the plugin keeps.
    pub fn hint(&self) -> String {
        let path = shell_quote(&[&self.path.to_string_lossy()]);
        match (self.cause, self.name()) {
            (Cause::Shared, _) => format!("`chmod o-w {path}` takes write access from others"),
            (Cause::Name, _) => {
                let name = set_aside(&self.path).unwrap_or("NAME");
                let manifest = self.path.with_file_name(format!("{name}.json"));
                let manifest = shell_quote(&[&manifest.to_string_lossy()]);
                format!("`mv {path} {manifest}` brings the plugin back, `rm -r {path}` removes it")
            }
            (Cause::Access, _) => {
                format!(
                    "`sudo chown -R \"$USER\" {path}` makes you its owner; or set XDG_DATA_HOME to another directory"
                )
            }
            (Cause::Content, Some(name)) => {
                let source = match &self.origin {
                    Some(source) => shell_quote(&[&source.to_string()]),
                    None => "SOURCE".to_owned(),
                };
                let named = match self.origin {
                    Some(_) => String::new(),
                    None => format!(" --name {name}"),
                };
                format!(
                    "`wash plugin install {source}{named}` repairs it; it keeps its data and its permissions"
                )
            }
            (Cause::Content, None) => move_away(&self.path),
        }
    }
}

/// What to do about something else in the place of a folder of the store: it, or what is in the place of a folder above it.
pub(super) fn move_away(path: &Path) -> String {
    let there = path
        .ancestors()
        .find(|path| path.symlink_metadata().is_ok())
        .unwrap_or(path)
        .to_string_lossy();
    let line = shell_quote(&["mv", &there, &format!("{there}.old")]);
    format!("move it away: `{line}`; XDG_DATA_HOME sets where plugins are stored")
}

/// The name of the plugin that has its manifest here.
fn plugin_of(path: &Path) -> Option<&str> {
    let is_manifest = path.extension().is_some_and(|it| it == "json");
    let name = path.file_stem()?.to_str()?;
    (is_manifest && is_name(name)).then_some(name)
}

/// The name of the plugin whose manifest was given another name, such as `my.json.bak`.
fn set_aside(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?.trim_start_matches('.');
    let name = name.split(['.', '~']).next().unwrap_or_default();
    is_name(name).then_some(name)
}

fn subject(path: &Path, cause: Cause) -> String {
    match (cause, plugin_of(path)) {
        (Cause::Name, _) | (_, Some(_)) => format!("the plugin in `{}`", path.display()),
        (_, None) => format!("`{}`, where plugins are kept,", path.display()),
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

    /// Where compiled code of a component is kept: beside the plugins, or where they belong to another user or cannot
    /// be changed, in this user's own cache.
    pub fn compiled(&self, component: &Digest) -> PathBuf {
        let (_, digits) = component.parts();
        let beside = self.all_compiled().join(digits);
        let own = match fs::metadata(&beside) {
            Ok(metadata) => metadata.uid() == rustix::process::geteuid().as_raw(),
            Err(_) => {
                let mut above = beside.ancestors();
                let nearest = above.find(|path| path.exists());
                nearest.is_some_and(|path| rustix::fs::access(path, Access::WRITE_OK).is_ok())
            }
        };
        match own {
            true => beside,
            false => default_dir().unwrap_or(beside),
        }
    }

    pub(super) fn all_compiled(&self) -> PathBuf {
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
        for folder in [self.root(), &dir] {
            if is_open_to_all(folder) {
                let reason = "every user of this machine can change it";
                let broken = Broken::new(folder, Cause::Shared, reason);
                installed.broken.push(broken);
                return installed;
            }
        }
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    installed.broken.push(Broken::io(&dir, &error));
                } else if let Some(link) = dir.ancestors().find(|path| leads_nowhere(path)) {
                    let reason = "it is a broken symbolic link";
                    installed
                        .broken
                        .push(Broken::new(link, Cause::Content, reason));
                }
                return installed;
            }
        };
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => {
                    installed.broken.push(Broken::io(&dir, &error));
                    continue;
                }
            };
            let is_manifest = path.extension().is_some_and(|it| it == "json");
            if plugin_of(&path).is_none() && self.is_set_aside(&path) {
                let reason = "a manifest is named after its plugin, with `.json`";
                installed
                    .broken
                    .push(Broken::new(&path, Cause::Name, reason));
            } else if is_manifest {
                match read(&path) {
                    Ok(Some(manifest)) => installed.plugins.push(manifest),
                    // It was uninstalled this moment.
                    Ok(None) => {}
                    Err(broken) => installed.broken.push(broken),
                }
            }
        }
        installed.plugins.sort_by(|a, b| a.name.cmp(&b.name));
        installed.broken.sort_by(|a, b| a.path.cmp(&b.path));
        installed
    }

    /// Whether something may be the manifest of a plugin that is not installed otherwise, under another name.
    fn is_set_aside(&self, path: &Path) -> bool {
        !atomic::is_unfinished(path)
            && set_aside(path)
                .is_some_and(|name| self.manifest_path(name).symlink_metadata().is_err())
    }

    /// The plugin of this name, if it is installed.
    pub fn find(&self, name: &str) -> Result<Option<Manifest>, Broken> {
        if !is_name(name) {
            return Ok(None);
        }
        read(&self.manifest_path(name))
    }
}

/// `None` if there is none.
fn read(path: &Path) -> Result<Option<Manifest>, Broken> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        // A link that leads nowhere was not removed by `wash`.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
            return Ok(None);
        }
        Err(error) => return Err(Broken::io(path, &error)),
    };
    let broken = |reason: String| Broken::new(path, Cause::Content, reason);
    // A pipe would never end.
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(broken("it was not written by `wash`".to_owned()));
    }
    if is_open_to_all(path) {
        let reason = "every user of this machine can change it";
        return Err(Broken::new(path, Cause::Shared, reason));
    }
    let bytes = fs::read(path).map_err(|error| Broken::io(path, &error))?;
    parse(path, &bytes).map(Some).map_err(|reason| Broken {
        origin: origin(&bytes),
        ..broken(reason)
    })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest, String> {
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    // A newer manifest need not have what this version asks for.
    if let Ok(Format { format }) = serde_json::from_slice(bytes)
        && format != FORMAT
    {
        return Err(format!(
            "it has format {format}, which this version of `wash` does not know"
        ));
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if path.file_stem() != Some(manifest.name.as_ref()) || !is_name(&manifest.name) {
        return Err("it is the manifest of a plugin with another name".to_owned());
    }
    Ok(manifest)
}

/// Where a plugin came from whose manifest makes no sense otherwise.
fn origin(bytes: &[u8]) -> Option<Source> {
    #[derive(serde::Deserialize)]
    struct Origin {
        source: Source,
    }
    let origin: Option<Origin> = serde_json::from_slice(bytes).ok();
    origin.map(|origin| origin.source)
}

/// Whether there is a link whose target is not there.
fn leads_nowhere(path: &Path) -> bool {
    path.is_symlink() && !path.exists()
}

/// Whether users who are neither the owner nor of the group may write to it.
pub(super) fn is_open_to_all(path: &Path) -> bool {
    const OTHERS_WRITE: u32 = 0o002;
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & OTHERS_WRITE != 0)
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
    fn a_manifest_under_another_name_is_told() {
        for name in ["my.json.bak", "my.json~", "my.JSON", "my"] {
            let (_root, store) = store();
            put(&store, name, "{}");
            let broken = store.installed().broken;
            let [broken] = &*broken else {
                panic!("{name}: {broken:?}")
            };
            let text = broken.to_string();
            assert!(text.starts_with("the plugin in"), "{text}");
            assert!(broken.hint().contains("installed/my.json"), "{broken:?}");

            let manifest = serde_json::to_string(&manifest("my")).unwrap();
            put(&store, "my.json", &manifest);
            assert!(store.installed().broken.is_empty(), "a copy: {name}");
        }
        let (_root, store) = store();
        put(&store, ".DS_Store", "");
        put(&store, ".new-my", "");
        assert!(store.installed().broken.is_empty());
    }

    #[test]
    fn a_store_behind_a_link_that_leads_nowhere_is_told() {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("data");
        std::os::unix::fs::symlink("unmounted", &link).unwrap();
        let installed = Store::at(link.join("wash/plugins")).installed();
        let broken: Vec<_> = installed.broken.iter().map(|broken| &broken.path).collect();
        assert_eq!(broken, [&link]);

        // What is there, and empty.
        fs::create_dir(root.path().join("unmounted")).unwrap();
        let installed = Store::at(link.join("wash/plugins")).installed();
        assert!(installed.broken.is_empty());
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
