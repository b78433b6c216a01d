//! The writing side of the store: what is installed, replaced or removed. `store` says in which order, so that the store is
//! as before or as after whenever this ends.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use wash_common::advice::{Advice, ErrorClass};
use wash_common::atomic;
use wash_common::shell::shell_quote;
use wash_fetch::oci::Digest;

use super::describe::Reserved;
use super::manifest::{Manifest, Permission, Source};
use super::policy::{Decisions, Policy, PolicyError};
use super::store::{Broken, Store, is_name, move_away};
use super::write;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot change the plugins in `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("plugin `{name}` is already installed, from `{from}`")]
    Taken {
        name: String,
        from: String,
        /// Its entry cannot be read.
        is_broken: bool,
    },
    #[error("`wash {command}` is a command of `wash` itself")]
    BuiltIn { command: String },
    #[error("`wash {command}` is a command of the plugin `{plugin}`")]
    Command { command: String, plugin: String },
    #[error("plugin `{name}` is not installed")]
    Missing {
        name: String,
        installed: Vec<String>,
    },
    #[error("the plugin `{name}` was changed by another process meanwhile")]
    Changed { name: String },
    #[error("cannot find the plugin directory: there is no home directory")]
    NoHome,
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl Advice for StoreError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Taken {
                name,
                from,
                is_broken: true,
            } => {
                let source = shell_quote(&[from]);
                return vec![
                    format!(
                        "its entry cannot be read: `wash plugin install {source}` repairs it; it keeps its data and its permissions"
                    ),
                    format!("`wash plugin uninstall {name}` removes it and its data"),
                    "`--name NAME` installs the other one under another name".to_owned(),
                ];
            }
            Self::Taken { name, .. } => {
                return vec![
                    "`--name NAME` installs it under another name".to_owned(),
                    format!("`wash plugin upgrade {name}` takes a new version from there"),
                ];
            }
            Self::BuiltIn { command } | Self::Command { command, .. } => {
                format!("`--as {command}=NAME` gives the command another name")
            }
            Self::Missing { name, installed } => return missing(name, installed),
            Self::Changed { .. } => "try again".to_owned(),
            Self::Broken(broken) => broken.hint(),
            Self::Policy(error) => return error.hints(),
            Self::Write { path, source } if source.kind() == io::ErrorKind::PermissionDenied => {
                let path = shell_quote(&[path.to_string_lossy()]);
                format!(
                    "`sudo chown -R \"$USER\" {path}` makes you its owner; or set XDG_DATA_HOME to another directory"
                )
            }
            Self::Write { path, source } if is_in_the_way(source) => {
                let folders = ["", "installed", "components", "compiled", "data"];
                let folders = folders.map(|folder| path.join(folder));
                let is_file = |path: &&PathBuf| path.exists() && !path.is_dir();
                move_away(folders.iter().find(is_file).unwrap_or(path))
            }
            Self::Write { .. } => "set XDG_DATA_HOME to another directory".to_owned(),
            Self::NoHome => "set HOME, or XDG_DATA_HOME".to_owned(),
        };
        vec![hint]
    }

    fn fault(&self) -> ErrorClass {
        match self {
            Self::NoHome => ErrorClass::Environment,
            _ => ErrorClass::Input,
        }
    }
}

/// Whether there is something else where a folder belongs.
fn is_in_the_way(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists
    )
}

fn missing(name: &str, installed: &[String]) -> Vec<String> {
    let distance = |other: &&String| strsim::damerau_levenshtein(name, other);
    // Of a short name, every other is only a few letters away.
    let is_near = |other: &&String| {
        let begins = name.len() > 1 && other.starts_with(name);
        let longest = name.chars().count().max(other.chars().count());
        begins || (distance(other) <= 2 && distance(other) * 2 <= longest)
    };
    let near = installed.iter().filter(is_near).min_by_key(distance);
    match near {
        Some(near) => vec![format!("did you mean `{near}`?")],
        None if installed.is_empty() => vec!["`wash plugin install` installs one".to_owned()],
        None => vec![format!("installed plugins: {}", installed.join(", "))],
    }
}

