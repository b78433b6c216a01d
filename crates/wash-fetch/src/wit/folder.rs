//! The `wit` folder of a project: its own package, and the packages in `deps`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use wit_parser::{PackageId, PackageName, Resolve};

use super::diagnose::{Diagnostic, resolve_error};
use super::error::WitError;
use super::source::{Need, Source, Text, below, entries};

#[derive(Debug, Clone)]
pub struct Folder {
    pub dir: PathBuf,
    /// What messages call the directory.
    pub label: String,
    pub own: Source,
    pub deps: Vec<Source>,
}

impl Folder {
    /// `None` when the directory does not exist, or has no WIT of its own.
    pub fn read(dir: &Path, label: &str) -> Result<Option<Self>, WitError> {
        if !dir.is_dir() {
            return Ok(None);
        }
        let Some(own) = Source::read(dir, label)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            dir: dir.to_path_buf(),
            label: label.to_string(),
            own,
            deps: read_deps(dir, label)?,
        }))
    }

    pub fn deps_dir(&self) -> PathBuf {
        self.dir.join("deps")
    }

    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.own).chain(&self.deps)
    }

    pub fn name(&self) -> Option<PackageName> {
        self.own.packages().into_iter().next()
    }

    /// Which source defines which package.
    pub fn defined(&self) -> BTreeMap<PackageName, &Source> {
        let packages = self.sources().flat_map(|source| {
            source
                .packages()
                .into_iter()
                .map(move |name| (name, source))
        });
        packages.collect()
    }

    /// What is referred to and not there, each with the places that refer to it.
    pub fn missing(&self) -> BTreeMap<PackageName, Vec<Need>> {
        let defined = self.defined();
        let mut missing: BTreeMap<PackageName, Vec<Need>> = BTreeMap::new();
        for need in self.sources().flat_map(Source::needs) {
            if !defined.contains_key(&need.package) {
                missing.entry(need.package.clone()).or_default().push(need);
            }
        }
        missing
    }

    /// The packages that the project's own package needs, directly or not, as far as they are there.
    pub fn reachable(&self) -> BTreeSet<PackageName> {
        let defined = self.defined();
        let mut reached = BTreeSet::new();
        let mut next: Vec<PackageName> = self
            .own
            .needs()
            .into_iter()
            .map(|need| need.package)
            .collect();
        while let Some(package) = next.pop() {
            if let Some(source) = defined.get(&package)
                && reached.insert(package)
            {
                next.extend(source.needs().into_iter().map(|need| need.package));
            }
        }
        reached
    }

    /// The sources in `deps` that nothing needs.
    pub fn unused(&self) -> Vec<&Source> {
        let reachable = self.reachable();
        let unused = |source: &&Source| {
            !source
                .packages()
                .iter()
                .any(|package| reachable.contains(package))
        };
        self.deps.iter().filter(unused).collect()
    }

    /// Puts everything together, which finds whatever is wrong.
    pub fn resolve(&self) -> Result<(Resolve, PackageId), Diagnostic> {
        let own = self.own.parse()?;
        let deps = self
            .deps
            .iter()
            .map(Source::parse)
            .collect::<Result<_, _>>()?;
        let mut resolve = Resolve {
            all_features: true,
            ..Resolve::default()
        };
        match resolve.push_groups(own, deps) {
            Ok(package) => Ok((resolve, package)),
            Err(error) => {
                let texts: Vec<&Text> = self.sources().flat_map(|source| &source.texts).collect();
                Err(resolve_error(&error, &resolve.source_map, &texts))
            }
        }
    }
}

/// The packages in a directory's `deps`.
pub(super) fn read_deps(dir: &Path, label: &str) -> Result<Vec<Source>, WitError> {
    let dir = dir.join("deps");
    let label = format!("{label}/deps");
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let listed = entries(&dir).map_err(|source| WitError::Read {
        path: dir.clone(),
        source,
    })?;
    let shown = listed.iter().filter(|path| !is_hidden(path));
    let read = shown.map(|path| Source::read(path, &below(&label, path)));
    Ok(read
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// Such as what is only being written.
fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'))
}
