//! What the files of a project look like, and how that differs from the last look.
//!
//! Touches the disk and knows nothing of notifications: it is told where to look. Directories are listed one at a
//! time, so that what is ignored costs nothing however large it is.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read};
use std::ops::Bound;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::fingerprint::{Difference, Differences, Fingerprint};
use super::links::Links;
use super::list::{Entry, entries, is_ignore_file, is_noise};
use super::outputs::Outputs;

/// Larger files are compared by size and time only.
const HASHED: u64 = 4 << 20;

/// How much the first look may read; later ones read what was written meanwhile.
const FIRST_LOOK: u64 = 64 << 20;

/// What to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Directories with everything below them that is not ignored.
    pub roots: BTreeSet<PathBuf>,
    /// Single files, existing or not, ignored or not. One that is a directory stands for the files in it.
    pub files: BTreeSet<PathBuf>,
    /// Files and directories below the roots that do not count.
    pub except: BTreeSet<PathBuf>,
    /// Directories below the roots whose `.wasm` files do not count.
    pub except_wasm_in: BTreeSet<PathBuf>,
}

/// The state of the targets when they were last looked at.
#[derive(Debug, Default)]
pub(super) struct Tree {
    targets: Targets,
    /// The directories to look at, as far as they exist, each with its files.
    dirs: BTreeMap<PathBuf, Files>,
    /// The single files of the targets.
    singles: BTreeMap<PathBuf, Option<Stamp>>,
    /// Files and single files that are links, or lie behind links.
    links: Links,
    /// What this process prints to, which never counts.
    outputs: Outputs,
    /// How many bytes may still be read to hash files that nobody touched.
    budget: u64,
}

type Files = BTreeMap<PathBuf, Stamp>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    /// `None`: too large, unreadable, or not read yet.
    hash: Option<u64>,
}

/// Paths that something happened to: the files themselves, or their directories.
pub(super) type Touched = BTreeSet<PathBuf>;

/// Files that are new, gone, or have other contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    pub files: Differences,
    /// When the last of them changed, as far as the file system tells.
    pub last: Option<SystemTime>,
}

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) changed: Changed,
    /// Directories that are new and have not been looked into: they want to be watched first, or a file written in
    /// between would be missed.
    pub(super) new_dirs: BTreeSet<PathBuf>,
}

impl Tree {
    pub(super) fn new(outputs: Outputs) -> Self {
        Self {
            outputs,
            ..Self::default()
        }
    }

    /// Looks at other targets from now on. Tells the roots that are new: what a first look finds there is no change.
    pub(super) fn retarget(&mut self, targets: Targets) -> Touched {
        self.budget = FIRST_LOOK;
        self.dirs.retain(|dir, _| {
            let mut above = dir.ancestors();
            targets.roots.iter().any(|root| dir.starts_with(root))
                && !above.any(|above| targets.except.contains(above))
        });
        self.singles.retain(|file, _| targets.files.contains(file));
        for file in &targets.files {
            self.singles
                .entry(file.clone())
                .or_insert_with(|| Stamp::of_target(file));
        }
        let single = |path: &Path| targets.files.contains(path) || targets.roots.contains(path);
        let listed = |path: &Path| path.parent().is_some_and(|dir| self.dirs.contains_key(dir));
        self.links.retain(|path| single(path) || listed(path));
        for file in targets.files.iter().chain(&targets.roots) {
            self.links.look(file);
        }
        self.targets = targets;
        self.targets
            .roots
            .iter()
            .filter(|root| !self.dirs.contains_key(*root))
            .cloned()
            .collect()
    }

    /// The directories to be told of: those below the roots, those that are single targets, and for each root or single
    /// target the nearest that exists above it. Where links lead, too.
    pub(super) fn watched(&self) -> BTreeSet<PathBuf> {
        let above = self.targets.roots.iter().chain(&self.targets.files);
        let nearest = above.filter_map(|path| path.ancestors().skip(1).find(|dir| dir.is_dir()));
        let single = self.targets.files.iter().filter(|path| path.is_dir());
        let single = single.map(PathBuf::as_path);
        let below = self.dirs.keys().map(PathBuf::as_path);
        let linked = self.links.dirs().filter(|dir| dir.is_dir());
        let all = below.chain(nearest).chain(single).chain(linked);
        all.map(Path::to_path_buf).collect()
    }

    /// Everything there is to look at.
    pub(super) fn everything(&self) -> Touched {
        let targets = self.targets.roots.iter().chain(&self.targets.files);
        self.dirs.keys().chain(targets).cloned().collect()
    }

