//! Finds every package that a folder refers to and does not have, and those that these refer to in turn.
//!
//! Asked in this order: an override in `wkg.toml`, `wit.sources` of the config, the `deps` of a local package, the
//! packages that come with `wash`, what a fetched package has brought along, and the registry. Everything that cannot
//! be had is told at once. Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use wit_parser::{PackageName, Resolve};

use super::bundle;
use super::error::{Unresolved, WitError};
use super::folder::{Folder, read_deps};
use super::lock::Lock;
use super::name::{is_same_package, unversioned};
use super::outside::Outside;
use super::registry::{NotFetched, Packages};
use super::settings::{Override, Overrides, Wit};
use super::source::{Need, Source, Text, decode, print};
use crate::report::Fault;

/// Which packages in `deps` are good as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    All,
    Nothing,
    AllBut(PackageName),
}

impl Keep {
    /// A package without a version stands for all its versions.
    pub fn keeps(&self, package: &PackageName) -> bool {
        match self {
            Keep::All => true,
            Keep::Nothing => false,
            Keep::AllBut(other) => {
                !is_same_package(other, package)
                    || other.version.is_some() && other.version != package.version
            }
        }
    }
}

/// Where a package was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// `wkg.toml` or `wit.sources` name a folder.
    Local(String),
    /// `wit.sources` names a place elsewhere.
    Source(String),
    Bundle,
    Registry(String),
    /// A package from a registry had it with it.
    BroughtBy(PackageName),
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            From::Local(path) => write!(f, "`{path}`"),
            From::Source(source) => f.write_str(source),
            From::Bundle => f.write_str("comes with wash"),
            From::Registry(registry) => write!(f, "registry {registry}"),
            From::BroughtBy(package) => write!(f, "brought by {package}"),
        }
    }
}

/// A package that belongs into `deps`.
#[derive(Debug)]
pub struct Found {
    pub package: PackageName,
    pub from: From,
    pub source: Source,
}

#[derive(Debug)]
pub struct Resolution {
    pub found: Vec<Found>,
    pub lock: Lock,
}

/// What a project says of its packages.
pub struct Given<'g> {
    pub root: &'g Path,
    pub wit: &'g Wit,
    pub overrides: &'g Overrides,
    pub lock: &'g Lock,
    pub keep: Keep,
    pub packages: &'g Packages,
}

/// Whether a package is a copy of one in a folder somewhere.
pub fn is_local(package: &PackageName, overrides: &Overrides, wit: &Wit) -> bool {
    match overrides.of(package) {
        Some(Override::Path(_)) => true,
        Some(Override::Version(_)) => false,
        None => wit.source_of(package).is_some_and(Outside::is_path),
    }
}

pub async fn resolve(folder: &Folder, given: &Given<'_>) -> Result<Resolution, WitError> {
    let search = Search {
        given,
        found: Vec::new(),
        at: BTreeSet::new(),
        neighbours: Vec::new(),
        brought: Vec::new(),
        all_brought: None,
        deferred: BTreeMap::new(),
        unresolved: BTreeMap::new(),
        direct: BTreeSet::new(),
        lock: given.lock.clone(),
    };
    search.run(folder).await
}

struct Search<'s> {
    given: &'s Given<'s>,
    found: Vec<Found>,
    /// What is there, kept or found.
    at: BTreeSet<PackageName>,
    /// The `deps` of local packages.
    neighbours: Vec<Source>,
    /// What came with packages from registries, and with which.
    brought: Vec<(PackageName, PackageName)>,
    all_brought: Option<Resolve>,
    /// Packages that are taken from `all_brought` in the end, when all of it is there.
    deferred: BTreeMap<PackageName, PackageName>,
    unresolved: BTreeMap<PackageName, Unresolved>,
    /// Packages that the project refers to itself, or its local packages: those that a lock lists.
    direct: BTreeSet<PackageName>,
    lock: Lock,
}

