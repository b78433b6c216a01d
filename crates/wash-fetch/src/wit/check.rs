//! Whether a project's WIT is in order: valid, complete, and what the lock says.

use std::collections::{BTreeMap, BTreeSet};

use wit_component::WitPrinter;
use wit_parser::{PackageId, PackageName, Resolve};

use super::bundle;
use super::diagnose::Diagnostic;
use super::folder::Folder;
use super::lock::Lock;
use super::resolve::{Partial, Unsure};
use super::source::{Need, Source};

/// What is wrong, and what is only worth knowing.
#[derive(Debug, Default)]
pub struct Report {
    /// In `deps`.
    pub packages: usize,
    pub missing: BTreeMap<PackageName, Vec<Need>>,
    pub invalid: Option<Diagnostic>,
    /// In `deps` with less than is asked of them.
    pub partial: Vec<Partial>,
    /// In `deps`, perhaps with less than there is of them.
    pub unsure: Vec<Unsure>,
    /// Locked to other bytes than those of the package that lies in `deps`.
    pub untrue: Vec<PackageName>,
    /// Locked, and not referred to.
    pub stale: Vec<PackageName>,
    /// In `deps`, and needed by nothing.
    pub unused: Vec<String>,
}

impl Report {
    pub fn is_good(&self) -> bool {
        self.missing.is_empty()
            && self.invalid.is_none()
            && self.partial.is_empty()
            && self.untrue.is_empty()
    }
}

/// `partial`, `unsure`: what is known of packages that were brought along; `is_local`: of which packages there is a folder.
pub fn check(
    folder: &Folder,
    lock: &Lock,
    (partial, unsure): (Vec<Partial>, Vec<Unsure>),
    is_local: impl Fn(&PackageName) -> bool,
) -> Report {
    let missing = folder.missing();
    // What cannot be complete is only read, each package on its own.
    let is_whole = missing.is_empty() && !partial.iter().any(|partial| partial.is_broken);
    let (resolved, invalid) = match is_whole {
        true => match folder.resolve() {
            Ok((resolve, _)) => (Some(resolve), None),
            Err(problem) => (None, Some(problem)),
        },
        false => (
            None,
            folder.sources().find_map(|source| source.parse().err()),
        ),
    };
    let local = |source: &&Source| source.packages().iter().any(&is_local);
    let named = folder.deps.iter().filter(local);
    let named = named.chain([&folder.own]).flat_map(Source::needs);
    let needed: BTreeSet<PackageName> = named.map(|need| need.package).collect();
    let locked: Vec<PackageName> = lock.packages().collect();
    let untrue = |package: &&PackageName| {
        resolved
            .as_ref()
            .is_some_and(|resolve| is_untrue(package, resolve, lock))
    };
    Report {
        packages: folder.deps.len(),
        untrue: locked.iter().filter(untrue).cloned().collect(),
        stale: locked
            .iter()
            .filter(|package| !needed.contains(package))
            .cloned()
            .collect(),
        unused: folder.unused().into_iter().map(Source::file_name).collect(),
        missing,
        invalid,
        partial,
        unsure,
    }
}

/// Only of packages that come with `wash` is it known which bytes have which text.
fn is_untrue(package: &PackageName, resolve: &Resolve, lock: &Lock) -> bool {
    let there = resolve.package_names.get(package);
    let (Some(there), Some(locked), Some(known)) =
        (there, lock.find(package), bundle::digest(package))
    else {
        return false;
    };
    let Some((ours, id)) = bundle::resolve(package) else {
        return false;
    };
    // What a registry's package brings of another one may be less than there is.
    let same = lines(resolve, *there).is_subset(&lines(&ours, id));
    same != (locked == known)
}

/// A package without comments and annotations, however it was written.
fn lines(resolve: &Resolve, package: PackageId) -> BTreeSet<String> {
    let mut printer = WitPrinter::default();
    printer.emit_docs(false);
    if printer.print(resolve, package, &[]).is_err() {
        return BTreeSet::new();
    }
    let text = printer.output.to_string();
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('@'));
    lines.map(str::to_string).collect()
}
