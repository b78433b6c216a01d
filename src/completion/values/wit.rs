//! WIT packages: those that come with `wash`, and those of the project.

use std::collections::{BTreeMap, BTreeSet};

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use wash_fetch::wit::lock::Lock;
use wash_fetch::wit::name::{PackageName, unversioned};
use wash_fetch::wit::scan::Outline;
use wash_fetch::wit::{Folder, bundle};

use super::{candidate, completer};
use crate::completion::line::Line;
use crate::project;
use crate::project::Overrides;

/// What can be added: the packages that come with `wash` or are there already, and when it is clear which is meant, what is
/// in it.
pub fn published() -> ArgValueCompleter {
    completer(|line, current| {
        let mut all: BTreeMap<String, Vec<PackageName>> = BTreeMap::new();
        let there = folder(line).into_iter().flat_map(|folder| {
            let defined: Vec<_> = folder.defined().into_keys().collect();
            let own = folder.name();
            defined
                .into_iter()
                .filter(move |name| Some(name) != own.as_ref())
        });
        for package in bundle::all().into_iter().chain(there) {
            all.entry(unversioned(&package)).or_default().push(package);
        }
        let name = current.split(['/', '@']).next().unwrap_or_default();
        all.retain(|package, _| package.starts_with(name));
        if let (1, Some((package, versions))) = (all.len(), all.iter().next()) {
            return within(package, versions, current);
        }
        if let Some(versions) = all.get(name) {
            return within(name, versions, current);
        }
        let help = |versions: &Vec<PackageName>| {
            let last = versions
                .iter()
                .filter_map(|package| package.version.as_ref())
                .max();
            last.map(ToString::to_string).unwrap_or_default()
        };
        all.iter()
            .map(|(package, versions)| candidate(package, help(versions)))
            .collect()
    })
}

/// What is in a package; after `@`, its versions, the newest first.
fn within(package: &str, versions: &[PackageName], current: &str) -> Vec<CompletionCandidate> {
    let newest = versions.iter().rev();
    if let Some((path, _)) = current.split_once('@') {
        let versions = newest.filter_map(|package| package.version.as_ref());
        return versions
            .map(|version| candidate(format!("{path}@{version}"), ""))
            .collect();
    }
    let mut items = BTreeSet::new();
    for text in newest.filter_map(bundle::find) {
        let outline = Outline::of(&text);
        let worlds: Vec<&str> = outline
            .worlds()
            .map(|(_, block)| block.name.as_str())
            .collect();
        let interfaces = outline.items().filter(|item| !worlds.contains(item));
        items.extend(interfaces.map(str::to_owned));
    }
    let items = items.into_iter();
    let items = items.map(|item| candidate(format!("{package}/{item}"), ""));
    [candidate(package, "")].into_iter().chain(items).collect()
}

/// What the project refers to.
pub fn needed_packages() -> ArgValueCompleter {
    completer(|line, _| {
        let needs = folder(line)
            .map(|folder| folder.own.needs())
            .unwrap_or_default();
        let names = needs.iter().flat_map(|need| {
            [
                unversioned(&need.package),
                need.package.interface_id(&need.item),
            ]
        });
        let names: BTreeSet<String> = names.collect();
        names.into_iter().map(|name| candidate(name, "")).collect()
    })
}

/// What is there, needed by the project or by others.
pub fn packages() -> ArgValueCompleter {
    completer(|line, _| {
        let folder = folder(line);
        let there = folder
            .iter()
            .flat_map(|folder| folder.defined().into_keys());
        let root = line.base().and_then(|base| project::find_root(&base).ok());
        let locked = root
            .and_then(|root| Lock::read(&root).ok())
            .unwrap_or_default();
        let own = folder.as_ref().and_then(Folder::name);
        let names: BTreeSet<String> = there
            .chain(locked.packages())
            .filter(|name| Some(name) != own.as_ref())
            .map(|name| name.to_string())
            .collect();
        names.into_iter().map(|name| candidate(name, "")).collect()
    })
}

/// The worlds of the project.
pub fn worlds() -> ArgValueCompleter {
    completer(|line, _| {
        let texts = folder(line)
            .map(|folder| folder.own.texts)
            .unwrap_or_default();
        let worlds = texts.iter().flat_map(|text| text.outline.worlds());
        worlds
            .map(|(_, world)| candidate(&world.name, ""))
            .collect()
    })
}

fn folder(line: &Line) -> Option<Folder> {
    let (root, wit, _) = project::wit(&line.base()?, &Overrides::default()).ok()?;
    Folder::read(&root.join(wit.dir), "wit").ok()?
}