/// What may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace<'a> {
    /// Only what came from the same source.
    SameSource,
    /// The plugin with this component, whatever it came from.
    Version(&'a Digest),
}

/// What an installation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installed {
    New,
    /// In the place of this one.
    Replaced(Box<Manifest>),
    /// In the place of one that could not be read. Its folder and its permissions were kept.
    Repaired {
        /// Whether it is known to have come from the same source.
        same_source: bool,
    },
}

/// Installs a plugin: its component, then its manifest.
pub fn install(
    store: &Store,
    manifest: &Manifest,
    bytes: &[u8],
    reserved: &Reserved,
    replace: Replace<'_>,
) -> Result<Installed, StoreError> {
    let failed = failed(store);
    let _lock = write::lock(store).map_err(&failed)?;
    let installed = match (store.find(&manifest.name), replace) {
        // What cannot be read is replaced, unless it is known to be another plugin. What it keeps may be all that the
        // user has of it.
        (Err(Broken { origin, .. }), _) => match origin {
            Some(origin) if origin != manifest.source => {
                return Err(taken(&manifest.name, &origin, true));
            }
            origin => Installed::Repaired {
                same_source: origin.is_some(),
            },
        },
        (Ok(None), Replace::SameSource) => Installed::New,
        (Ok(Some(other)), Replace::SameSource) if other.source != manifest.source => {
            return Err(taken(&other.name, &other.source, false));
        }
        (Ok(Some(before)), Replace::SameSource) => Installed::Replaced(before.into()),
        (Ok(Some(before)), Replace::Version(digest)) if before.digest == *digest => {
            Installed::Replaced(before.into())
        }
        (Ok(_), Replace::Version(_)) => {
            let name = manifest.name.clone();
            return Err(StoreError::Changed { name });
        }
    };
    check_commands(store, manifest, reserved)?;
    if installed == Installed::New {
        set_aside(store, &manifest.name)?;
        forget(store, &manifest.name)?;
    }
    let component = store.component_path(&manifest.digest);
    let there = fs::read(&component).is_ok_and(|there| manifest.digest.matches(&there));
    if !there {
        write::file(&component, bytes).map_err(&failed)?;
    }
    let text = serde_json::to_vec_pretty(manifest).map_err(|error| failed(error.into()))?;
    write::file(&store.manifest_path(&manifest.name), &text).map_err(&failed)?;
    sweep(store);
    Ok(installed)
}

fn taken(name: &str, from: &Source, is_broken: bool) -> StoreError {
    StoreError::Taken {
        name: name.to_owned(),
        from: from.to_string(),
        is_broken,
    }
}

/// Removes plugins with their folders and everything that they were allowed; none if one of them is not there.
pub fn uninstall(store: &Store, names: &[String]) -> Result<(), StoreError> {
    let failed = failed(store);
    // It need not be one that can be read.
    let is_there =
        |name: &String| is_name(name) && store.manifest_path(name).symlink_metadata().is_ok();
    if let Some(missing) = names.iter().find(|name| !is_there(name)) {
        return Err(not_there(store, missing));
    }
    let _lock = write::lock(store).map_err(&failed)?;
    for name in names {
        match fs::remove_file(store.manifest_path(name)) {
            // Somebody else was faster, or it was named twice.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(&failed)?,
        }
        // A plugin of the same name that comes later must not find what this one was allowed and wrote.
        forget(store, name)?;
    }
    sweep(store);
    Ok(())
}

/// Changes what a plugin is allowed.
pub fn decide(
    store: &Store,
    name: &str,
    change: impl FnOnce(&mut Decisions),
) -> Result<Decisions, StoreError> {
    let _lock = write::lock(store).map_err(failed(store))?;
    if store.find(name)?.is_none() {
        return Err(not_there(store, name));
    }
    let mut policy = Policy::read(store)?;
    let decisions = policy.plugins.entry(name.to_owned()).or_default();
    change(decisions);
    let decisions = decisions.clone();
    policy.write(store)?;
    Ok(decisions)
}

/// The plugin of this name, or why there is none.
pub fn find(store: &Store, name: &str) -> Result<Manifest, StoreError> {
    store.find(name)?.ok_or_else(|| not_there(store, name))
}

