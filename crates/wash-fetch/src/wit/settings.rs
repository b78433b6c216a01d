//! Where a project's WIT packages come from, as its config, `wkg.toml` and the command line say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use semver::VersionReq;
use wasm_pkg_core::manifest::{MANIFEST_FILE_NAME, Manifest, Metadata};
use wit_parser::PackageName;

use super::error::WitError;
use super::name::{Target, unversioned};
use super::source::Source;

/// The `wit` section of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wit {
    /// The folder of the project's own package, relative to the project.
    pub dir: PathBuf,
    /// Builds do not fetch.
    pub skip_fetch: bool,
    /// Nothing goes to the network.
    pub offline: bool,
    /// Package without a version -> path, URL of a file, git repository, or OCI reference.
    pub sources: BTreeMap<String, String>,
    pub registries: Vec<Registry>,
}

/// Where packages may be, and how to log in there.
#[derive(Clone, PartialEq, Eq)]
pub struct Registry {
    pub url: String,
    pub username: Option<String>,
    pub token: Option<String>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Default for Wit {
    fn default() -> Self {
        Self {
            dir: "wit".into(),
            skip_fetch: false,
            offline: false,
            sources: BTreeMap::new(),
            registries: Vec::new(),
        }
    }
}

/// What `wkg.toml` says of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Override {
    /// Absolute.
    Path(PathBuf),
    Version(VersionReq),
}

/// `wkg.toml`.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    by_name: BTreeMap<String, Override>,
    pub metadata: Metadata,
}

impl Overrides {
    /// Those of the project in `root`; none when there is no `wkg.toml`.
    pub fn read(root: &Path) -> Result<Self, WitError> {
        let path = root.join(MANIFEST_FILE_NAME);
        if !path.is_file() {
            return Ok(Self::default());
        }
        let wrong = |reason: String| {
            WitError::Settings(format!("`{MANIFEST_FILE_NAME}`: {}", reason.trim_end()))
        };
        let manifest = Manifest::load_from_path(&path)
            .map_err(|error| wrong(error.root_cause().to_string()))?;
        let mut by_name = BTreeMap::new();
        for (name, entry) in manifest.overrides.unwrap_or_default() {
            let target: Target = name
                .parse()
                .map_err(|error| wrong(format!("[overrides]: {error}")))?;
            let entry = match (entry.path, entry.version) {
                (Some(path), _) => Override::Path(root.join(path)),
                (None, Some(version)) => Override::Version(version),
                (None, None) => {
                    return Err(wrong(format!(
                        "`overrides.\"{name}\"`: expected `path` or `version`"
                    )));
                }
            };
            by_name.insert(unversioned(&target.package), entry);
        }
        Ok(Self {
            by_name,
            metadata: manifest.metadata.unwrap_or_default(),
        })
    }

    pub fn of(&self, package: &PackageName) -> Option<&Override> {
        self.by_name.get(&unversioned(package))
    }
}

impl Wit {
    /// With the packages of projects that are run together with this one, by their paths: in the version that each has, and
    /// unless the config names a source itself.
    pub fn with_siblings(mut self, root: &Path, paths: &[String]) -> Self {
        for path in paths {
            let path = format!("{path}/wit");
            let source = Source::read(&root.join(&path), &path).ok().flatten();
            let package = source.and_then(|source| source.packages().into_iter().next());
            if let Some(package) = package
                && !self.sources.contains_key(&unversioned(&package))
            {
                self.sources.entry(package.to_string()).or_insert(path);
            }
        }
        self
    }

    /// What `wit.sources` says of a package: with its version first.
    pub fn source_of(&self, package: &PackageName) -> Option<&str> {
        let named = [package.to_string(), unversioned(package)];
        named
            .iter()
            .find_map(|name| self.sources.get(name))
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> Result<Overrides, String> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("wkg.toml"), text).unwrap();
        Overrides::read(dir.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn overrides_are_those_of_wkg() {
        let overrides = read(
            "[overrides]\n\"a:b\" = { path = \"../b\" }\n\"c:d\" = { version = \"1.2\" }\n[metadata]\nlicense = \"MIT\"\n",
        )
        .unwrap();
        let of = |name: &str| {
            overrides
                .of(&name.parse::<Target>().unwrap().package)
                .cloned()
        };
        assert!(matches!(of("a:b@1.0.0"), Some(Override::Path(path)) if path.ends_with("../b")));
        assert!(matches!(of("c:d"), Some(Override::Version(_))));
        assert_eq!(of("e:f"), None);
        assert_eq!(overrides.metadata.licenses.as_deref(), Some("MIT"));
    }

    #[test]
    fn what_is_wrong_is_told_with_the_file() {
        for (text, said) in [
            (
                "[overrides]\n\"b\" = { path = \"x\" }\n",
                "`b` is not the name of a package",
            ),
            (
                "[overrides]\n\"a:b\" = {}\n",
                "expected `path` or `version`",
            ),
            ("[override]\n", "unknown field `override`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(
                error.starts_with("`wkg.toml`: ") && error.contains(said),
                "{error}"
            );
        }
    }
}
