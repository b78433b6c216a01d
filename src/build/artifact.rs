//! Finds what a build left behind.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use wash_common::process::Command;

use super::{BuildError, error};
use crate::project::{Artifact, Project};

/// File systems write the time of the last tick of the system's clock.
const CLOCK_TICK: Duration = Duration::from_millis(20);

/// What a build left.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) path: PathBuf,
    /// The build did not write it, and wrote something else.
    pub(super) doubt: Option<Doubt>,
}

/// Why a file may not be what was built.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) message: String,
    pub(super) hint: String,
}

/// `messages` are cargo's, if it wrote any; `begin` is when the build began: what it wrote is no older.
pub(super) fn find(
    project: &Project,
    messages: &[String],
    begin: SystemTime,
) -> Result<Left, BuildError> {
    let root = &project.root;
    let since = begin - Duration::from_secs(1);
    let certain = |path| Left { path, doubt: None };
    match &project.build.artifact {
        Artifact::Path(path) if path.is_file() => {
            let written = match project.build.command {
                Command::None => Vec::new(),
                _ if !messages.is_empty() => {
                    let made = Made::all(messages).into_iter();
                    made.map(|made| made.file).collect()
                }
                _ if is_newer(path, since) => Vec::new(),
                // With little room: this is about what the build certainly has written.
                _ => {
                    let mut written = written_since(root, begin - CLOCK_TICK);
                    written.retain(|file| is_component(file));
                    written
                }
            };
            Ok(Left {
                doubt: doubt(root, path, &written),
                path: path.clone(),
            })
        }
        Artifact::Path(path) if project.build.command == Command::None => {
            Err(BuildError::NothingToRun(path.clone()))
        }
        Artifact::Path(path) => Err(BuildError::NoArtifact {
            path: path.clone(),
            elsewhere: written_since(root, since)
                .iter()
                .map(|path| relative(root, path))
                .collect(),
        }),
        Artifact::Search(dirs) => search(root, dirs).map(certain),
        Artifact::FromCargo => from_cargo(root, &project.build.command, messages).map(certain),
        Artifact::Image(_) => unreachable!("an image is pulled, not built"),
    }
}

/// A path as a config in `root` would name it.
fn relative(root: &Path, path: &Path) -> PathBuf {
    let mut up = PathBuf::new();
    for above in root.ancestors() {
        match path.strip_prefix(above) {
            // Nothing but the root of the file system in common.
            Ok(_) if above.parent().is_none() && !up.as_os_str().is_empty() => break,
            Ok(below) => return up.join(below),
            Err(_) => up.push(".."),
        }
    }
    path.to_path_buf()
}

fn is_newer(path: &Path, since: SystemTime) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified >= since)
}

/// A file that the config names and the build did not write, although it wrote others.
fn doubt(root: &Path, path: &Path, written: &[PathBuf]) -> Option<Doubt> {
    let real = path.canonicalize().ok();
    let same =
        |other: &PathBuf| other == path || real.is_some() && other.canonicalize().ok() == real;
    if written.is_empty() || written.iter().any(same) {
        return None;
    }
    let shown: Vec<PathBuf> = written.iter().map(|path| relative(root, path)).collect();
    let (path, first) = (relative(root, path), shown.first()?);
    Some(Doubt {
        message: format!(
            "the build did not update `{}` (`build.component_path`), which is left from an earlier build; it wrote {}",
            path.display(),
            error::join(&shown)
        ),
        hint: match profile_of(&path).zip(profile_of(first)) {
            Some(("release", "debug")) => {
                "`wash dev`, `wash call` and `wash inspect` make debug builds, in another folder: take `build.component_path` \
                 out of the config, or set `build.rust.release: true`"
                    .to_string()
            }
            Some(("debug", "release")) => {
                "`wash build` makes release builds, in another directory: remove `build.component_path` from the config, or set \
                 `build.rust.release: false`"
                    .to_string()
            }
            _ => "set `build.component_path` to the file that the build writes".to_string(),
        },
    })
}

