//! Finds every package that a folder refers to and does not have, and those that these refer to in turn.
//!
//! Asked in this order: an override in `wkg.toml`, `wit.sources` of the config, the `deps` of a local package, the
//! packages that come with `wash`, and the registry. What a fetched package brought along is only what that one uses of
//! another, so it is taken for what only fetched packages need, or when the registry does not have the package; and then only
//! if it has everything that is asked for. Everything that cannot be had is told at once. Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use indexmap::IndexMap;
use wash_common::advice::ErrorClass;
use wit_parser::PackageName;

use super::bundle;
use super::contents::{Contents, Lack};
use super::copies::{Asked, Copies, Copy, suspects};
use super::diagnose::Place;
use super::error::{Unresolved, WitError};
use super::folder::{Folder, read_deps};
use super::lock::{Digest, Lock};
use super::name::{is_same_package, unversioned};
use super::outside::{Outside, Refused};
use super::registry::{NotFetched, Packages};
use super::settings::{Override, Overrides, Wit};
use super::source::{Need, Source, Text, decode, print};
use crate::git::without_password;

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
            From::BroughtBy(package) => write!(f, "included in {package}"),
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
    pub unsure: Vec<Unsure>,
}

/// A package in `deps` that may be only what another one uses of it, where nobody could be asked for the whole one.
#[derive(Debug, Clone)]
pub struct Unsure {
    pub package: PackageName,
    pub needed_by: PackageName,
    /// Who was to be asked, and why there is no answer.
    pub tried: Vec<String>,
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
    Search::new(given).run(folder).await
}

/// A package in `deps` of which there is only what another package uses.
#[derive(Debug)]
pub struct Partial {
    pub package: PackageName,
    pub brought_by: PackageName,
    /// What is asked for and is not there.
    pub lacks: String,
    /// The world cannot be read without it.
    pub is_broken: bool,
}

/// The packages in `deps` that have less than is asked of them because another one brought them along, and those of which
/// that cannot be told. Nothing is fetched for it.
pub async fn partial(folder: &Folder, given: &Given<'_>) -> (Vec<Partial>, Vec<Unsure>) {
    let mut search = Search::new(given);
    search.asked_by(folder);
    let copies = search.copies_in(folder).await;
    let partial = copies.into_iter().filter_map(|package| {
        let Copy::Lacks(lack) = search.copies.look_at(&package, search.asked.iter()) else {
            return None;
        };
        Some(Partial {
            brought_by: search.copies.bringer(&package)?.clone(),
            package,
            lacks: lack.to_string(),
            is_broken: !matches!(lack, Lack::Functions(_)),
        })
    });
    let mut partial: Vec<Partial> = partial.collect();
    // Without the packages that may have brought them, what is certainly not there tells.
    for source in &folder.deps {
        let Some(package) = source.packages().into_iter().next() else {
            continue;
        };
        let is_known = partial.iter().any(|partial| partial.package == package);
        let may_be = package.version.is_some()
            && given.lock.find(&package).is_none()
            && !is_elsewhere(&package, given.overrides, given.wit);
        if is_known || !may_be {
            continue;
        }
        let lack = lack_of(source, &package, &search.asked);
        if let (Some(lack), Some(by)) = (lack, needed_by(folder, &package)) {
            partial.push(Partial {
                package,
                brought_by: by,
                lacks: lack.to_string(),
                is_broken: true,
            });
        }
    }
    let mut unsure = search.unread;
    unsure.retain(|unsure| {
        let mut partial = partial.iter();
        partial.all(|partial| partial.package != unsure.package)
    });
    (partial, unsure)
}

/// The package in `deps` that refers to this one, and so may have brought it along.
fn needed_by(folder: &Folder, package: &PackageName) -> Option<PackageName> {
    let mut others = folder.deps.iter();
    let by = others.find(|source| {
        !source.packages().contains(package)
            && source.needs().iter().any(|need| need.package == *package)
    });
    by?.packages().into_iter().next()
}

