//! The packages that come with `wash`, so that the usual projects need no network.
//!
//! The releases of WASI 0.2 and 0.3 differ from one another in few places. A text is kept once for all releases that
//! have the same interfaces, with the comments of the last of them, and is given out under the version that was asked
//! for. `wit/README.md` says where the texts come from and why each holds for the versions named here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use semver::{BuildMetadata, Prerelease, Version};
use wit_parser::{PackageId, PackageName, Resolve, SourceMap, UnresolvedPackageGroup};

use super::lock::{Digest, Lock};
use super::name::package;

/// A text, and the versions of its package that it is the text of.
struct Text {
    namespace: &'static str,
    name: &'static str,
    /// The version that stands in the text.
    written: &'static str,
    /// The patch releases it holds for; `None` for that version alone.
    patches: Option<RangeInclusive<u64>>,
    text: &'static str,
}

macro_rules! text {
    ($namespace:literal $name:literal $written:literal, $patches:expr) => {
        Text {
            namespace: $namespace,
            name: $name,
            written: $written,
            patches: $patches,
            text: include_str!(concat!(
                "../../wit/",
                $namespace,
                "-",
                $name,
                "/",
                $written,
                ".wit"
            )),
        }
    };
}

static TEXTS: &[Text] = &[
    text!("wasi" "cli" "0.2.0", Some(0..=0)),
    text!("wasi" "cli" "0.2.9", Some(1..=11)),
    text!("wasi" "cli" "0.2.12", Some(12..=12)),
    text!("wasi" "cli" "0.3.2", Some(0..=2)),
    text!("wasi" "clocks" "0.2.0", Some(0..=0)),
    text!("wasi" "clocks" "0.2.12", Some(1..=12)),
    text!("wasi" "clocks" "0.3.2", Some(0..=2)),
    text!("wasi" "filesystem" "0.2.0", Some(0..=0)),
    text!("wasi" "filesystem" "0.2.9", Some(1..=11)),
    text!("wasi" "filesystem" "0.2.12", Some(12..=12)),
    text!("wasi" "filesystem" "0.3.2", Some(0..=2)),
    text!("wasi" "http" "0.2.0", Some(0..=0)),
    text!("wasi" "http" "0.2.1", Some(1..=1)),
    text!("wasi" "http" "0.2.3", Some(2..=3)),
    text!("wasi" "http" "0.2.12", Some(4..=12)),
    text!("wasi" "http" "0.3.2", Some(0..=2)),
    text!("wasi" "io" "0.2.0", Some(0..=0)),
    text!("wasi" "io" "0.2.1", Some(1..=1)),
    text!("wasi" "io" "0.2.12", Some(2..=12)),
    text!("wasi" "random" "0.2.0", Some(0..=0)),
    text!("wasi" "random" "0.2.12", Some(1..=12)),
    text!("wasi" "random" "0.3.2", Some(0..=2)),
    text!("wasi" "sockets" "0.2.0", Some(0..=0)),
    text!("wasi" "sockets" "0.2.1", Some(1..=1)),
    text!("wasi" "sockets" "0.2.12", Some(2..=12)),
    text!("wasi" "sockets" "0.3.2", Some(0..=2)),
    text!("wasi" "blobstore" "0.2.0-draft", None),
    text!("wasi" "config" "0.2.0-draft", None),
    text!("wasi" "config" "0.2.0-rc.1", None),
    text!("wasi" "keyvalue" "0.2.0-draft", None),
    text!("wasi" "keyvalue" "0.2.0-draft2", None),
    text!("wasi" "logging" "0.1.0-draft", None),
    text!("wasmcloud" "messaging" "0.2.0", None),
    text!("wash" "plugin" "0.1.0", None),
];

/// What the registries' own packages hash to, as far as it is known.
static DIGESTS: LazyLock<Lock> = LazyLock::new(|| {
    Lock::parse(include_str!("../../wit/registry.lock")).expect("our own list can be read")
});