/// `debug` or `release`, of a file in cargo's target folder.
fn profile_of(path: &Path) -> Option<&str> {
    let profile = path.parent()?.file_name()?.to_str()?;
    ["debug", "release"].contains(&profile).then_some(profile)
}

/// What earlier builds have left, as far as that can be told without building, the newest first.
pub fn left(project: &Project) -> Vec<PathBuf> {
    left_in(project, env::var_os("CARGO_TARGET_DIR").map(PathBuf::from))
}

/// With the folder that cargo builds into, if somebody has set one.
fn left_in(project: &Project, target: Option<PathBuf>) -> Vec<PathBuf> {
    let dirs = match &project.build.artifact {
        Artifact::Path(path) => return Vec::from_iter(path.is_file().then(|| path.clone())),
        Artifact::Search(dirs) => dirs.clone(),
        // Only cargo knows, which is not asked: this is where it puts them unless told otherwise.
        Artifact::FromCargo => cargo_dirs(&project.root, target),
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

fn cargo_dirs(root: &Path, target: Option<PathBuf>) -> Vec<PathBuf> {
    let set = target.map(|dir| root.join(dir));
    let targets = root.ancestors().map(|dir| dir.join("target"));
    let target = set.into_iter().chain(targets).find(|dir| dir.is_dir());
    let target = target.unwrap_or_default();
    let triples = ["wasm32-wasip2", "wasm32-wasip1", "wasm32-unknown-unknown"].into_iter();
    triples
        .flat_map(|triple| ["debug", "release"].map(|profile| target.join(triple).join(profile)))
        .collect()
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    wash_common::files::read(path).map_err(|source| BuildError::Read {
        path: path.to_path_buf(),
        source,
    })
}

fn search(root: &Path, dirs: &[PathBuf]) -> Result<PathBuf, BuildError> {
    let found: BTreeSet<PathBuf> = dirs.iter().flat_map(|dir| wasm_files(dir)).collect();
    let mut found: Vec<PathBuf> = found.into_iter().collect();
    match found.as_slice() {
        [] => Err(BuildError::NothingFound(dirs.to_vec())),
        [_] => Ok(found.remove(0)),
        [first, ..] => Err(BuildError::Ambiguous {
            choose: format!("component_path: {}", relative(root, first).display()),
            candidates: found
                .iter()
                .map(|path| format!("`{}`", path.display()))
                .collect(),
        }),
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
    #[serde(default)]
    package_id: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    #[serde(default)]
    crate_types: Vec<String>,
    #[serde(default)]
    name: String,
}

/// A file that cargo made, or found to be up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    file: PathBuf,
    package: String,
    manifest: PathBuf,
    /// As cargo's options name it.
    kind: &'static str,
    target: String,
}

impl Made {
    /// The WebAssembly files that cargo's messages name.
    fn all(messages: &[String]) -> Vec<Self> {
        let messages = messages
            .iter()
            .filter_map(|line| serde_json::from_str::<Message>(line).ok());
        let artifacts = messages.filter(|message| message.reason == "compiler-artifact");
        artifacts.flat_map(Self::of).collect()
    }

    fn of(message: Message) -> Vec<Self> {
        let Some(target) = message.target else {
            return Vec::new();
        };
        let has = |kinds: &[String], kind: &str| kinds.iter().any(|other| other == kind);
        let makes = |kind| has(&target.kind, kind) || has(&target.crate_types, kind);
        let kind = match &target.kind {
            kinds if has(kinds, "example") => "--example",
            kinds if has(kinds, "bin") => "--bin",
            _ => "--lib",
        };
        let files = message
            .filenames
            .into_iter()
            .filter(|file| file.extension().is_some_and(|it| it == "wasm"));
        let made = files.filter(|_| makes("cdylib") || makes("bin"));
        made.map(|file| Self {
            file,
            package: package(&message.package_id),
            manifest: message.manifest_path.clone().unwrap_or_default(),
            kind,
            target: target.name.clone(),
        })
        .collect()
    }

    /// The flags that make cargo build this one and none of the others.
    fn flags(&self, others: &[Self]) -> Vec<String> {
        let of_package = |made: &&Self| made.package == self.package;
        let is_only_one = others.iter().filter(of_package).count() == 1;
        let named = match self.kind {
            "--lib" => vec!["--lib".to_string()],
            kind => vec![kind.to_string(), self.target.clone()],
        };
        let has_other_packages = others.iter().any(|made| made.package != self.package);
        let mut flags = Vec::new();
        if has_other_packages {
            flags.extend(["-p".to_string(), self.package.clone()]);
        }
        if !is_only_one {
            flags.extend(named);
        }
        flags
    }

    fn description(&self) -> String {
        let kind = match self.kind {
            "--lib" => "library",
            "--bin" => "binary",
            _ => "example",
        };
        format!("{kind} `{}`", self.target)
    }
}

/// The name in `path+file:///a/b#name@0.1.0`, or in `path+file:///a/name#0.1.0`.
fn package(id: &str) -> String {
    let (place, version) = id.split_once('#').unwrap_or((id, ""));
    let last = || place.rsplit('/').next().unwrap_or_default();
    let name = version.split_once('@').map_or_else(last, |(name, _)| name);
    name.to_string()
}

/// The component that cargo named. Those of the package in `root` count before those of other workspace members, because a
/// dependency may be a `cdylib` as well; what the flags name counts before what it depends on.
fn from_cargo(root: &Path, command: &Command, messages: &[String]) -> Result<PathBuf, BuildError> {
    let mut made = Made::all(messages);
    let keep = |made: &mut Vec<Made>, wanted: &dyn Fn(&Made) -> bool| {
        if made.iter().any(wanted) {
            made.retain(wanted);
        }
    };
    let packages = values_of(command, &["-p", "--package"]);
    match packages.is_empty() {
        true => keep(&mut made, &|made| made.manifest == root.join("Cargo.toml")),
        false => keep(&mut made, &|made| {
            packages
                .iter()
                .any(|spec| names_package(spec, &made.package))
        }),
    }
    for kind in ["--example", "--bin"] {
        let names = values_of(command, &[kind]);
        if !names.is_empty() {
            keep(&mut made, &|made| {
                made.kind == kind && names.contains(&made.target.as_str())
            });
        }
    }
    // Cargo names them as they are finished.
    made.sort_by(|a, b| {
        let key = |made: &Made| {
            (
                made.package.clone(),
                made.target.clone(),
                made.kind != "--lib",
            )
        };
        key(a).cmp(&key(b))
    });
    match made.as_slice() {
        [] => Err(BuildError::NoCargoArtifact),
        [one] => Ok(one.file.clone()),
        [first, .., last] => {
            let same_file = made.iter().any(|other| {
                let mut files = made.iter().filter(|made| made.file == other.file);
                files.nth(1).is_some()
            });
            // The last of several of a package is more often a program of its own than the first.
            let chosen = if same_file { first } else { last };
            let flags = serde_json::json!(chosen.flags(&made)).to_string();
            Err(BuildError::Ambiguous {
                candidates: made
                    .iter()
                    .map(|made| match same_file {
                        true => format!("the {} in `{}`", made.description(), made.file.display()),
                        false => format!("`{}`", made.file.display()),
                    })
                    .collect(),
                choose: format!("rust:\n    cargo_flags: {}", flags.replace(',', ", ")),
            })
        }
    }
}

/// Whether a package is meant by `name`, `name@1.0.0` or the URL of it.
fn names_package(spec: &str, package: &str) -> bool {
    let spec = spec.rsplit(['#', '/']).next().unwrap_or(spec);
    spec.split(['@', ':']).next() == Some(package)
}

/// What stands behind some flags, in the same word or the next.
fn values_of<'c>(command: &'c Command, flags: &[&str]) -> Vec<&'c str> {
    let Command::Argv(argv) = command else {
        return Vec::new();
    };
    let mut values = Vec::new();
    let mut words = argv.iter();
    while let Some(word) = words.next() {
        if flags.contains(&word.as_str()) {
            values.extend(words.next().map(String::as_str));
        } else if let Some((flag, value)) = word.split_once('=')
            && flags.contains(&flag)
        {
            values.push(value);
        }
    }
    values
}