/// Whether everything is there that is asked for, as far as that can be told without fetching anything.
pub fn is_complete(folder: &Folder, lock: &Lock, overrides: &Overrides, wit: &Wit) -> bool {
    let local = |package: &PackageName| is_local(package, overrides, wit);
    let mut packages = folder.deps.iter().flat_map(Source::packages);
    // What is in `deps` of local packages is a copy of what they are now.
    if packages.any(|package| local(&package)) || !folder.missing().is_empty() {
        return false;
    }
    let elsewhere = |package: &PackageName| is_elsewhere(package, overrides, wit);
    let direct = folder.own.needs().into_iter().map(|need| need.package);
    if !suspects(folder, lock, &direct.collect(), elsewhere).is_empty() {
        return false;
    }
    let asked: Vec<Asked> = folder.sources().flat_map(Asked::all_of).collect();
    folder.deps.iter().all(|source| {
        let packages = source.packages();
        let fetched = packages.first().filter(|package| !elsewhere(package));
        fetched.is_none_or(|package| lack_of(source, package, &asked).is_none())
    })
}

/// Whether something else than a registry decides what this package is.
fn is_elsewhere(package: &PackageName, overrides: &Overrides, wit: &Wit) -> bool {
    bundle::find(package).is_some()
        || wit.source_of(package).is_some()
        || matches!(overrides.of(package), Some(Override::Path(_)))
}

/// What is asked of a package and certainly not there.
fn lack_of(source: &Source, package: &PackageName, asked: &[Asked]) -> Option<Lack> {
    let needs = asked.iter().map(|asked| &asked.need);
    let mut needs = needs.filter(|need| need.package == *package).peekable();
    needs.peek()?;
    let contents = Contents::of_source(source, package)?;
    needs.find_map(|need| contents.lacks(need))
}

/// What helps where a registry does not answer.
pub const ASK_AGAIN: &str = "`wash wit fetch`, without `--offline`, fetches the whole package when its registry is reachable";

struct Search<'s> {
    given: &'s Given<'s>,
    found: Vec<Found>,
    /// What is there, kept or found.
    at: BTreeSet<PackageName>,
    /// What `deps` has and may stay.
    kept: Vec<Source>,
    /// The `deps` of local packages, and of repositories.
    neighbours: Vec<Neighbour>,
    /// What came with packages from registries.
    copies: Copies,
    /// Everything that anything needs of others.
    asked: Vec<Asked>,
    /// What is to be found next, from the end.
    queue: Vec<Need>,
    /// What nothing but a registry or a copy can give, in the order in which it was needed.
    pending: IndexMap<PackageName, Pending>,
    /// Kept or local packages that had less than was asked for, and were looked for in a registry.
    renewed: BTreeSet<PackageName>,
    /// Packages in `deps` that may be copies, and of which nobody could say what was brought along.
    unread: Vec<Unsure>,
    unresolved: BTreeMap<PackageName, Unresolved>,
    /// Packages that the project refers to itself, or its local packages: those that a lock lists.
    direct: BTreeSet<PackageName>,
    /// What the packages that were found hash to in their registries.
    digests: BTreeMap<PackageName, (Option<String>, Digest)>,
    lock: Lock,
    /// There is a list of packages as the tool `wit-deps` has it.
    has_deps_toml: bool,
}

/// A package that lies beside one that was named.
struct Neighbour {
    source: Source,
    /// The named one refers to it, so it is not there as a copy that something else brought along.
    is_named: bool,
}

struct Pending {
    needed_by: Vec<Place>,
    /// The registry does not have it.
    refused: Option<Nowhere>,
    /// What its copy needs in turn is looked for.
    copy_is_read: bool,
}