/// Nobody has it: who was asked, and what to do.
#[derive(Default)]
struct Nowhere {
    tried: Vec<String>,
    hints: Vec<String>,
    fault: Fault,
}

impl Nowhere {
    fn because(tried: String) -> Self {
        Self {
            tried: vec![tried],
            ..Self::default()
        }
    }
}

impl Search<'_> {
    async fn run(mut self, folder: &Folder) -> Result<Resolution, WitError> {
        self.at.extend(folder.own.packages());
        let mut queue: Vec<Need> = Vec::new();
        let kept: Vec<&Source> = folder
            .deps
            .iter()
            .filter(|source| self.keeps(source))
            .collect();
        for source in kept {
            self.at.extend(source.packages());
            queue.extend(source.needs());
        }
        queue.extend(folder.own.needs());
        self.direct
            .extend(folder.own.needs().into_iter().map(|need| need.package));
        // From the end, so the project's own come first.
        while let Some(need) = queue.pop() {
            if self.at.contains(&need.package) || self.deferred.contains_key(&need.package) {
                continue;
            }
            if let Some(known) = self.unresolved.get_mut(&need.package) {
                known.needed_by.push(need.place);
                continue;
            }
            match self.find(&need).await? {
                Ok(more) => queue.extend(more),
                Err(Nowhere {
                    tried,
                    hints,
                    fault,
                }) => {
                    let unresolved = Unresolved {
                        package: need.package.clone(),
                        needed_by: vec![need.place],
                        tried,
                        hints,
                        fault,
                    };
                    self.unresolved.insert(need.package, unresolved);
                }
            }
        }
        if !self.unresolved.is_empty() {
            return Err(WitError::Unresolved(
                self.unresolved.into_values().collect(),
            ));
        }
        self.take_deferred()?;
        let direct = self.direct;
        self.lock.retain(|package| direct.contains(package));
        Ok(Resolution {
            found: self.found,
            lock: self.lock,
        })
    }

    /// Local packages are always looked at: what is in `deps` is a copy of them.
    fn keeps(&self, source: &Source) -> bool {
        let given = self.given;
        source.packages().iter().all(|package| {
            !is_local(package, given.overrides, given.wit) && given.keep.keeps(package)
        })
    }

    /// What it needs in turn.
    async fn find(&mut self, need: &Need) -> Result<Result<Vec<Need>, Nowhere>, WitError> {
        let package = &need.package;
        match self.given.overrides.of(package) {
            Some(Override::Path(path)) => return self.local(package, path, "wkg.toml"),
            Some(Override::Version(wanted)) => {
                let version = package.version.as_ref();
                if version.is_none_or(|version| !wanted.matches(version)) {
                    return Ok(Err(Nowhere::because(format!(
                        "wkg.toml overrides its version with `{wanted}`, which it does not have"
                    ))));
                }
            }
            None => {}
        }
        if let Some(source) = self.given.wit.source_of(package) {
            return self.outside(package, source).await;
        }
        if let Some(index) = self
            .neighbours
            .iter()
            .position(|source| source.packages().contains(package))
        {
            let source = self.neighbours.swap_remove(index);
            let from = From::Local(source.label().to_string());
            return Ok(Ok(self.take(package, from, source)));
        }
        if package.version.is_none() {
            return Ok(Err(unversioned_need(need)));
        }
        if let Some(text) = self.bundled(package) {
            if let (Some(digest), true) = (bundle::digest(package), self.direct.contains(package)) {
                self.lock
                    .insert(package, bundle::registry(package), digest.clone());
            }
            return Ok(Ok(self.take_text(package, From::Bundle, &text)));
        }
        if let Some(by) = self.brought_by(package) {
            return Ok(Ok(self.defer(package, by)));
        }
        self.registry(package).await
    }

    /// A package that comes with `wash`, unless the lock is of another one with the same name.
    fn bundled(&self, package: &PackageName) -> Option<String> {
        let locked = self.given.lock.find(package);
        let ours = bundle::digest(package);
        let differs = matches!((locked, ours), (Some(locked), Some(ours)) if locked != ours);
        let renewed = !self.given.keep.keeps(package);
        bundle::find(package)
            .filter(|_| !differs || renewed)
            .map(Into::into)
    }

    fn local(
        &mut self,
        package: &PackageName,
        path: &Path,
        said_by: &str,
    ) -> Result<Result<Vec<Need>, Nowhere>, WitError> {
        let shown = path
            .strip_prefix(self.given.root)
            .unwrap_or(path)
            .display()
            .to_string();
        if !path.exists() {
            return Ok(Err(Nowhere::because(format!(
                "{said_by} says it is in `{shown}`, which does not exist"
            ))));
        }
        let inside = path.join("wit");
        let (path, shown) = match Source::read(path, &shown)? {
            None if inside.is_dir() => (inside, format!("{shown}/wit")),
            _ => (path.to_path_buf(), shown),
        };
        let Some(source) = Source::read(&path, &shown)? else {
            return Ok(Err(Nowhere::because(format!(
                "{said_by} says it is in `{shown}`, where there is no WIT"
            ))));
        };
        if !source.packages().contains(package) {
            return Ok(Err(other_package(said_by, &shown, &source)));
        }
        if path.is_dir() {
            self.neighbours.extend(read_deps(&path, &shown)?);
        }
        self.direct
            .extend(source.needs().into_iter().map(|need| need.package));
        Ok(Ok(self.take(package, From::Local(shown), source)))
    }

    async fn outside(
        &mut self,
        package: &PackageName,
        written: &str,
    ) -> Result<Result<Vec<Need>, Nowhere>, WitError> {
        let said_by = "`wit.sources` of the config";
        let source = match Outside::parse(written) {
            Outside::Path(path) => {
                return self.local(package, &self.given.root.join(path), said_by);
            }
            outside => outside.fetch(package, self.given.wit.offline).await,
        };
        Ok(match source {
            Err(reason) => Err(Nowhere {
                fault: Fault::Environment,
                ..Nowhere::because(format!("{said_by} says it is at {written}: {reason}"))
            }),
            Ok(source) if !source.packages().contains(package) => {
                Err(other_package(said_by, written, &source))
            }
            Ok(source) => Ok(self.take(package, From::Source(written.to_string()), source)),
        })
    }

    async fn registry(
        &mut self,
        package: &PackageName,
    ) -> Result<Result<Vec<Need>, Nowhere>, WitError> {
        let locked = self
            .given
            .lock
            .find(package)
            .filter(|_| self.given.keep.keeps(package));
        let fetched = match self.given.packages.fetch(package, locked).await {
            Ok(fetched) => fetched,
            Err(NotFetched { reason, fault }) => {
                let mut nowhere = nowhere(package, reason);
                nowhere.fault = fault;
                if locked.is_some() && bundle::find(package).is_some() {
                    nowhere.tried.insert(
                        0,
                        "the lock pins other bytes than those of the package that comes with wash"
                            .to_string(),
                    );
                    nowhere.hints.push(format!(
                        "to take the one that comes with wash: wash wit update {package}"
                    ));
                }
                return Ok(Err(nowhere));
            }
        };
        if self.direct.contains(package) {
            self.lock
                .insert(package, Some(&fetched.registry), fetched.digest);
        }
        let malformed = |reason| WitError::NotWit {
            name: package.to_string(),
            reason,
        };
        let from = From::Registry(fetched.registry);
        if !fetched.bytes.starts_with(b"\0asm") {
            let text = String::from_utf8(fetched.bytes)
                .map_err(|_| malformed("it is not UTF-8".to_string()))?;
            return Ok(Ok(self.take_text(package, from, &text)));
        }
        let (resolve, id) = decode(&fetched.bytes).map_err(malformed)?;
        let text = print(&resolve, id).map_err(malformed)?;
        let others = resolve.packages.iter().map(|(_, other)| other.name.clone());
        self.brought.extend(
            others
                .filter(|name| name != package)
                .map(|name| (name, package.clone())),
        );
        match &mut self.all_brought {
            None => self.all_brought = Some(resolve),
            Some(all) => {
                all.merge(resolve)
                    .map_err(|error| malformed(format!("{error:#}")))?;
            }
        }
        Ok(Ok(self.take_text(package, from, &text)))
    }

    fn brought_by(&self, package: &PackageName) -> Option<PackageName> {
        self.brought
            .iter()
            .find(|(name, _)| name == package)
            .map(|(_, by)| by.clone())
    }

    /// Its text is printed in the end: another package from a registry may have brought more of it.
    fn defer(&mut self, package: &PackageName, by: PackageName) -> Vec<Need> {
        self.deferred.insert(package.clone(), by);
        let Some(all) = &self.all_brought else {
            return Vec::new();
        };
        let id = all.package_names.get(package);
        let text = id.and_then(|id| print(all, *id).ok()).unwrap_or_default();
        Source::new(
            package.to_string().into(),
            vec![Text::new(&package.to_string(), &text)],
        )
        .needs()
    }

    fn take_deferred(&mut self) -> Result<(), WitError> {
        let Some(all) = self.all_brought.take() else {
            return Ok(());
        };
        for (package, by) in std::mem::take(&mut self.deferred) {
            let malformed = |reason| WitError::NotWit {
                name: package.to_string(),
                reason,
            };
            let text = print(&all, all.package_names[&package]).map_err(malformed)?;
            self.take_text(&package, From::BroughtBy(by), &text);
        }
        Ok(())
    }

    fn take_text(&mut self, package: &PackageName, from: From, text: &str) -> Vec<Need> {
        let text = Text::new(&format!("{package}/package.wit"), text);
        self.take(package, from, Source::new("package.wit".into(), vec![text]))
    }

    fn take(&mut self, package: &PackageName, from: From, source: Source) -> Vec<Need> {
        let needs = source.needs();
        self.at.extend(source.packages());
        self.found.push(Found {
            package: package.clone(),
            from,
            source,
        });
        needs
    }
}

