//! Copies of packages that a package in its binary form brings along: what it uses of them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;
use wit_parser::{PackageName, Resolve};

use super::contents::{Contents, Lack};
use super::folder::Folder;
use super::lock::Lock;
use super::source::{Need, Source, Text, print};

/// What was brought along, put together.
#[derive(Default)]
pub(super) struct Copies {
    /// By package, whoever brought it.
    bringers: BTreeMap<PackageName, IndexSet<PackageName>>,
    all: Option<Resolve>,
}

/// Whether the copy of a package will do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Copy {
    None,
    Lacks(Lack),
    Enough,
}

impl Copies {
    /// What `by` has with it. Two that contradict each other are not put together: the first counts.
    pub(super) fn add(&mut self, by: &PackageName, resolve: Resolve) {
        let others = resolve.packages.iter().map(|(_, other)| other.name.clone());
        let others: Vec<PackageName> = others.filter(|name| name != by).collect();
        let merged = match self.all.take() {
            None => resolve,
            Some(all) => {
                let mut merged = all.clone();
                match merged.merge(resolve) {
                    Ok(_) => merged,
                    Err(_) => {
                        self.all = Some(all);
                        return;
                    }
                }
            }
        };
        self.all = Some(merged);
        for other in others {
            self.bringers.entry(other).or_default().insert(by.clone());
        }
    }

    /// The first that brought it.
    pub(super) fn bringer(&self, package: &PackageName) -> Option<&PackageName> {
        self.bringers.get(package)?.first()
    }

    pub(super) fn contents(&self, package: &PackageName) -> Option<Contents> {
        self.bringers.get(package)?;
        let all = self.all.as_ref()?;
        let id = all.package_names.get(package)?;
        Some(Contents::of_copy(all, *id))
    }

    /// Whether the copy has what is needed of it: what a bringer needs, it has brought.
    pub(super) fn look_at<'n>(
        &self,
        package: &PackageName,
        needs: impl Iterator<Item = &'n Asked>,
    ) -> Copy {
        let (Some(contents), Some(bringers)) = (self.contents(package), self.bringers.get(package))
        else {
            return Copy::None;
        };
        let mut lacks = needs
            .filter(|asked| asked.need.package == *package)
            .filter(|asked| asked.by.as_ref().is_none_or(|by| !bringers.contains(by)))
            .filter_map(|asked| contents.lacks(&asked.need));
        match lacks.next() {
            Some(lack) => Copy::Lacks(lack),
            None => Copy::Enough,
        }
    }

    pub(super) fn text(&self, package: &PackageName) -> Result<Text, String> {
        let all = self.all.as_ref();
        let id = all.and_then(|all| Some((all, *all.package_names.get(package)?)));
        let (all, id) = id.ok_or_else(|| "nothing brought it along".to_string())?;
        let text = print(all, id)?;
        Ok(Text::new(&format!("{package}/package.wit"), &text))
    }
}

/// What a package needs of another one.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) by: Option<PackageName>,
    pub(super) need: Need,
}

impl Asked {
    pub(super) fn all_of(source: &Source) -> impl Iterator<Item = Self> + use<> {
        let by = source.packages().into_iter().next();
        let needs = source.all_needs().into_iter();
        needs.map(move |need| Self {
            by: by.clone(),
            need,
        })
    }
}

/// The packages in `deps` that may be copies which another one brought along, although `direct` names them: they are not
/// locked, and something that was fetched needs them too. With those that may have brought them.
pub(super) fn suspects(
    folder: &Folder,
    lock: &Lock,
    direct: &BTreeSet<PackageName>,
    is_elsewhere: impl Fn(&PackageName) -> bool,
) -> BTreeMap<PackageName, BTreeSet<PackageName>> {
    let defined = folder.defined();
    let fetched = |package: &PackageName| package.version.is_some() && !is_elsewhere(package);
    let locked = defined
        .keys()
        .filter(|package| lock.find(package).is_some() && fetched(package));
    let mut suspects: BTreeMap<PackageName, BTreeSet<PackageName>> = BTreeMap::new();
    for start in locked {
        let mut seen = BTreeSet::from([start.clone()]);
        let mut next = vec![start.clone()];
        while let Some(package) = next.pop() {
            let Some(source) = defined.get(&package) else {
                continue;
            };
            for need in source.needs() {
                let suspect = direct.contains(&need.package)
                    && defined.contains_key(&need.package)
                    && lock.find(&need.package).is_none();
                if suspect && fetched(&need.package) {
                    let by = suspects.entry(need.package.clone()).or_default();
                    by.extend(seen.iter().cloned());
                }
                if fetched(&need.package) && seen.insert(need.package.clone()) {
                    next.push(need.package);
                }
            }
        }
    }
    suspects
}