    /// Whether something that happened to this path can matter.
    pub(super) fn cares_for(&self, path: &Path) -> bool {
        let mut targets = self.targets.files.iter().chain(&self.targets.roots);
        let is_listed = |dir| self.dirs.contains_key(dir) || self.targets.files.contains(dir);
        let known = self.dirs.contains_key(path) || path.parent().is_some_and(is_listed);
        (known && !is_noise(path))
            || targets.any(|target| target.starts_with(path))
            || self.links.through(path).next().is_some()
    }

    /// Looks again at what was touched, and at the single files.
    pub(super) fn look(&mut self, touched: &Touched) -> Look {
        let mut look = Look::default();
        self.outputs.follow();
        let mut touched = touched.clone();
        let linked: Vec<_> = touched
            .iter()
            .flat_map(|path| self.links.through(path))
            .collect();
        touched.extend(linked.into_iter().cloned().collect::<Vec<_>>());
        let touched = &touched;
        let mut dirs: BTreeSet<PathBuf> = touched
            .iter()
            .filter_map(|path| path.parent())
            .map(Path::to_path_buf)
            .collect();
        dirs.extend(touched.iter().cloned());
        if touched
            .iter()
            .any(|path| path.file_name().is_some_and(is_ignore_file))
        {
            dirs.extend(self.dirs.keys().cloned());
        }
        // A root may have been missing until now.
        dirs.extend(
            self.targets
                .roots
                .iter()
                .filter(|root| !self.dirs.contains_key(*root))
                .cloned(),
        );
        for dir in dirs {
            if self.dirs.contains_key(&dir) || self.targets.roots.contains(&dir) {
                self.list(&dir, touched, &mut look);
            }
        }
        for (file, before) in &mut self.singles {
            let now = Stamp::of_target(file);
            look.changed.compare(file, before.as_ref(), now.as_ref());
            *before = now;
            self.links.look(file);
        }
        look
    }

    fn list(&mut self, dir: &Path, touched: &Touched, look: &mut Look) {
        if !dir.is_dir() {
            return self.forget(dir, look);
        }
        let before = self
            .dirs
            .insert(dir.to_path_buf(), Files::new())
            .unwrap_or_default();
        let mut dirs = BTreeSet::new();
        let mut files = Files::new();
        let root = self.root_of(dir);
        for entry in entries(dir, &root) {
            let Entry {
                path,
                is_dir,
                is_link,
            } = entry;
            if is_dir {
                if !self.targets.except.contains(&path) {
                    dirs.insert(path);
                }
                continue;
            }
            if is_link {
                self.links.look(&path);
            }
            if !self.is_excepted(&path)
                && !self.is_output(&path)
                && let Some(stamp) = self.stamp(&path, before.get(&path), touched)
            {
                files.insert(path, stamp);
            }
        }
        let all: BTreeSet<&PathBuf> = before.keys().chain(files.keys()).collect();
        for file in all {
            look.changed
                .compare(file, before.get(file), files.get(file));
        }
        self.dirs.insert(dir.to_path_buf(), files);

        let known = self
            .dirs
            .range::<Path, _>((Bound::Excluded(dir), Bound::Unbounded));
        let known = known
            .map(|(known, _)| known)
            .take_while(|known| known.starts_with(dir));
        let gone = known.filter(|known| {
            known.parent() == Some(dir)
                && !dirs.contains(*known)
                && !self.targets.roots.contains(*known)
        });
        gone.cloned()
            .collect::<Vec<_>>()
            .iter()
            .for_each(|gone| self.forget(gone, look));
        for new in dirs {
            if let btree_map::Entry::Vacant(entry) = self.dirs.entry(new) {
                look.new_dirs.insert(entry.key().clone());
                entry.insert(Files::new());
            }
        }
    }

    fn stamp(&mut self, path: &Path, before: Option<&Stamp>, touched: &Touched) -> Option<Stamp> {
        if let Some(before) = before {
            // A touched file is read whatever its time says: the clock of a file system is coarse.
            let same = !touched.contains(path)
                && !Stamp::differs(Some(before), Stamp::of(path, 0).as_ref());
            return if same {
                Some(before.clone())
            } else {
                Stamp::of(path, HASHED)
            };
        }
        let stamp = Stamp::of(path, self.budget.min(HASHED));
        if let Some(Stamp {
            len, hash: Some(_), ..
        }) = stamp
        {
            self.budget -= len;
        }
        stamp
    }

    /// A directory is gone, or ignored from now on.
    fn forget(&mut self, dir: &Path, look: &mut Look) {
        let (gone, kept) = std::mem::take(&mut self.dirs)
            .into_iter()
            .partition(|(known, _)| known.starts_with(dir));
        self.dirs = kept;
        for (file, stamp) in BTreeMap::into_values(gone).flatten() {
            look.changed.compare(&file, Some(&stamp), None);
        }
    }

