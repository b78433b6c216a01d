//! Where a path leads through symbolic links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};

/// As many links as the system follows.
const MAX_LINKS: usize = 40;

/// Paths with links in them, by what they lead through.
#[derive(Debug, Default)]
pub(super) struct Links {
    hops: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    origins: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

impl Links {
    /// Looks where a path leads now.
    pub(super) fn look(&mut self, path: &Path) {
        let now = hops(path);
        if self.hops.get(path).unwrap_or(&BTreeSet::new()) == &now {
            return;
        }
        self.forget(path);
        for hop in &now {
            let origins = self.origins.entry(hop.clone()).or_default();
            origins.insert(path.to_path_buf());
        }
        if !now.is_empty() {
            self.hops.insert(path.to_path_buf(), now);
        }
    }

    pub(super) fn forget(&mut self, path: &Path) {
        for hop in self.hops.remove(path).unwrap_or_default() {
            if let Some(origins) = self.origins.get_mut(&hop) {
                origins.remove(path);
                if origins.is_empty() {
                    self.origins.remove(&hop);
                }
            }
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Path) -> bool) {
        let gone = self.hops.keys().filter(|path| !keep(path));
        for path in gone.cloned().collect::<Vec<_>>() {
            self.forget(&path);
        }
    }

    /// The paths that lead through this one or through something below it.
    pub(super) fn through<'l>(&'l self, path: &'l Path) -> impl Iterator<Item = &'l PathBuf> {
        let from = (Bound::Included(path), Bound::Unbounded);
        let below = self.origins.range::<Path, _>(from);
        let below = below.take_while(move |(hop, _)| hop.starts_with(path));
        below.flat_map(|(_, origins)| origins)
    }

    /// The directories in which a link may be pointed elsewhere, or what it leads to may change.
    pub(super) fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.origins.keys().filter_map(|hop| hop.parent())
    }
}

/// The links on the way, and where the path ends: none if there are no links. The directory of each is given without
/// links.
fn hops(path: &Path) -> BTreeSet<PathBuf> {
    let mut hops = BTreeSet::new();
    let mut at = PathBuf::new();
    let mut ahead: Vec<PathBuf> = backwards(path);
    let mut followed = 0;
    while let Some(part) = ahead.pop() {
        if part.as_os_str() == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        match fs::read_link(&next) {
            Ok(target) if followed < MAX_LINKS => {
                followed += 1;
                hops.insert(next);
                ahead.extend(backwards(&target));
            }
            _ => at = next,
        }
    }
    if !hops.is_empty() {
        hops.insert(at);
    }
    hops
}

/// The parts of a path, the last one first. An absolute path begins with its root, which replaces what it is joined to.
fn backwards(path: &Path) -> Vec<PathBuf> {
    let parts = path.components();
    let parts = parts.filter(|part| !matches!(part, Component::CurDir));
    let parts = parts.map(|part| PathBuf::from(part.as_os_str()));
    let mut parts: Vec<PathBuf> = parts.collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_way() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().canonicalize().unwrap();
        fs::create_dir_all(dir.join("store/v1/lib")).unwrap();
        symlink("store/v1", dir.join("result")).unwrap();
        symlink("../../../shared", dir.join("store/v1/lib/app")).unwrap();
        let found = hops(&dir.join("result/lib/app"));
        let expected = ["result", "shared", "store/v1/lib/app"].map(|path| dir.join(path));
        assert_eq!(found, expected.into());
        assert_eq!(hops(&dir.join("store/v1")), BTreeSet::new());
        symlink("round", dir.join("round")).unwrap();
        assert!(!hops(&dir.join("round")).is_empty());
    }

    #[test]
    fn what_leads_through_a_path() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().canonicalize().unwrap();
        symlink("a/b", dir.join("link")).unwrap();
        let mut links = Links::default();
        links.look(&dir.join("link"));
        for path in ["link", "a/b", "a"] {
            let path = dir.join(path);
            assert_eq!(links.through(&path).count(), 1, "{path:?}");
        }
        assert_eq!(links.through(&dir.join("b")).count(), 0);
        links.retain(|_| false);
        assert_eq!(links.dirs().count(), 0);
    }
}