fn not_there(store: &Store, name: &str) -> StoreError {
    let installed = store.installed().plugins;
    StoreError::Missing {
        name: super::describe::printable(name, 64),
        installed: installed.into_iter().map(|plugin| plugin.name).collect(),
    }
}

fn failed(store: &Store) -> impl Fn(io::Error) -> StoreError {
    let path = store.root().to_owned();
    move |source| StoreError::Write {
        path: path.clone(),
        source,
    }
}

/// No command has the name of another: of one of `wash`, of another plugin, or of the same.
fn check_commands(
    store: &Store,
    manifest: &Manifest,
    reserved: &Reserved,
) -> Result<(), StoreError> {
    let others = store.installed().plugins;
    let others = others.iter().filter(|other| other.name != manifest.name);
    let taken: Vec<(&str, &str)> = others
        .flat_map(|other| names(other).map(|word| (word, &*other.name)))
        .collect();
    let mut own = BTreeSet::new();
    for word in names(manifest) {
        let command = word.to_owned();
        if reserved.commands.contains(word) {
            return Err(StoreError::BuiltIn { command });
        }
        let other = taken.iter().find(|(taken, _)| *taken == word);
        let other = other.map(|(_, plugin)| *plugin);
        // A name that was chosen may be that of another command of the same plugin.
        let twice = !own.insert(word);
        if let Some(plugin) = other.or(twice.then_some(&manifest.name)) {
            let plugin = plugin.to_owned();
            return Err(StoreError::Command { command, plugin });
        }
    }
    Ok(())
}

/// Everything that may stand after `wash`.
fn names(manifest: &Manifest) -> impl Iterator<Item = &str> {
    manifest
        .top_level()
        .flat_map(|command| command.aliases.iter().chain(&command.path))
        .map(String::as_str)
}

/// Forgets what a plugin wrote, and what it was allowed.
/// Keeps what lies in the folder of a plugin that has lost its manifest: it may be all that the user has of it, and is not
/// for another plugin of that name.
fn set_aside(store: &Store, name: &str) -> Result<(), StoreError> {
    let data = store.data(name);
    let is_empty = |mut entries: fs::ReadDir| entries.next().is_none();
    if fs::read_dir(&data).map_or(true, is_empty) {
        return Ok(());
    }
    let free = (1..).map(|number| data.with_file_name(format!("{name}.old-{number}")));
    let aside = free
        .into_iter()
        .find(|path| path.symlink_metadata().is_err());
    let Some(aside) = aside else { return Ok(()) };
    fs::rename(&data, &aside).map_err(failed(store))?;
    tracing::warn!(
        "the data of an earlier plugin `{name}` is kept in `{}`",
        aside.display()
    );
    Ok(())
}

fn forget(store: &Store, name: &str) -> Result<(), StoreError> {
    let mut policy = Policy::read(store)?;
    if policy.plugins.remove(name).is_some() {
        policy.write(store)?;
    }
    match fs::remove_dir_all(store.data(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(store)(error)),
        _ => Ok(()),
    }
}