/// Nobody has it: who was asked, and what to do.
#[derive(Default)]
struct Nowhere {
    tried: Vec<String>,
    hints: Vec<String>,
    fault: ErrorClass,
}

impl Nowhere {
    fn because(tried: String) -> Self {
        Self {
            tried: vec![tried],
            ..Self::default()
        }
    }

    fn unresolved(self, package: &PackageName, needed_by: Vec<Place>) -> Unresolved {
        Unresolved {
            package: package.clone(),
            needed_by,
            tried: self.tried,
            hints: self.hints,
            fault: self.fault,
        }
    }
}

/// Where a search for one package has led.
enum Answer {
    /// What it needs in turn.
    Found(Vec<Need>),
    /// A registry or a copy may have it.
    Later,
    Nowhere(Nowhere),
}

impl<'s> Search<'s> {
    fn new(given: &'s Given<'s>) -> Self {
        Self {
            given,
            found: Vec::new(),
            at: BTreeSet::new(),
            kept: Vec::new(),
            neighbours: Vec::new(),
            copies: Copies::default(),
            asked: Vec::new(),
            queue: Vec::new(),
            pending: IndexMap::new(),
            renewed: BTreeSet::new(),
            unread: Vec::new(),
            unresolved: BTreeMap::new(),
            direct: BTreeSet::new(),
            digests: BTreeMap::new(),
            lock: given.lock.clone(),
            has_deps_toml: false,
        }
    }

    async fn run(mut self, folder: &Folder) -> Result<Resolution, WitError> {
        self.asked_by(folder);
        self.has_deps_toml = folder.dir.join("deps.toml").is_file();
        let copies = self.copies_in(folder).await;
        self.at.extend(folder.own.packages());
        for source in &folder.deps {
            if !self.keeps(source) {
                continue;
            }
            let packages = source.packages();
            if !packages.iter().any(|package| copies.contains(package)) {
                self.at.extend(packages);
                self.kept.push(source.clone());
            }
            self.queue.extend(source.needs());
        }
        self.queue.extend(folder.own.needs());
        // From the end, so the project's own come first.
        self.settle().await?;
        self.finish()
    }

    /// What the project's own package asks for, and what is in `deps` and stays.
    fn asked_by(&mut self, folder: &Folder) {
        let own = folder.own.needs().into_iter();
        self.direct.extend(own.map(|need| need.package));
        self.asked.extend(Asked::all_of(&folder.own));
        for source in &folder.deps {
            if self.keeps(source) {
                self.asked.extend(Asked::all_of(source));
            } else if source.packages().iter().any(|name| self.is_local(name)) {
                let needs = source.needs().into_iter();
                self.direct.extend(needs.map(|need| need.package));
            }
        }
    }

    /// The packages in `deps` that a fetched package brought along and that are named now, so that the whole of them is
    /// wanted. What fetched packages bring along is known afterwards.
    async fn copies_in(&mut self, folder: &Folder) -> BTreeSet<PackageName> {
        let given = self.given;
        let elsewhere = |package: &PackageName| is_elsewhere(package, given.overrides, given.wit);
        let suspects = suspects(folder, given.lock, &self.direct, elsewhere);
        let bringers: BTreeSet<&PackageName> = suspects.values().flatten().collect();
        let mut unread: BTreeMap<&PackageName, Vec<String>> = BTreeMap::new();
        for by in bringers {
            let locked = given.lock.find(by);
            match given.packages.fetch(by, locked).await {
                Ok(fetched) => {
                    if let Ok((resolve, _)) = decode(&fetched.bytes) {
                        self.copies.add(by, resolve);
                    }
                }
                Err(refused) => drop(unread.insert(by, refused.reasons)),
            }
        }
        for (package, bringers) in &suspects {
            let unread = bringers.iter().find_map(|by| Some((by, unread.get(by)?)));
            if let (None, Some((by, reasons))) = (self.copies.bringer(package), unread) {
                self.unread.push(Unsure {
                    package: package.clone(),
                    needed_by: by.clone(),
                    tried: reasons.clone(),
                });
            }
        }
        let defined = folder.defined();
        let is_copy = |package: &PackageName| {
            let brought = self.copies.contents(package);
            let there = defined.get(package);
            let there = there.and_then(|source| Contents::of_source(source, package));
            brought
                .zip(there)
                .is_some_and(|(brought, there)| brought.covers(&there))
        };
        let copies = suspects.keys().filter(|package| is_copy(package));
        copies.cloned().collect()
    }