/// The text of a package as it is written into projects: so that tools can read it which leave features out.
pub fn find(wanted: &PackageName) -> Option<Cow<'static, str>> {
    Some(match published(wanted)? {
        text if text.contains(UNSTABLE) => readable(&text).into(),
        text => text,
    })
}

const UNSTABLE: &str = "@unstable(";

/// The engine of `componentize-js` brings this package with its features, and takes no copy that has less.
const ENGINE: &str = "package wasi:sockets@0.2.10;";

/// A tool that leaves features out, as `jco` and `componentize-py` do, finds that a world still imports an interface
/// of another package, which it has left out there. So these imports go.
fn readable(text: &str) -> String {
    let for_good = text.starts_with(ENGINE);
    let mut kept = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let unstable = line.trim_start().starts_with(UNSTABLE);
        let of_another =
            |next: &&str| next.trim_start().starts_with("import ") && next.contains(':');
        if unstable && (for_good || lines.next_if(|next| of_another(next)).is_some()) {
            continue;
        }
        kept.push_str(line);
    }
    kept
}

/// The text of a package as its authors have it.
fn published(wanted: &PackageName) -> Option<Cow<'static, str>> {
    let version = wanted.version.as_ref()?;
    let same = |text: &&Text| (text.namespace, text.name) == (&*wanted.namespace, &*wanted.name);
    let text = TEXTS
        .iter()
        .filter(same)
        .find(|text| text.holds_for(version))?;
    let version = version.to_string();
    Some(match version == text.written {
        true => text.text.into(),
        // A version stands after `@` in the names of packages only; annotations write `version = 0.2.1`.
        false => text
            .text
            .replace(&format!("@{}", text.written), &format!("@{version}"))
            .into(),
    })
}

/// A package with everything that it needs, as its authors have it and registries give it out.
pub fn resolve(wanted: &PackageName) -> Option<(Resolve, PackageId)> {
    let mut groups: BTreeMap<PackageName, UnresolvedPackageGroup> = BTreeMap::new();
    let mut next = vec![wanted.clone()];
    while let Some(package) = next.pop() {
        if groups.contains_key(&package) {
            continue;
        }
        let mut map = SourceMap::new();
        map.push_str(&package.to_string(), published(&package)?);
        let group = map.parse().ok()?;
        next.extend(group.main.foreign_deps.keys().cloned());
        groups.insert(package, group);
    }
    let main = groups.remove(wanted)?;
    let mut resolve = Resolve {
        all_features: true,
        ..Resolve::default()
    };
    let package = resolve
        .push_groups(main, groups.into_values().collect())
        .ok()?;
    Some((resolve, package))
}

/// What the registry's package of this name hashes to, if that is known.
pub fn digest(package: &PackageName) -> Option<&'static Digest> {
    DIGESTS.find(package)
}

/// The registry that publishes a package of ours, so far as it is known.
pub fn registry(package: &PackageName) -> Option<&'static str> {
    DIGESTS.registry(package)
}

/// All packages, in the order of their names and versions.
pub fn all() -> Vec<PackageName> {
    let mut all: Vec<_> = TEXTS.iter().flat_map(Text::packages).collect();
    all.sort();
    all
}

/// The versions of one package, in order.
pub fn versions(namespace: &str, name: &str) -> Vec<Version> {
    let ours = |package: &PackageName| package.namespace == namespace && package.name == name;
    all()
        .into_iter()
        .filter(ours)
        .filter_map(|package| package.version)
        .collect()
}

impl Text {
    fn version(&self) -> Version {
        self.written.parse().expect("the table names versions")
    }

    fn holds_for(&self, version: &Version) -> bool {
        let written = self.version();
        let release = || version.pre.is_empty() && version.build.is_empty();
        match &self.patches {
            None => *version == written,
            Some(patches) => {
                release()
                    && (version.major, version.minor) == (written.major, written.minor)
                    && patches.contains(&version.patch)
            }
        }
    }

