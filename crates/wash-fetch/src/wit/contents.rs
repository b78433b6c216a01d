//! What a package has in it, by name: so that one that has less than somebody asks for is not taken for the whole one.
//!
//! A package in its binary form has of every other package what its own world and interfaces use, and no more: an interface
//! of which it uses a type has no functions there.

use std::collections::{BTreeMap, BTreeSet};

use wit_parser::{Interface, PackageId, PackageName, Resolve, WorldItem, WorldKey};

use super::source::{Need, Source};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The names in each interface, and of each world.
    items: BTreeMap<String, BTreeSet<String>>,
    /// The items that certainly have all that they were written with.
    whole: BTreeSet<String>,
}

impl Contents {
    /// Of a package that others in `resolve` may have brought along.
    pub(super) fn of_copy(resolve: &Resolve, package: PackageId) -> Self {
        let mut contents = Self::default();
        for (name, id) in &resolve.packages[package].interfaces {
            let interface = &resolve.interfaces[*id];
            contents.items.insert(name.clone(), names(interface));
            // An interface comes with all of its functions or with none; a world imports it with all that it has.
            let in_world = resolve.worlds.iter().any(|(_, world)| {
                let mut items = world.imports.iter().chain(&world.exports);
                items.any(|(key, item)| {
                    *key == WorldKey::Interface(*id)
                        || matches!(item, WorldItem::Interface { id: other, .. } if other == id)
                })
            });
            if !interface.functions.is_empty() || in_world {
                contents.whole.insert(name.clone());
            }
        }
        for name in resolve.packages[package].worlds.keys() {
            contents.items.insert(name.clone(), BTreeSet::new());
            contents.whole.insert(name.clone());
        }
        contents
    }

    /// Of a package that a text defines, as far as it can be read.
    pub(super) fn of_source(source: &Source, package: &PackageName) -> Option<Self> {
        let group = source.parse().ok()?;
        let mut packages = std::iter::once(&group.main).chain(&group.nested);
        let found = packages.find(|parsed| parsed.name == *package)?;
        let mut items: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (_, interface) in &found.interfaces {
            if let Some(name) = &interface.name {
                items
                    .entry(name.clone())
                    .or_default()
                    .extend(names(interface));
            }
        }
        // Those of other packages have no names here.
        for (_, world) in &found.worlds {
            if !world.name.is_empty() {
                items.entry(world.name.clone()).or_default();
            }
        }
        let whole = items.keys().cloned().collect();
        Some(Self { items, whole })
    }

    /// Whether everything that is in `other` is in this one.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.items.iter().all(|(item, names)| {
            let own = self.items.get(item);
            own.is_some_and(|own| names.is_subset(own))
        })
    }

    /// What is asked for and is not there, or perhaps not there.
    pub(super) fn lacks(&self, need: &Need) -> Option<Lack> {
        let Some(names) = self.items.get(&need.item) else {
            return Some(Lack::Item(need.item.clone()));
        };
        let missing = need.types.iter().find(|name| !names.contains(*name));
        if let Some(name) = missing {
            return Some(Lack::Type(need.item.clone(), name.clone()));
        }
        let doubtful = need.whole && !self.whole.contains(&need.item);
        doubtful.then(|| Lack::Functions(need.item.clone()))
    }
}

fn names(interface: &Interface) -> BTreeSet<String> {
    let types = interface.types.keys();
    types.chain(interface.functions.keys()).cloned().collect()
}

/// What a copy of a package does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lack {
    Item(String),
    /// The item, and the type in it.
    Type(String, String),
    /// Whatever is in the item besides the types that somebody uses.
    Functions(String),
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lack::Item(item) => write!(f, "no `{item}`"),
            Lack::Type(item, name) => write!(f, "no type `{name}` in `{item}`"),
            Lack::Functions(item) => write!(f, "no functions in `{item}`"),
        }
    }
}