    /// The outermost root that a directory lies in.
    fn root_of(&self, dir: &Path) -> PathBuf {
        let roots = self.targets.roots.iter();
        let roots = roots.filter(|root| dir.starts_with(root));
        let outermost = roots.min_by_key(|root| root.as_os_str().len());
        outermost.map_or_else(|| dir.to_path_buf(), Clone::clone)
    }

    fn is_output(&self, file: &Path) -> bool {
        !self.outputs.is_empty() && fs::metadata(file).is_ok_and(|file| self.outputs.has(&file))
    }

    fn is_excepted(&self, file: &Path) -> bool {
        let built = file.extension() == Some(OsStr::new("wasm"))
            && file
                .parent()
                .is_some_and(|dir| self.targets.except_wasm_in.contains(dir));
        built || self.targets.except.contains(file)
    }
}

impl Changed {
    pub(super) fn append(&mut self, other: Self) {
        for (file, difference) in other.files {
            match self.files.entry(file) {
                btree_map::Entry::Vacant(entry) => {
                    entry.insert(difference);
                }
                btree_map::Entry::Occupied(mut entry) => {
                    let before = entry.get().before;
                    entry.insert(Difference {
                        before,
                        ..difference
                    });
                }
            }
        }
    }

    fn compare(&mut self, file: &Path, before: Option<&Stamp>, now: Option<&Stamp>) {
        if Stamp::differs(before, now) {
            let difference = Difference {
                before: before.map_or(Fingerprint::MISSING, Stamp::fingerprint),
                after: now.map_or(Fingerprint::MISSING, Stamp::fingerprint),
                emptied: now.is_some_and(|now| now.len == 0),
            };
            self.files.insert(file.to_path_buf(), difference);
        }
    }

    /// Asks the file system when the last of the files changed; of one that is gone, when its directory did.
    pub(super) fn date(&mut self) {
        // One that is not known may be later than all others.
        let dates: Option<Vec<SystemTime>> = self.files.keys().map(|file| date(file)).collect();
        self.last = dates.and_then(|dates| dates.into_iter().max());
    }
}

/// When a file, or a link that leads to it, changed.
fn date(file: &Path) -> Option<SystemTime> {
    let there = file.ancestors().find_map(|path| fs::metadata(path).ok());
    let links = file.ancestors().filter_map(|path| {
        let metadata = fs::symlink_metadata(path).ok()?;
        metadata.is_symlink().then_some(metadata)
    });
    let changed = there.into_iter().chain(links).map(|metadata| {
        let (seconds, nanos) = (metadata.ctime(), metadata.ctime_nsec());
        let since = Duration::new(seconds.try_into().ok()?, nanos.try_into().ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    });
    let changed: Option<Vec<SystemTime>> = changed.collect();
    changed?.into_iter().max()
}

impl Stamp {
    /// `None` when there is no such file. Reads it if it has no more than `limit` bytes.
    fn of(path: &Path, limit: u64) -> Option<Self> {
        let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
        let len = metadata.len();
        let hash = if len <= limit { hash(path).ok() } else { None };
        Some(Self {
            len,
            modified: metadata.modified().ok(),
            hash,
        })
    }

    /// As [`Self::of`]; of a directory, the names and the contents of its files.
    fn of_target(path: &Path) -> Option<Self> {
        let Ok(entries) = fs::read_dir(path) else {
            return Self::of(path, HASHED);
        };
        let mut hasher = DefaultHasher::new();
        let files: BTreeSet<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        for file in files.iter().filter(|file| !is_noise(file)) {
            if let Some(Self {
                len,
                modified,
                hash,
            }) = Self::of(file, HASHED)
            {
                let modified = modified.filter(|_| hash.is_none());
                (file, len, modified, hash).hash(&mut hasher);
            }
        }
        Some(Self {
            len: 0,
            modified: None,
            hash: Some(hasher.finish()),
        })
    }

    fn fingerprint(&self) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        match self.hash {
            Some(hash) => hash.hash(&mut hasher),
            None => (self.len, self.modified).hash(&mut hasher),
        }
        Fingerprint::of(hasher.finish())
    }

    fn differs(before: Option<&Self>, now: Option<&Self>) -> bool {
        match (before, now) {
            (
                Some(Self {
                    hash: Some(before), ..
                }),
                Some(Self {
                    hash: Some(now), ..
                }),
            ) => before != now,
            (Some(before), Some(now)) => before.len != now.len || before.modified != now.modified,
            (before, now) => before.is_some() != now.is_some(),
        }
    }
}

fn hash(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut hasher = DefaultHasher::new();
    let mut buffer = [0; 16 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.write(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests;
