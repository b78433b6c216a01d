//! Finds what a build left behind.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::BuildError;
use crate::project::{Artifact, Command, Project};

/// `took` is how long the build ran: what it wrote is no older.
pub(super) fn find(
    project: &Project,
    messages: &[String],
    took: Duration,
) -> Result<PathBuf, BuildError> {
    match &project.build.artifact {
        Artifact::Path(path) if path.is_file() => Ok(path.clone()),
        Artifact::Path(path) if project.build.command == Command::None => {
            Err(BuildError::NothingToRun(path.clone()))
        }
        Artifact::Path(path) => {
            let since = SystemTime::now() - took - Duration::from_secs(1);
            Err(BuildError::NoArtifact {
                path: path.clone(),
                elsewhere: written_since(&project.root, since),
            })
        }
        Artifact::Search(dirs) => search(dirs),
        Artifact::FromCargo => from_cargo(&project.root, messages),
        Artifact::Image(_) => unreachable!("an image is pulled, not built"),
    }
}

/// What earlier builds have left, as far as that can be told without building, the newest first.
pub fn left(project: &Project) -> Vec<PathBuf> {
    let dirs = match &project.build.artifact {
        Artifact::Path(path) => return Vec::from_iter(path.is_file().then(|| path.clone())),
        Artifact::Search(dirs) => dirs.clone(),
        // Only cargo knows, which is not asked: this is where it puts them unless told otherwise.
        Artifact::FromCargo => cargo_dirs(&project.root),
        Artifact::Image(_) => Vec::new(),
    };
    let name = project.name.replace('-', "_");
    let is_own = |path: &Path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.replace('-', "_").split('.').next() == Some(&name)
    };
    let files = dirs.iter().flat_map(|dir| wasm_files(dir));
    let (own, mut others): (Vec<_>, Vec<_>) = files.partition(|path| is_own(path));
    // In a workspace above, another package's is not meant.
    others.retain(|path| path.starts_with(&project.root));
    let mut files = if own.is_empty() { others } else { own };
    files.sort_by_cached_key(|path| {
        let age = path.metadata().and_then(|file| file.modified()).ok();
        Reverse(age)
    });
    files
}

fn cargo_dirs(root: &Path) -> Vec<PathBuf> {
    let set = env::var_os("CARGO_TARGET_DIR").map(|dir| root.join(dir));
    let targets = root.ancestors().map(|dir| dir.join("target"));
    let target = set.into_iter().chain(targets).find(|dir| dir.is_dir());
    let target = target.unwrap_or_default();
    let triples = ["wasm32-wasip2", "wasm32-wasip1", "wasm32-unknown-unknown"].into_iter();
    triples
        .flat_map(|triple| ["debug", "release"].map(|profile| target.join(triple).join(profile)))
        .collect()
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|source| BuildError::Read {
        path: path.to_path_buf(),
        source,
    })
}

fn search(dirs: &[PathBuf]) -> Result<PathBuf, BuildError> {
    let found: BTreeSet<PathBuf> = dirs.iter().flat_map(|dir| wasm_files(dir)).collect();
    one_of(found.into_iter().collect())
        .unwrap_or_else(|| Err(BuildError::NothingFound(dirs.to_vec())))
}

/// `None` when there is nothing to choose from.
fn one_of(mut paths: Vec<PathBuf>) -> Option<Result<PathBuf, BuildError>> {
    match paths.len() {
        0 => None,
        1 => paths.pop().map(Ok),
        _ => Some(Err(BuildError::Ambiguous(paths))),
    }
}

fn wasm_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    entries
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
                && path.is_file()
        })
        .collect()
}

/// One line of cargo's JSON, as far as it concerns us.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