fn other_package(said_by: &str, place: &str, source: &Source) -> Nowhere {
    let is = source
        .packages()
        .first()
        .map_or("no package".to_string(), |name| format!("`{name}`"));
    Nowhere::because(format!("{said_by} says it is in `{place}`, which is {is}"))
}

/// A reference must say which version it means: nothing would tell the next build which one was chosen.
fn unversioned_need(need: &Need) -> Nowhere {
    let versions = bundle::versions(&need.package.namespace, &need.package.name);
    let mut with = need.package.clone();
    with.version = versions.last().cloned();
    let hint = with
        .version
        .is_some()
        .then(|| format!("name a version: `{}`", with.interface_id(&need.item)));
    Nowhere {
        tried: vec!["the reference names no version, and `deps` has none without one".to_string()],
        hints: hint.into_iter().collect(),
        fault: Fault::Input,
    }
}

/// Neither the bundle nor a registry has it; near names may be what was meant.
fn nowhere(package: &PackageName, reason: String) -> Nowhere {
    let versions = bundle::versions(&package.namespace, &package.name);
    let bundled = match versions.as_slice() {
        [] => "it does not come with wash".to_string(),
        [one] => format!("of this package, {one} comes with wash"),
        [first, .., last] => format!(
            "of this package, {} versions from {first} to {last} come with wash",
            versions.len()
        ),
    };
    let mut hints = Vec::new();
    if versions.is_empty() {
        let all = bundle::all();
        let names: BTreeSet<String> = all.iter().map(unversioned).collect();
        let wanted = unversioned(package);
        if let Some(near) = super::diagnose::nearest(&wanted, names.iter().map(String::as_str)) {
            hints.push(format!("did you mean `{near}`?"));
        }
    }
    Nowhere {
        tried: vec![bundled, reason],
        hints,
        fault: Fault::Input,
    }
}
