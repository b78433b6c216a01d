//! Parts, added up under the names that somebody asked for. Pure.

use std::collections::BTreeMap;

use crate::measure::Measured;
use crate::names::{origin, readable};

/// What parts are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    Section,
    Module,
    Crate,
    Function,
}

impl By {
    pub const ALL: [Self; 4] = [Self::Section, Self::Module, Self::Crate, Self::Function];

    pub fn name(self) -> &'static str {
        match self {
            Self::Section => "section",
            Self::Module => "module",
            Self::Crate => "crate",
            Self::Function => "function",
        }
    }

    pub fn summary(self) -> &'static str {
        match self {
            Self::Section => "sections of the file: code, data, names, debug information",
            Self::Module => "core modules, and the component around them",
            Self::Crate => "the crate, package or namespace that a function is from",
            Self::Function => "functions, data segments and what is neither",
        }
    }
}

/// Everything of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub bytes: u64,
    /// How many parts there are of it.
    pub count: usize,
}

/// The rows of a file, the largest first.
pub fn rows(measured: &Measured, by: By) -> Vec<Row> {
    let mut sums: BTreeMap<String, (u64, usize)> = BTreeMap::new();
    for part in &measured.parts {
        let is_code = part.section == "code";
        let name = match (by, &part.name) {
            (By::Section, _) => part.section.clone(),
            (By::Module, _) => measured.modules[part.module].clone(),
            (By::Function, Some(name)) if is_code => readable(name),
            (By::Crate, Some(name)) if is_code => origin(&readable(name)).to_owned(),
            (By::Function, Some(name)) => format!("[{}] {name}", part.section),
            (By::Function | By::Crate, _) => format!("[{}]", part.section),
        };
        let (bytes, count) = sums.entry(name).or_default();
        *bytes += part.bytes;
        *count += 1;
    }
    let rows = sums.into_iter();
    let mut rows: Vec<Row> = rows
        .map(|(name, (bytes, count))| Row { name, bytes, count })
        .collect();
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    rows
}

/// What has become of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    pub old: u64,
    pub new: u64,
}

impl Change {
    /// How much it has grown.
    pub fn growth(&self) -> i128 {
        i128::from(self.new) - i128::from(self.old)
    }
}

/// What differs between two files, the largest difference first.
pub fn changes(old: &Measured, new: &Measured, by: By) -> Vec<Change> {
    let mut names: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for row in rows(old, by) {
        names.entry(row.name).or_default().0 = row.bytes;
    }
    for row in rows(new, by) {
        names.entry(row.name).or_default().1 = row.bytes;
    }
    let changes = names
        .into_iter()
        .map(|(name, (old, new))| Change { name, old, new });
    let mut changes: Vec<Change> = changes.filter(|change| change.old != change.new).collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.growth().abs()));
    changes
}