/// The components that cargo named. Those of the package in `root` count before those of other workspace members,
/// because a dependency may be a `cdylib` as well.
fn from_cargo(root: &Path, messages: &[String]) -> Result<PathBuf, BuildError> {
    let mut own = Vec::new();
    let mut others = Vec::new();
    for line in messages {
        let Ok(message) = serde_json::from_str::<Message>(line) else {
            continue;
        };
        let makes = |target: &Target| {
            target
                .kind
                .iter()
                .any(|kind| kind == "cdylib" || kind == "bin")
        };
        if message.reason != "compiler-artifact" || !message.target.as_ref().is_some_and(makes) {
            continue;
        }
        let is_own = message
            .manifest_path
            .is_some_and(|manifest| manifest == root.join("Cargo.toml"));
        let files = message
            .filenames
            .into_iter()
            .filter(|file| file.extension().is_some_and(|it| it == "wasm"));
        if is_own {
            own.extend(files);
        } else {
            others.extend(files);
        }
    }
    one_of(own)
        .or_else(|| one_of(others))
        .unwrap_or(Err(BuildError::NoCargoArtifact))
}

/// The `.wasm` files of a project that are newer than `since`, at most five.
fn written_since(root: &Path, since: SystemTime) -> Vec<PathBuf> {
    let skipped = |name: &str| {
        matches!(
            name,
            "node_modules" | ".git" | "deps" | "build" | "incremental" | ".fingerprint"
        )
    };
    let walk = ignore::WalkBuilder::new(root)
        .standard_filters(false)
        .max_depth(Some(6))
        .filter_entry(move |entry| {
            entry.depth() == 0 || !skipped(&entry.file_name().to_string_lossy())
        })
        .build();
    let is_new = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "wasm")
            && fs::metadata(path)
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|modified| modified >= since)
    };
    walk.flatten()
        .map(ignore::DirEntry::into_path)
        .filter(is_new)
        .take(5)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project;

    fn artifact(manifest: &str, kind: &str, file: &str) -> String {
        serde_json::json!({
            "reason": "compiler-artifact", "manifest_path": manifest, "target": {"kind": [kind]}, "filenames": [file],
        })
        .to_string()
    }

    #[test]
    fn the_package_in_the_root_counts_first() {
        let messages = [
            artifact("/p/dep/Cargo.toml", "cdylib", "/p/target/dep.wasm"),
            artifact("/p/lib/Cargo.toml", "lib", "/p/target/liblib.rlib"),
            artifact("/p/Cargo.toml", "cdylib", "/p/target/app.wasm"),
            r#"{"reason":"build-finished","success":true}"#.to_string(),
        ];
        let found = from_cargo(Path::new("/p"), &messages).unwrap();
        assert_eq!(found, Path::new("/p/target/app.wasm"));
        // In a workspace without a package of its own, the only component of a member is meant.
        let found = from_cargo(Path::new("/p"), &messages[..2]).unwrap();
        assert_eq!(found, Path::new("/p/target/dep.wasm"));
    }

    #[test]
    fn several_components_are_named_and_none_is_guessed() {
        let messages = [
            artifact("/p/a/Cargo.toml", "cdylib", "/p/target/a.wasm"),
            artifact("/p/b/Cargo.toml", "bin", "/p/target/b.wasm"),
        ];
        let error = from_cargo(Path::new("/p"), &messages).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("`/p/target/a.wasm`, `/p/target/b.wasm`"),
            "{error}"
        );
        assert!(matches!(
            from_cargo(Path::new("/p"), &[]),
            Err(BuildError::NoCargoArtifact)
        ));
    }

    #[test]
    fn what_was_left_is_the_projects_own_and_the_newest() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let write = |file: &str, age: u64| {
            let path = root.join("target/wasm32-wasip2").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let time = SystemTime::now() - Duration::from_secs(age);
            fs::File::create(path).unwrap().set_modified(time).unwrap();
        };
        let member = root.join("member");
        fs::create_dir(&member).unwrap();
        fs::write(
            member.join("Cargo.toml"),
            "[package]\nname = \"my-app\"\nversion = \"0.1.0\"\n",
        )
        .unwrap();
        let left = || {
            let project = project::load(&member, &project::Overrides::default()).unwrap();
            let left = left(&project);
            let below = |path: &PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
            left.iter().map(below).collect::<Vec<_>>()
        };
        write("release/other.wasm", 0);
        assert_eq!(left(), [""; 0], "it is another package's");
        write("release/my_app.wasm", 20);
        write("debug/my_app.wasm", 10);
        let newest = ["debug", "release"].map(|p| format!("target/wasm32-wasip2/{p}/my_app.wasm"));
        assert_eq!(left(), newest);
    }
}