    fn is_local(&self, package: &PackageName) -> bool {
        is_local(package, self.given.overrides, self.given.wit)
    }

    /// Local packages are always looked at: what is in `deps` is a copy of them.
    fn keeps(&self, source: &Source) -> bool {
        let packages = source.packages();
        let mut packages = packages.iter();
        packages.all(|package| !self.is_local(package) && self.given.keep.keeps(package))
    }

    /// Looks until nothing is left that could be found somewhere.
    async fn settle(&mut self) -> Result<(), WitError> {
        loop {
            while let Some(need) = self.queue.pop() {
                self.look_for(need).await?;
            }
            if !(self.ask_a_registry().await? || self.renew().await? || self.read_a_copy()) {
                return Ok(());
            }
        }
    }

    async fn look_for(&mut self, need: Need) -> Result<(), WitError> {
        if self.at.contains(&need.package) {
            return Ok(());
        }
        let known = self.pending.get_mut(&need.package);
        let known = known.map(|pending| &mut pending.needed_by);
        let unresolved = self.unresolved.get_mut(&need.package);
        if let Some(places) = known.or(unresolved.map(|unresolved| &mut unresolved.needed_by)) {
            if !places.contains(&need.place) {
                places.push(need.place);
            }
            return Ok(());
        }
        match self.find(&need).await? {
            Answer::Found(more) => self.queue.extend(more),
            Answer::Later => {
                let pending = Pending {
                    needed_by: vec![need.place],
                    refused: None,
                    copy_is_read: false,
                };
                self.pending.insert(need.package, pending);
            }
            Answer::Nowhere(nowhere) => {
                let unresolved = nowhere.unresolved(&need.package, vec![need.place]);
                self.unresolved.insert(need.package, unresolved);
            }
        }
        Ok(())
    }

    async fn find(&mut self, need: &Need) -> Result<Answer, WitError> {
        let package = &need.package;
        match self.given.overrides.of(package) {
            Some(Override::Path(path)) => return self.local(package, path, "wkg.toml"),
            Some(Override::Version(wanted)) => {
                let version = package.version.as_ref();
                if version.is_none_or(|version| !wanted.matches(version)) {
                    return Ok(Answer::Nowhere(Nowhere::because(format!(
                        "wkg.toml overrides its version with `{wanted}`, which it does not have"
                    ))));
                }
            }
            None => {}
        }
        if let Some(source) = self.given.wit.source_of(package) {
            return self.outside(package, source).await;
        }
        if let Some(needs) = self.beside(package) {
            return Ok(Answer::Found(needs));
        }
        if package.version.is_none() {
            return Ok(Answer::Nowhere(unversioned_need(need)));
        }
        if let Some(text) = self.bundled(package) {
            if let Some(digest) = bundle::digest(package) {
                let registry = bundle::registry(package).map(str::to_string);
                self.digests
                    .insert(package.clone(), (registry, digest.clone()));
            }
            return Ok(Answer::Found(self.take_text(package, From::Bundle, &text)));
        }
        Ok(Answer::Later)
    }

    /// A package that lies beside one that was named. What lies there for others only may be a copy that has less.
    fn beside(&mut self, package: &PackageName) -> Option<Vec<Need>> {
        let fits = |neighbour: &Neighbour| {
            let has = neighbour.source.packages().contains(package);
            has && (neighbour.is_named || !self.direct.contains(package))
        };
        let index = self.neighbours.iter().position(fits)?;
        let source = self.neighbours.swap_remove(index).source;
        let from = From::Local(source.label().to_string());
        Some(self.take(package, from, source))
    }