/// Removes components that no plugin has, their compiled code, and what processes left behind that died. Whoever calls
/// this holds the lock.
fn sweep(store: &Store) {
    let installed = store.installed();
    // Of a manifest that cannot be read it is not known which component it has.
    if !installed.broken.is_empty() {
        return;
    }
    let needed: BTreeSet<_> = installed
        .plugins
        .iter()
        .map(|plugin| store.component_path(&plugin.digest))
        .collect();
    sweep_compiled(store, &installed.plugins);
    for dir in [
        store.components(),
        store.manifests(),
        store.root().to_owned(),
    ] {
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        for entry in entries {
            let path = entry.path();
            let unfinished = atomic::is_unfinished(&path);
            let orphaned = dir == store.components() && !needed.contains(&path);
            let metadata = entry.metadata();
            let abandoned = metadata.is_ok_and(|metadata| atomic::is_abandoned(&metadata));
            if (orphaned && !unfinished) || (unfinished && abandoned) {
                // It costs room and does no harm.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Removes compiled code of what is not installed any more, unless somebody runs it.
fn sweep_compiled(store: &Store, plugins: &[Manifest]) {
    let is_needed = |name: &OsStr| plugins.iter().any(|plugin| name == plugin.digest.parts().1);
    let entries = fs::read_dir(store.all_compiled());
    for entry in entries.into_iter().flatten().flatten() {
        let path = entry.path();
        // It costs room and does no harm.
        let _ = match entry.file_type() {
            _ if is_needed(&entry.file_name()) => continue,
            Ok(kind) if kind.is_dir() => match File::open(&path).map(|dir| dir.try_lock()) {
                Ok(Ok(())) => fs::remove_dir_all(path),
                _ => continue,
            },
            _ => fs::remove_file(path),
        };
    }
}

/// What a new version wants that the old one did not.
pub fn added<'m>(before: &Manifest, after: &'m Manifest) -> Vec<&'m Permission> {
    let had = |wanted: &Permission| before.wants.iter().any(|want| want.what.covers(wanted));
    let wants = after.wants.iter().map(|want| &want.what);
    wants.filter(|wanted| !had(wanted)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::manifest::Want;
    use crate::plugin::testing::{command, manifest};

    fn store() -> (tempfile::TempDir, Store) {
        let root = tempfile::tempdir().unwrap();
        let store = Store::at(root.path().join("plugins"));
        (root, store)
    }

    fn reserved() -> Reserved {
        Reserved::of(&clap::Command::new("wash").subcommand(clap::Command::new("build")))
    }

    fn put(store: &Store, manifest: &Manifest) -> Result<Installed, StoreError> {
        install(
            store,
            manifest,
            manifest.name.as_bytes(),
            &reserved(),
            Replace::SameSource,
        )
    }

    #[test]
    fn names_clash_with_a_way_round_it() {
        let (_root, store) = store();
        assert_eq!(put(&store, &manifest("my")).unwrap(), Installed::New);
        assert!(matches!(
            put(&store, &manifest("my")).unwrap(),
            Installed::Replaced(_)
        ));
        let elsewhere = Manifest {
            source: Source::Image("ghcr.io/me/my:1".into()),
            ..manifest("my")
        };
        let error = put(&store, &elsewhere).unwrap_err();
        assert!(error.hints()[0].contains("--name"), "{error}");
        let error = put(&store, &manifest("build")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`wash build` is a command of `wash` itself"
        );
        assert!(error.hints()[0].contains("--as build=NAME"));
        let mut other = manifest("other");
        other.commands[0].aliases = vec!["my".into()];
        let error = put(&store, &other).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`wash my` is a command of the plugin `my`"
        );
        let mut twice = manifest("twice");
        twice.commands.push(command(&["twice"]));
        let error = put(&store, &twice).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`wash twice` is a command of the plugin `twice`"
        );
        assert_eq!(store.installed().plugins.len(), 1);
    }

    /// A store with the plugin `my`, which may reach a host, and has written a file.
    fn store_with_data() -> (tempfile::TempDir, Store) {
        let (root, store) = store();
        put(&store, &manifest("my")).unwrap();
        let allow = |decisions: &mut Decisions| decisions.allow(Permission::Host("a".into()));
        decide(&store, "my", allow).unwrap();
        fs::create_dir_all(store.data("my")).unwrap();
        fs::write(store.data("my").join("trips"), "mine").unwrap();
        (root, store)
    }

    #[test]
    fn nothing_of_a_plugin_is_left_for_the_next_one() {
        let (_root, store) = store_with_data();
        uninstall(&store, &["my".to_owned()]).unwrap();
        assert_eq!(Policy::read(&store).unwrap(), Policy::default());
        assert!(!store.data("my").exists());
        assert_eq!(fs::read_dir(store.components()).unwrap().count(), 0);
        assert!(matches!(
            uninstall(&store, &["my".to_owned()]),
            Err(StoreError::Missing { .. })
        ));
        assert!(uninstall(&store, &["../my".to_owned()]).is_err());
    }

    #[test]
    fn where_one_is_missing_none_is_removed() {
        let (_root, store) = store();
        put(&store, &manifest("my")).unwrap();
        let names = ["my", "yours"].map(str::to_owned);
        let error = uninstall(&store, &names).unwrap_err();
        assert_eq!(error.to_string(), "plugin `yours` is not installed");
        assert_eq!(store.installed().plugins.len(), 1);
    }

    #[test]
    fn what_was_left_behind_does_no_harm() {
        let (_root, store) = store();
        fs::create_dir_all(store.manifests()).unwrap();
        fs::create_dir_all(store.data("my")).unwrap();
        fs::write(store.data("my").join("old"), "").unwrap();
        fs::write(store.manifests().join(".new-x"), "half").unwrap();
        put(&store, &manifest("my")).unwrap();
        assert!(!store.data("my").exists(), "it is not of this plugin");
        assert_eq!(store.installed().plugins.len(), 1);
    }

    #[test]
    fn only_what_a_new_version_wants_beside_is_new() {
        let want = |name: &str| Want {
            what: Permission::Host(name.into()),
            reason: String::new(),
        };
        let before = Manifest {
            wants: vec![want("a")],
            ..manifest("my")
        };
        let after = Manifest {
            wants: vec![want("a"), want("b")],
            ..manifest("my")
        };
        assert_eq!(added(&before, &after), [&Permission::Host("b".into())]);
    }

    #[test]
    fn the_nearest_name_is_told() {
        let (_root, store) = store();
        put(&store, &manifest("my-plugin")).unwrap();
        let error = find(&store, "my-plugn").unwrap_err();
        assert_eq!(error.hints(), ["did you mean `my-plugin`?"]);
    }

    #[test]
    fn names_are_near_where_most_of_their_letters_are_the_same() {
        let installed = ["n1", "keyvalue-redis", "say"].map(str::to_owned);
        for (name, hint) in [
            ("r", "installed plugins: n1, keyvalue-redis, say"),
            ("s", "installed plugins: n1, keyvalue-redis, say"),
            ("n2", "did you mean `n1`?"),
            ("sya", "did you mean `say`?"),
            ("keyvalue-rediz", "did you mean `keyvalue-redis`?"),
            ("keyvalue", "did you mean `keyvalue-redis`?"),
        ] {
            assert_eq!(missing(name, &installed), [hint], "{name}");
        }
        assert_eq!(missing("a", &[]), ["`wash plugin install` installs one"]);
    }

    #[test]
    fn what_cannot_be_read_is_repaired_with_all_that_it_keeps() {
        for (manifest_text, same_source) in [
            (r#"{"format": 2, "source": {"file": "/my.wasm"}}"#, true),
            ("{", false),
        ] {
            let (_root, store) = store_with_data();
            let policy = Policy::read(&store).unwrap();
            let path = store.manifest_path("my");
            fs::write(&path, manifest_text).unwrap();
            let mine = Manifest {
                source: Source::File("/my.wasm".into()),
                ..manifest("my")
            };
            let repaired = put(&store, &mine).unwrap();
            assert_eq!(repaired, Installed::Repaired { same_source });
            assert_eq!(Policy::read(&store).unwrap(), policy);
            assert!(store.data("my").join("trips").exists());
            assert_eq!(store.installed().plugins, [mine]);
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_replaced_by_another_plugin() {
        let (_root, store) = store();
        fs::create_dir_all(store.manifests()).unwrap();
        let text = r#"{"format": 2, "source": {"image": "ghcr.io/me/my:1"}}"#;
        fs::write(store.manifest_path("my"), text).unwrap();
        let error = put(&store, &manifest("my")).unwrap_err();
        assert!(matches!(error, StoreError::Taken { .. }), "{error}");
        assert_eq!(fs::read_to_string(store.manifest_path("my")).unwrap(), text);
    }

    #[test]
    fn compiled_code_goes_with_what_it_was_made_of() {
        let (_root, store) = store();
        let compiled = |name: &str| {
            let mine = manifest(name);
            put(&store, &mine).unwrap();
            let dir = store.compiled(&mine.digest);
            fs::create_dir_all(&dir).unwrap();
            dir
        };
        let my = compiled("my");
        let flat = store.all_compiled().join("of-an-earlier-version.cwasm");
        fs::write(&flat, "").unwrap();
        let other = compiled("other");
        assert!(my.exists() && !flat.exists());
        uninstall(&store, &["my".to_owned()]).unwrap();
        assert!(!my.exists() && other.exists());
    }
}