    fn packages(&self) -> impl Iterator<Item = PackageName> + use<> {
        let written = self.version();
        let patches = self
            .patches
            .clone()
            .unwrap_or(written.patch..=written.patch);
        let (namespace, name, release) = (self.namespace, self.name, self.patches.is_some());
        patches.map(move |patch| {
            let version = match release {
                false => written.clone(),
                true => Version {
                    patch,
                    pre: Prerelease::EMPTY,
                    build: BuildMetadata::EMPTY,
                    ..written
                },
            };
            package(namespace, name, Some(version))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_complete_and_valid() {
        let all = all();
        assert!(all.len() > 100, "{}", all.len());
        for package in &all {
            let (resolve, id) = resolve(package).unwrap_or_else(|| panic!("{package}"));
            assert_eq!(resolve.packages[id].name, *package);
        }
    }

    #[test]
    fn what_is_written_into_projects_is_complete_without_any_feature() {
        for package in all() {
            let text = find(&package).unwrap();
            let mut next = text.lines().skip(1);
            for line in text.lines() {
                let next = next.next().unwrap_or_default();
                let import = next.contains("import ") && next.contains(':');
                assert!(!(line.contains(UNSTABLE) && import), "{package}: {next}");
            }
            let mut map = SourceMap::new();
            map.push_str(&package.to_string(), text);
            map.parse().unwrap_or_else(|_| panic!("{package}"));
        }
    }

    #[test]
    fn a_world_does_not_import_what_tools_leave_out() {
        let cli = package("wasi", "cli", Some(Version::new(0, 2, 3)));
        let import = "import wasi:clocks/timezone@0.2.3;";
        assert!(published(&cli).unwrap().contains(import));
        assert!(!find(&cli).unwrap().contains(import));
    }

    #[test]
    fn the_engine_of_componentize_js_finds_its_features() {
        let sockets = |patch| {
            let package = package("wasi", "sockets", Some(Version::new(0, 2, patch)));
            find(&package).unwrap()
        };
        assert!(!sockets(10).contains(UNSTABLE));
        assert!(sockets(10).contains("network-error-code: func("));
        assert!(sockets(9).contains("@unstable(feature = network-error-code)"));
    }

    #[test]
    fn releases_are_those_that_exist() {
        let versions = |name| {
            versions("wasi", name)
                .iter()
                .map(Version::to_string)
                .collect::<Vec<_>>()
        };
        for name in ["cli", "clocks", "filesystem", "http", "random", "sockets"] {
            assert_eq!(versions(name).len(), 13 + 3, "{name}");
        }
        assert_eq!(versions("io").len(), 13);
        assert_eq!(versions("keyvalue"), ["0.2.0-draft", "0.2.0-draft2"]);
        assert!(find(&package("wasi", "http", Some(Version::new(0, 2, 13)))).is_none());
        assert!(
            find(&package(
                "wasi",
                "http",
                Some("0.2.0-rc.1".parse().unwrap())
            ))
            .is_none()
        );
        assert!(find(&package("wasi", "http", None)).is_none());
    }

    #[test]
    fn a_text_bears_the_version_that_was_asked_for() {
        let text = find(&package("wasi", "http", Some(Version::new(0, 2, 6)))).unwrap();
        assert!(text.starts_with("package wasi:http@0.2.6;"));
        assert!(!text.contains("@0.2.12"));
        // Added by 0.2.12, and not a moment earlier.
        let exit = |patch| find(&package("wasi", "cli", Some(Version::new(0, 2, patch)))).unwrap();
        assert!(exit(11).contains("@unstable(feature = cli-exit-with-code)"));
        assert!(exit(12).contains("@since(version = 0.2.12)"));
    }

    #[test]
    fn what_is_known_of_registries_is_of_packages_we_have() {
        let all = all();
        for package in DIGESTS.packages() {
            assert!(all.contains(&package), "{package}");
        }
        assert!(digest(&package("wasi", "http", Some(Version::new(0, 2, 3)))).is_some());
    }
}