    /// Asks for a package that is named, or of which no copy has everything. Whether there was one to ask for.
    async fn ask_a_registry(&mut self) -> Result<bool, WitError> {
        let wanted = self.pending.iter().find(|(package, pending)| {
            let copy = || self.copies.look_at(package, self.asked.iter());
            pending.refused.is_none() && (self.direct.contains(*package) || copy() != Copy::Enough)
        });
        let Some(package) = wanted.map(|(package, _)| package.clone()) else {
            return Ok(false);
        };
        match self.registry(&package).await? {
            Ok(more) => {
                self.pending.shift_remove(&package);
                self.queue.extend(more);
            }
            Err(nowhere) => {
                if let Some(pending) = self.pending.get_mut(&package) {
                    pending.refused = Some(nowhere);
                }
            }
        }
        Ok(true)
    }

    /// Asks for a package that is there with less than is asked for, or perhaps so. Whether there was one. Without an answer
    /// it stays, unless it certainly lacks something.
    async fn renew(&mut self) -> Result<bool, WitError> {
        let local = self.found.iter().filter_map(|found| match found.from {
            From::Local(_) => Some(&found.source),
            _ => None,
        });
        let lacking = self.kept.iter().chain(local).find_map(|source| {
            let package = source.packages().into_iter().next()?;
            let (overrides, wit) = (self.given.overrides, self.given.wit);
            let may_be = package.version.is_some()
                && !is_elsewhere(&package, overrides, wit)
                && !self.renewed.contains(&package);
            let is_unread = || self.unread.iter().any(|unsure| unsure.package == package);
            let lacks = may_be && (is_unread() || self.is_lacking(source, &package));
            lacks.then(|| (lack_of(source, &package, &self.asked), package))
        });
        let Some((lack, package)) = lacking else {
            return Ok(false);
        };
        self.renewed.insert(package.clone());
        let mut nowhere = match self.registry(&package).await? {
            Ok(more) => {
                self.kept
                    .retain(|source| !source.packages().contains(&package));
                self.unread.retain(|unsure| unsure.package != package);
                self.queue.extend(more);
                return Ok(true);
            }
            Err(nowhere) => nowhere,
        };
        if let Some(unsure) = self
            .unread
            .iter_mut()
            .find(|unsure| unsure.package == package)
        {
            unsure.tried.clone_from(&nowhere.tried);
        }
        if let (Some(lack), ErrorClass::Environment) = (lack, nowhere.fault) {
            let copy =
                format!("the copy in `deps` has {lack}: it may have only what other packages use");
            nowhere.tried.push(copy);
            nowhere.hints.push(ASK_AGAIN.to_string());
            let needs = self.asked.iter().map(|asked| &asked.need);
            let needs = needs.filter(|need| need.package == package);
            let places = needs.map(|need| need.place.clone()).collect();
            let unresolved = nowhere.unresolved(&package, places);
            self.unresolved.insert(package, unresolved);
        } else if self.copies.look_at(&package, self.asked.iter()) == Copy::Enough
            && self.copy_covers(&package)
        {
            let pending = Pending {
                needed_by: Vec::new(),
                refused: Some(Nowhere::default()),
                copy_is_read: false,
            };
            self.pending.insert(package, pending);
        }
        Ok(true)
    }

    fn is_lacking(&self, source: &Source, package: &PackageName) -> bool {
        if lack_of(source, package, &self.asked).is_some() {
            return true;
        }
        let brought = self.copies.contents(package);
        let there = brought
            .is_some()
            .then(|| Contents::of_source(source, package))
            .flatten();
        brought
            .zip(there)
            .is_some_and(|(brought, there)| !there.covers(&brought))
    }

