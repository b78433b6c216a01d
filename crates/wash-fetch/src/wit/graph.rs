//! Who refers to what: the tree of packages, and the way from a world to an interface.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use wit_parser::PackageName;

use super::diagnose::Place;
use super::folder::Folder;
use super::name::Target;
use super::scan::Keyword;
use super::source::Source;

/// A package and those it refers to.
#[derive(Debug, PartialEq, Eq)]
pub struct Branch {
    pub package: PackageName,
    pub there: bool,
    /// Empty, too, for a package whose branches were shown before.
    pub branches: Vec<Branch>,
    pub shown_before: bool,
}

/// The packages below the project's own.
pub fn tree(folder: &Folder) -> Vec<Branch> {
    let defined = folder.defined();
    branches(&folder.own, &defined, &mut BTreeSet::new())
}

fn branches(
    source: &Source,
    defined: &BTreeMap<PackageName, &Source>,
    seen: &mut BTreeSet<PackageName>,
) -> Vec<Branch> {
    let packages: BTreeSet<PackageName> = source
        .needs()
        .into_iter()
        .map(|need| need.package)
        .collect();
    let branch = |package: PackageName| {
        let below = defined.get(&package).copied();
        let shown_before = !seen.insert(package.clone());
        let branches = match below {
            Some(below) if !shown_before => branches(below, defined, seen),
            _ => Vec::new(),
        };
        Branch {
            shown_before: shown_before && below.is_some_and(|below| !below.needs().is_empty()),
            there: below.is_some(),
            branches,
            package,
        }
    };
    packages.into_iter().map(branch).collect()
}

/// An interface or a world, or a package's own package-level text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// `None` for the project's own package.
    pub package: Option<PackageName>,
    /// `None` for what stands outside of interfaces and worlds.
    pub item: Option<String>,
}

/// One step of the way.
#[derive(Debug, Clone)]
pub struct Step {
    pub from: Node,
    pub keyword: Keyword,
    pub to: Node,
    pub place: Place,
}

/// The shortest way from each world or interface of the project to what is asked for. Ways through another one of the
/// project's own are left to that one.
pub fn ways(folder: &Folder, target: &Target) -> Vec<Vec<Step>> {
    let steps = steps(folder);
    let starts: BTreeSet<&Node> = steps.keys().filter(|node| node.package.is_none()).collect();
    let mut ways: Vec<Vec<Step>> = starts
        .into_iter()
        .filter_map(|start| way(start, &steps, target))
        .collect();
    ways.sort_by_key(Vec::len);
    ways
}

fn way(start: &Node, steps: &BTreeMap<Node, Vec<Step>>, target: &Target) -> Option<Vec<Step>> {
    let mut queue = VecDeque::from([Vec::<Step>::new()]);
    let mut seen = BTreeSet::new();
    while let Some(way) = queue.pop_front() {
        let at = way.last().map_or(start, |step| &step.to);
        for step in steps.get(at).into_iter().flatten() {
            let mut longer = way.clone();
            longer.push(step.clone());
            let reached = step
                .to
                .package
                .as_ref()
                .is_some_and(|package| target.covers(package, step.to.item.as_deref()));
            if reached {
                return Some(longer);
            }
            if seen.insert(step.to.clone()) {
                queue.push_back(longer);
            }
        }
    }
    None
}

fn steps(folder: &Folder) -> BTreeMap<Node, Vec<Step>> {
    let mut steps: BTreeMap<Node, Vec<Step>> = BTreeMap::new();
    for source in folder.sources() {
        let own = std::ptr::eq(source, &folder.own);
        let package = source.packages().into_iter().next().filter(|_| !own);
        for text in &source.texts {
            for statement in &text.outline.statements {
                // An inline interface of a world is part of it.
                let block = statement.block.map(|block| &text.outline.blocks[block]);
                let item = block.map(|block| match block.name.as_str() {
                    "" => enclosing_world(text, block.open),
                    name => name.to_string(),
                });
                let from = Node {
                    package: package.clone(),
                    item,
                };
                let to = match (&statement.path, &statement.local) {
                    (Some(path), _) => Node {
                        package: Some(path.package.clone())
                            .filter(|to| !source.packages().contains(to) || !own),
                        item: Some(path.item.clone()),
                    },
                    (None, Some(local)) => Node {
                        package: package.clone(),
                        item: Some(local.clone()),
                    },
                    (None, None) => continue,
                };
                let place = Place::of(&text.label, &text.text, statement.span.clone());
                let step = Step {
                    from: from.clone(),
                    keyword: statement.keyword,
                    to,
                    place,
                };
                steps.entry(from).or_default().push(step);
            }
        }
    }
    steps
}

fn enclosing_world(text: &super::source::Text, at: usize) -> String {
    let around = text
        .outline
        .worlds()
        .find(|(_, world)| world.open < at && world.close.is_none_or(|close| close > at));
    around.map_or_else(String::new, |(_, world)| world.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wit::source::Text;

    fn folder() -> Folder {
        let source = |name: &str, text: &str| Source::new(name.into(), vec![Text::new(name, text)]);
        Folder {
            dir: "wit".into(),
            label: "wit".into(),
            own: source(
                "world.wit",
                "package a:b;\ninterface own { use d:e/f@1.0.0.{t}; }\nworld w {\n  import own;\n  import g:h/i;\n}\n",
            ),
            deps: vec![
                source(
                    "e.wit",
                    "package d:e@1.0.0;\ninterface f { use k.{t}; }\ninterface k { use l:m/n.{t}; }\n",
                ),
                source("m.wit", "package l:m;\ninterface n { type t = u8; }\n"),
                source("h.wit", "package g:h;\ninterface i { use l:m/n.{t}; }\n"),
            ],
        }
    }

    #[test]
    fn the_tree_shows_each_package_once_in_full() {
        let tree = tree(&folder());
        let names: Vec<String> = tree
            .iter()
            .map(|branch| branch.package.to_string())
            .collect();
        assert_eq!(names, ["d:e@1.0.0", "g:h"]);
        assert_eq!(tree[0].branches[0].package.to_string(), "l:m");
        assert!(
            tree.iter()
                .all(|branch| branch.there && !branch.shown_before)
        );
    }

    #[test]
    fn ways_are_the_shortest() {
        let ways = ways(&folder(), &"l:m/n".parse().unwrap());
        let ends: Vec<(Option<&str>, usize)> = ways
            .iter()
            .map(|way| (way[0].from.item.as_deref(), way.len()))
            .collect();
        assert_eq!(ends, [(Some("w"), 2), (Some("own"), 3)]);
        assert_eq!(ways[0][1].place.to_string(), "h.wit:2");
        assert!(super::ways(&folder(), &"l:x".parse().unwrap()).is_empty());
    }
}
