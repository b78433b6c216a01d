//! What a cargo package is built from outside its own directory: the packages it depends on by path, and the files of
//! its workspace.
//!
//! Reads the manifests and nothing else, so that it is cheap enough to do after each change of one. A manifest that
//! cannot be read is skipped: the build will say what is wrong with it.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};
use wash_common::files;

/// Files of a workspace that a build of one of its members depends on.
const WORKSPACE_FILES: [&str; 5] = [
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    "rust-toolchain.toml",
    "rust-toolchain",
];

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outside {
    /// Packages. None lies in the package itself.
    pub(super) dirs: BTreeSet<PathBuf>,
    /// Files of the workspace, existing or not.
    pub(super) files: BTreeSet<PathBuf>,
}

/// What the package in `root` needs from elsewhere. Empty if there is no package.
pub(super) fn outside(root: &Path) -> Outside {
    let mut found = Outside::default();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        if !seen.insert(dir.clone()) {
            continue;
        }
        let Some(manifest) = read(&dir) else { continue };
        let workspace = workspace_of(&dir, &manifest);
        if let Some((top, _)) = workspace.as_ref().filter(|(top, _)| !top.starts_with(root)) {
            found
                .files
                .extend(WORKSPACE_FILES.map(|file| top.join(file)));
        }
        waiting.extend(path_dependencies(&dir, &manifest, workspace.as_ref()));
    }
    found.dirs = seen
        .into_iter()
        .filter(|dir| !dir.starts_with(root) && dir.is_dir())
        .collect();
    found
}

fn read(dir: &Path) -> Option<Table> {
    files::read_to_string(dir.join("Cargo.toml"))
        .ok()?
        .parse()
        .ok()
}

/// The directory and the manifest of the workspace that a package belongs to.
fn workspace_of(dir: &Path, manifest: &Table) -> Option<(PathBuf, Table)> {
    if manifest.contains_key("workspace") {
        return Some((dir.to_path_buf(), manifest.clone()));
    }
    let named = manifest
        .get("package")
        .and_then(|package| package.get("workspace"));
    if let Some(named) = named.and_then(Value::as_str) {
        let top = resolve(dir, named);
        return Some((top.clone(), read(&top)?));
    }
    dir.ancestors().skip(1).find_map(|above| {
        let manifest = read(above)?;
        manifest
            .contains_key("workspace")
            .then(|| (above.to_path_buf(), manifest))
    })
}

fn path_dependencies(
    dir: &Path,
    manifest: &Table,
    workspace: Option<&(PathBuf, Table)>,
) -> Vec<PathBuf> {
    let tables = |of: &Table| -> Vec<Table> {
        let kinds = ["dependencies", "build-dependencies"];
        let kinds = kinds.iter().filter_map(|kind| of.get(*kind)?.as_table());
        kinds.cloned().collect()
    };
    let mut dependencies = tables(manifest);
    for target in manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
    {
        dependencies.extend(target.1.as_table().map(&tables).unwrap_or_default());
    }

    let path_of = |from: &Path, value: &Value| Some(resolve(from, value.get("path")?.as_str()?));
    let mut paths = Vec::new();
    for (name, value) in dependencies.iter().flatten() {
        let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
        paths.extend(match workspace {
            Some((top, manifest)) if inherited => manifest
                .get("workspace")
                .and_then(|workspace| workspace.get("dependencies")?.get(name))
                .and_then(|value| path_of(top, value)),
            _ => path_of(dir, value),
        });
    }
    if let Some((top, manifest)) = workspace {
        let patches = manifest.get("patch").and_then(Value::as_table);
        let patches = patches
            .into_iter()
            .flatten()
            .filter_map(|(_, patches)| patches.as_table());
        paths.extend(
            patches
                .flatten()
                .filter_map(|(_, value)| path_of(top, value)),
        );
    }
    paths
}

/// `..` is taken off as text where the directory does not exist.
pub(super) fn resolve(from: &Path, path: &str) -> PathBuf {
    let joined = from.join(path);
    joined.canonicalize().unwrap_or_else(|_| {
        let mut plain = PathBuf::new();
        for part in joined.components() {
            match part {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                part => plain.push(part),
            }
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn found(manifests: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        for (package, manifest) in manifests {
            fs::create_dir_all(top.join(package)).unwrap();
            fs::write(top.join(package).join("Cargo.toml"), manifest).unwrap();
        }
        let Outside { dirs, files } = outside(&top.join("api"));
        let names = |paths: BTreeSet<PathBuf>| -> Vec<String> {
            let names = paths
                .iter()
                .map(|path| path.strip_prefix(&top).unwrap().display().to_string());
            names.collect()
        };
        (names(dirs), names(files))
    }

    #[test]
    fn path_dependencies_of_path_dependencies() {
        let (dirs, files) = found(&[
            (
                "api",
                "[dependencies]\nlib = { path = \"../lib\" }\nserde = \"1\"\nown = { path = \"own\" }",
            ),
            (
                "api/own",
                "[dependencies]\nmore = { path = \"../../more\" }",
            ),
            (
                "lib",
                "[target.'cfg(unix)'.dependencies]\ndeep = { path = \"../deep\" }\n[dev-dependencies]\ntest = { path = \"../test\" }",
            ),
            ("deep", "[build-dependencies]\nlib = { path = \"../lib\" }"),
            ("more", ""),
            ("test", ""),
        ]);
        assert_eq!(dirs, ["deep", "lib", "more"]);
        assert_eq!(files, [""; 0]);
    }

    #[test]
    fn dependencies_inherited_from_the_workspace() {
        let manifest = "[workspace]\nmembers = [\"api\", \"lib\"]\n[workspace.dependencies]\nlib = { path = \"lib\" }\n\
                        [patch.crates-io]\nserde = { path = \"vendor/serde\" }";
        let (dirs, files) = found(&[
            ("", manifest),
            ("api", "[dependencies]\nlib = { workspace = true }"),
            ("lib", ""),
            ("vendor/serde", ""),
        ]);
        assert_eq!(dirs, ["lib", "vendor/serde"]);
        assert_eq!(files, {
            let mut files = WORKSPACE_FILES;
            files.sort_unstable();
            files
        });
    }

    #[test]
    fn what_is_broken_or_missing_is_skipped() {
        assert_eq!(found(&[]), Default::default());
        assert_eq!(
            found(&[(
                "api",
                "[dependencies]\nlib = { path = \"../gone\" }\nodd = 1"
            )]),
            Default::default()
        );
        assert_eq!(found(&[("api", "[dependencies")]), Default::default());
    }
}