    /// Whether what was brought along has all that is in `deps`.
    fn copy_covers(&self, package: &PackageName) -> bool {
        let mut kept = self.kept.iter();
        let there = kept.find(|source| source.packages().contains(package));
        let there = there.and_then(|source| Contents::of_source(source, package));
        let brought = self.copies.contents(package);
        brought
            .zip(there)
            .is_some_and(|(brought, there)| brought.covers(&there))
    }

    /// Looks for what a copy that will be taken needs in turn. Whether there was one.
    fn read_a_copy(&mut self) -> bool {
        let unread = self.pending.iter().find(|(package, pending)| {
            let copy = || self.copies.look_at(package, self.asked.iter());
            !pending.copy_is_read && copy() == Copy::Enough
        });
        let Some(package) = unread.map(|(package, _)| package.clone()) else {
            return false;
        };
        if let Some(pending) = self.pending.get_mut(&package) {
            pending.copy_is_read = true;
        }
        if let Ok(text) = self.copies.text(&package) {
            let source = Source::new(package.to_string().into(), vec![text]);
            self.queue.extend(source.needs());
        }
        true
    }

    /// Takes the copies, now that all of them are there, and tells what was not found.
    fn finish(mut self) -> Result<Resolution, WitError> {
        for (package, pending) in std::mem::take(&mut self.pending) {
            let lack = match self.copies.look_at(&package, self.asked.iter()) {
                Copy::Enough => {
                    let text = self.copy_text(&package)?;
                    let by = self.copies.bringer(&package).cloned();
                    let from = From::BroughtBy(by.unwrap_or(package.clone()));
                    self.take_text(&package, from, &text.text);
                    continue;
                }
                Copy::Lacks(lack) => Some(lack),
                Copy::None => None,
            };
            let mut nowhere = pending.refused.unwrap_or_default();
            if self.has_deps_toml {
                nowhere.hints.push(
                    "`wash` does not read `deps.toml`: run `wit-deps`, or add its entries to `wit.sources`"
                        .to_string(),
                );
            }
            let by = self.copies.bringer(&package);
            nowhere.tried.extend(lack.zip(by).map(|(lack, by)| {
                format!("{by} includes a copy with only what it uses itself: {lack}")
            }));
            let unresolved = nowhere.unresolved(&package, pending.needed_by);
            self.unresolved.insert(package, unresolved);
        }
        if !self.unresolved.is_empty() {
            return Err(WitError::Unresolved(
                self.unresolved.into_values().collect(),
            ));
        }
        for (package, (registry, digest)) in self.digests {
            if self.direct.contains(&package) {
                self.lock.insert(&package, registry.as_deref(), digest);
            }
        }
        for found in &self.found {
            // Nothing is written that cannot be read again.
            if found.from != From::Bundle {
                found.source.parse()?;
            }
        }
        let direct = self.direct;
        self.lock.retain(|package| direct.contains(package));
        Ok(Resolution {
            found: self.found,
            lock: self.lock,
            unsure: self.unread,
        })
    }

    fn copy_text(&self, package: &PackageName) -> Result<Text, WitError> {
        let text = self.copies.text(package);
        text.map_err(|reason| WitError::NotWit {
            name: package.to_string(),
            reason,
        })
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
    ) -> Result<Answer, WitError> {
        let shown = path
            .strip_prefix(self.given.root)
            .unwrap_or(path)
            .display()
            .to_string();
        if !path.exists() {
            return Ok(Answer::Nowhere(Nowhere::because(format!(
                "{said_by} points to `{shown}`, which does not exist"
            ))));
        }
        let inside = path.join("wit");
        let (path, shown) = match Source::read(path, &shown)? {
            None if inside.is_dir() => (inside, format!("{shown}/wit")),
            _ => (path.to_path_buf(), shown),
        };
        let Some(source) = Source::read(&path, &shown)? else {
            return Ok(Answer::Nowhere(Nowhere::because(format!(
                "{said_by} points to `{shown}`, which has no WIT"
            ))));
        };
        if !source.packages().contains(package) {
            return Ok(Answer::Nowhere(other_package(said_by, &shown, &source)));
        }
        if path.is_dir() {
            self.meet(&source, read_deps(&path, &shown)?);
        }
        self.direct
            .extend(source.needs().into_iter().map(|need| need.package));
        Ok(Answer::Found(self.take(
            package,
            From::Local(shown),
            source,
        )))
    }