/// The `.wasm` files of a project that are newer than `since`, at most five.
fn written_since(root: &Path, since: SystemTime) -> Vec<PathBuf> {
    let skipped = |name: &str| {
        matches!(
            name,
            "node_modules" | ".git" | ".wash" | "deps" | "build" | "incremental" | ".fingerprint"
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

/// Whether a file begins as a component does: core modules are on the way to one.
fn is_component(path: &Path) -> bool {
    let mut head = [0; 8];
    fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok_and(|()| head == *b"\0asm\x0d\0\x01\0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project;

    fn artifact(manifest: &str, kind: &str, file: &str) -> String {
        serde_json::json!({
            "reason": "compiler-artifact", "manifest_path": manifest, "filenames": [file],
            "package_id": format!("path+file://{}#0.1.0", manifest.trim_end_matches("/Cargo.toml")),
            "target": {"kind": [kind], "name": Path::new(file).file_stem().unwrap().to_str()},
        })
        .to_string()
    }

    fn built(flags: &[&str], messages: &[String]) -> Result<PathBuf, BuildError> {
        let argv = ["cargo", "build"].iter().chain(flags);
        let command = Command::Argv(argv.map(ToString::to_string).collect());
        from_cargo(Path::new("/p"), &command, messages)
    }

    #[test]
    fn the_package_in_the_root_counts_first() {
        let messages = [
            artifact("/p/dep/Cargo.toml", "cdylib", "/p/target/dep.wasm"),
            artifact("/p/lib/Cargo.toml", "lib", "/p/target/liblib.rlib"),
            artifact("/p/Cargo.toml", "cdylib", "/p/target/app.wasm"),
            r#"{"reason":"build-finished","success":true}"#.to_string(),
        ];
        let found = built(&[], &messages).unwrap();
        assert_eq!(found, Path::new("/p/target/app.wasm"));
        // In a workspace without a package of its own, the only component of a member is meant.
        let found = built(&[], &messages[..2]).unwrap();
        assert_eq!(found, Path::new("/p/target/dep.wasm"));
    }

    #[test]
    fn several_components_are_named_and_none_is_guessed() {
        let messages = [
            artifact("/p/a/Cargo.toml", "cdylib", "/p/target/a.wasm"),
            artifact("/p/b/Cargo.toml", "bin", "/p/target/b.wasm"),
        ];
        let error = built(&[], &messages).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("`/p/target/a.wasm`, `/p/target/b.wasm`"),
            "{error}"
        );
        assert!(matches!(built(&[], &[]), Err(BuildError::NoCargoArtifact)));
    }

    #[test]
    fn hints_name_the_flags_that_leave_one() {
        let hint = |flags: &[&str], messages: &[String]| match built(flags, messages) {
            Err(BuildError::Ambiguous { choose, .. }) => choose,
            other => panic!("{other:?}"),
        };
        let members = [
            artifact("/p/one/Cargo.toml", "cdylib", "/p/target/one.wasm"),
            artifact("/p/two/Cargo.toml", "cdylib", "/p/target/two.wasm"),
        ];
        assert_eq!(
            hint(&[], &members),
            "rust:\n    cargo_flags: [\"-p\", \"two\"]"
        );
        let bins = ["one", "two"]
            .map(|name| artifact("/p/Cargo.toml", "bin", &format!("/p/target/{name}.wasm")));
        assert_eq!(
            hint(&[], &bins),
            "rust:\n    cargo_flags: [\"--bin\", \"two\"]"
        );
        for flags in [&["--bin", "two"][..], &["--bin=two"]] {
            assert_eq!(
                built(flags, &bins).unwrap(),
                Path::new("/p/target/two.wasm")
            );
        }
        assert_eq!(
            built(&["-p", "two@0.1.0"], &members).unwrap(),
            Path::new("/p/target/two.wasm")
        );
        let both =
            ["cdylib", "bin"].map(|kind| artifact("/p/Cargo.toml", kind, "/p/target/p.wasm"));
        assert_eq!(hint(&[], &both), "rust:\n    cargo_flags: [\"--lib\"]");
        let error = built(&[], &both).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "the library `p` in `/p/target/p.wasm`, the binary `p` in `/p/target/p.wasm`"
            ),
            "{error}"
        );
    }

    #[test]
    fn an_example_may_be_the_component() {
        let example = serde_json::json!({
            "reason": "compiler-artifact", "manifest_path": "/p/Cargo.toml", "filenames": ["/p/target/examples/e.wasm"],
            "package_id": "path+file:///p#0.1.0",
            "target": {"kind": ["example"], "crate_types": ["cdylib"], "name": "e"},
        });
        let messages = [
            artifact("/p/Cargo.toml", "cdylib", "/p/target/p.wasm"),
            example.to_string(),
        ];
        let found = built(&["--example", "e"], &messages).unwrap();
        assert_eq!(found, Path::new("/p/target/examples/e.wasm"));
        assert_eq!(built(&["--example", "e"], &messages[1..]).unwrap(), found);
    }

    #[test]
    fn a_file_that_was_not_written_is_doubted() {
        let root = Path::new("/a/p");
        let of = |path: &str, written: &[&str]| {
            let written: Vec<PathBuf> = written.iter().map(PathBuf::from).collect();
            doubt(root, Path::new(path), &written)
        };
        assert_eq!(of("/a/p/x.wasm", &[]), None);
        assert_eq!(of("/a/p/x.wasm", &["/a/p/y.wasm", "/a/p/x.wasm"]), None);
        let doubt = of("/a/target/release/x.wasm", &["/a/target/debug/x.wasm"]).unwrap();
        assert!(
            doubt.message.contains("`../target/release/x.wasm`"),
            "{doubt:?}"
        );
        assert!(doubt.hint.contains("build.rust.release: true"), "{doubt:?}");
        let doubt = of("/a/p/target/debug/x.wasm", &["/a/p/target/release/x.wasm"]).unwrap();
        assert!(
            doubt.hint.contains("build.rust.release: false"),
            "{doubt:?}"
        );
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
        let left = |target: Option<&str>| {
            let project = project::load(&member, &project::Overrides::default()).unwrap();
            let left = left_in(&project, target.map(PathBuf::from));
            let below = |path: &PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
            left.iter().map(below).collect::<Vec<_>>()
        };
        write("release/other.wasm", 0);
        assert_eq!(left(None), [""; 0], "it is another package's");
        write("release/my_app.wasm", 20);
        write("debug/my_app.wasm", 10);
        let newest = ["debug", "release"].map(|p| format!("target/wasm32-wasip2/{p}/my_app.wasm"));
        assert_eq!(left(None), newest);
        fs::create_dir_all(root.join("elsewhere/wasm32-wasip2/debug")).unwrap();
        let elsewhere = "elsewhere/wasm32-wasip2/debug/my_app.wasm";
        fs::write(root.join(elsewhere), "").unwrap();
        assert_eq!(
            left(Some("../elsewhere")),
            [format!("member/../{elsewhere}")]
        );
    }
}