    /// What lies beside a package that was named.
    fn meet(&mut self, source: &Source, deps: Vec<Source>) {
        let named = source.needs().into_iter().map(|need| need.package);
        let named: BTreeSet<PackageName> = named.collect();
        let neighbours = deps.into_iter().map(|source| Neighbour {
            is_named: source.packages().iter().any(|name| named.contains(name)),
            source,
        });
        self.neighbours.extend(neighbours);
    }

    async fn outside(&mut self, package: &PackageName, written: &str) -> Result<Answer, WitError> {
        let said_by = "`wit.sources` of the config";
        let upstream = match Outside::parse(written) {
            Outside::Path(path) => {
                return self.local(package, &self.given.root.join(path), said_by);
            }
            outside => outside.fetch(package, self.given.wit.offline).await,
        };
        let shown = without_password(written);
        Ok(match upstream {
            Err(Refused { reason, hints }) => Answer::Nowhere(Nowhere {
                fault: ErrorClass::Environment,
                hints,
                ..Nowhere::because(format!("{said_by} points to {shown}: {reason}"))
            }),
            Ok((source, _)) if !source.packages().contains(package) => {
                Answer::Nowhere(other_package(said_by, &shown, &source))
            }
            Ok((source, deps)) => {
                self.meet(&source, deps);
                Answer::Found(self.take(package, From::Source(shown), source))
            }
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
            Err(NotFetched {
                reasons,
                hint,
                fault,
            }) => {
                let mut nowhere = nowhere(package, reasons);
                nowhere.fault = fault;
                nowhere.hints.extend(hint.map(str::to_string));
                if locked.is_some() && bundle::find(package).is_some() {
                    nowhere.tried.insert(
                        0,
                        "the lock pins other contents than those of the package that comes with wash"
                            .to_string(),
                    );
                    nowhere.hints.push(format!(
                        "to use the one that comes with wash: wash wit update {package}"
                    ));
                }
                return Ok(Err(nowhere));
            }
        };
        let pin = (Some(fetched.registry.clone()), fetched.digest);
        self.digests.insert(package.clone(), pin);
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
        self.copies.add(package, resolve);
        Ok(Ok(self.take_text(package, from, &text)))
    }

    fn take_text(&mut self, package: &PackageName, from: From, text: &str) -> Vec<Need> {
        let text = Text::new(&format!("{package}/package.wit"), text);
        self.take(package, from, Source::new("package.wit".into(), vec![text]))
    }

    fn take(&mut self, package: &PackageName, from: From, source: Source) -> Vec<Need> {
        let needs = source.needs();
        self.at.extend(source.packages());
        self.asked.extend(Asked::all_of(&source));
        self.found.retain(|found| found.package != *package);
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
    Nowhere::because(format!("{said_by} points to `{place}`, which is {is}"))
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
        tried: vec!["the reference has no version, and neither package in `deps` does".to_string()],
        hints: hint.into_iter().collect(),
        fault: ErrorClass::Input,
    }
}

/// Neither the bundle nor a registry has it; near names may be what was meant.
fn nowhere(package: &PackageName, reasons: Vec<String>) -> Nowhere {
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
        tried: std::iter::once(bundled).chain(reasons).collect(),
        hints,
        fault: ErrorClass::Input,
    }
}
