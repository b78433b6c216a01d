//! What changes while a build runs: an edit that came too late for it, or something that the build writes itself.
//!
//! Nothing tells the two apart but persistence. A build may delete, generate, stamp and leave files as it likes, and
//! must neither be cut short for ever nor follow itself up for ever; an edit must never be lost. So:
//!
//! - Only a file that was there and has other contents cuts a build short, and [`MAX_CUTS`] times in a row at most.
//! - When a build has ended, what differs from the time when it began is followed up by another build. What was deleted
//!   and generated again with the same contents does not differ.
//! - What differs after [`REPEATED`] builds in a row, the last of which made the same as the one before, is the
//!   build's own work. New names are known by what they have in common (`shape`). From then on such files are
//!   ignored while a build runs, and only then, until a build leaves them alone. The change that gave them away may have
//!   been an edit, so one more build follows when there is rest.
//! - [`MAX_FRUITLESS`] builds in a row that made the same, or [`MAX_ROW`] that made something else, are enough in any case.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::shape::Shape;
use crate::dev::watch::{Difference, Differences, Fingerprint};

const MAX_CUTS: u32 = 2;
const REPEATED: u32 = 3;
const MAX_FRUITLESS: u32 = 3;
const MAX_ROW: u32 = 12;

#[derive(Debug, Default)]
pub(super) struct Writes {
    /// What changed since the last build began.
    during: BTreeMap<PathBuf, Seen>,
    /// Files that changed during builds, and during how many builds in a row.
    suspects: BTreeMap<PathBuf, u32>,
    /// The same for files that come and go.
    shapes: BTreeMap<Shape, u32>,
    /// What the last build was counted for already.
    counted: BTreeSet<PathBuf>,
    counted_shapes: BTreeSet<Shape>,
    /// Files that came or went during the last build, and during the one before.
    strangers: BTreeSet<PathBuf>,
    strangers_before: BTreeSet<PathBuf>,
    /// Builds in a row that were cut short.
    cuts: u32,
    /// Builds in a row during which something changed.
    row: u32,
    /// What the build writes each time.
    own: BTreeSet<PathBuf>,
    own_shapes: BTreeSet<Shape>,
    /// What builds of other units write each time.
    foreign: BTreeSet<PathBuf>,
    reported: BTreeSet<PathBuf>,
}

/// A file that changed since the last build began.
#[derive(Debug, Clone, Copy)]
struct Seen {
    before: Fingerprint,
    after: Fingerprint,
    emptied: bool,
    /// For some time it had contents that it had neither before nor has now. A build may have read those.
    had_others: bool,
}

/// What to do about what changed during a build.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Nothing,
    /// These files may be edits: another build has to follow.
    FollowUp(BTreeSet<PathBuf>),
    /// The build writes these each time.
    Own {
        /// The names that were not reported yet.
        names: BTreeSet<PathBuf>,
        /// Some of it was not known before: the last of these changes may have been an edit all the same.
        is_new: bool,
    },
}

impl Seen {
    fn new(difference: Difference) -> Self {
        Self {
            before: difference.before,
            after: difference.after,
            emptied: difference.emptied,
            had_others: false,
        }
    }

    fn becomes(&mut self, difference: Difference) {
        self.had_others |= !self.after.is_missing() && !self.emptied && self.after != self.before;
        self.after = difference.after;
        self.emptied = difference.emptied;
    }

    fn differs(self) -> bool {
        // What was not there before and is not there now was only there for the build.
        self.before != self.after || (self.had_others && !self.before.is_missing())
    }

    fn came_or_went(self) -> bool {
        self.before.is_missing() || self.after.is_missing()
    }
}

impl Writes {
    /// A build begins. Tells of the one before, if it ended by itself, whether it ended well.
    pub(super) fn begin(&mut self, ended: Option<bool>) {
        if let Some(well) = ended {
            let Self {
                counted,
                counted_shapes,
                during,
                suspects,
                shapes,
                own,
                row,
                ..
            } = self;
            let counts = !counted.is_empty() || !counted_shapes.is_empty();
            *row = if counts { *row + 1 } else { 0 };
            suspects.retain(|path, _| counted.contains(path));
            shapes.retain(|shape, _| counted_shapes.contains(shape));
            if well {
                own.retain(|path| during.contains_key(path));
            }
            self.strangers_before = std::mem::take(&mut self.strangers);
            self.cuts = 0;
        }
        self.counted.clear();
        self.counted_shapes.clear();
        self.strangers.clear();
        self.during.clear();
    }

    /// Something was edited while nothing was built, be it elsewhere: what follows has another reason than what was.
    pub(super) fn edited(&mut self) {
        self.suspects.clear();
        self.shapes.clear();
        self.counted.clear();
        self.counted_shapes.clear();
        self.strangers.clear();
        self.strangers_before.clear();
        self.foreign.clear();
        self.cuts = 0;
        self.row = 0;
    }

    /// These were edited while nothing was built: they are not only the build's.
    pub(super) fn edited_at_rest(&mut self, files: &Differences) {
        self.own.retain(|path| !files.contains_key(path));
    }

    /// Takes note of what changed since the last build began.
    pub(super) fn note(&mut self, files: &Differences) {
        for (path, difference) in files {
            self.during
                .entry(path.clone())
                .and_modify(|seen| seen.becomes(*difference))
                .or_insert_with(|| Seen::new(*difference));
        }
    }

    /// The files for which to cut the running build short; none to let it run on. A build that follows something up
    /// shows whether that changes again.
    pub(super) fn cut_short_by(
        &mut self,
        files: &Differences,
        following_up: bool,
    ) -> BTreeSet<PathBuf> {
        let max_times = if following_up { 0 } else { MAX_CUTS };
        let is_edited = |path: &PathBuf, difference: &Difference| {
            difference.is_edit()
                && self.during.get(path).is_some_and(|seen| seen.differs())
                && !self.own.contains(path)
                && !is_lock_file(path)
                && self
                    .suspects
                    .get(path)
                    .is_none_or(|times| *times < max_times)
        };
        let edited = files.iter().filter(|(path, file)| is_edited(path, file));
        let edited: BTreeSet<PathBuf> = edited.map(|(path, _)| path.clone()).collect();
        if edited.is_empty() || self.cuts == MAX_CUTS {
            return BTreeSet::new();
        }
        self.cuts += 1;
        for path in &edited {
            self.count(path);
        }
        edited
    }

    /// Whether builds were cut short in a row, so that people wonder what is going on.
    pub(super) fn is_cut_short_again(&self) -> bool {
        self.cuts > 1
    }

    /// Judges what changed since the last build began, when it has ended. `fruitless` builds in a row followed
    /// something up and made the same as the one before.
    pub(super) fn judge(&mut self, fruitless: u32, by_others: bool) -> Verdict {
        let differing = self.during.iter().filter(|(path, seen)| {
            let own = self.own.contains(*path) || self.foreign.contains(*path);
            let shaped = seen.came_or_went() && self.own_shapes.iter().any(|it| it.has(path));
            // One that the build makes is what it was made with.
            let lock = seen.before.is_missing() && is_lock_file(path);
            seen.differs() && !own && !shaped && !lock
        });
        let differing: BTreeMap<PathBuf, bool> = differing
            .map(|(path, seen)| (path.clone(), seen.came_or_went()))
            .collect();
        if differing.is_empty() {
            return Verdict::Nothing;
        }
        for (path, came_or_went) in &differing {
            self.count(path);
            if *came_or_went {
                self.count_shapes(path);
            }
        }
        let repeated =
            |path: &PathBuf| self.suspects[path] >= REPEATED || self.shape_of(path).is_some();
        let is_own = fruitless > 0 && differing.keys().all(repeated);
        if is_own || fruitless >= MAX_FRUITLESS || self.row >= MAX_ROW {
            return self.learn(differing.into_keys(), by_others);
        }
        Verdict::FollowUp(differing.into_keys().collect())
    }

    fn count(&mut self, path: &Path) {
        if self.counted.insert(path.to_path_buf()) {
            *self.suspects.entry(path.to_path_buf()).or_default() += 1;
        }
    }

    fn count_shapes(&mut self, path: &Path) {
        self.strangers.insert(path.to_path_buf());
        let mut known = false;
        for (shape, times) in &mut self.shapes {
            if shape.has(path) {
                known = true;
                *times += u32::from(self.counted_shapes.insert(shape.clone()));
            }
        }
        let shapes = self.strangers_before.iter();
        let shapes = shapes.filter_map(|other| Shape::of_both(other, path));
        if let Some(shape) = shapes.max().filter(|_| !known) {
            self.counted_shapes.insert(shape.clone());
            self.shapes.insert(shape, 2);
        }
    }

    /// What is known of a path by its name.
    fn shape_of(&self, path: &Path) -> Option<&Shape> {
        let repeated = self.shapes.iter().filter(|(_, times)| **times >= REPEATED);
        let mut shapes = repeated.map(|(shape, _)| shape);
        shapes.find(|shape| shape.has(path))
    }

    fn learn(&mut self, paths: impl Iterator<Item = PathBuf>, by_others: bool) -> Verdict {
        let mut names = BTreeSet::new();
        let mut is_new = false;
        for path in paths {
            let shape = self
                .shape_of(&path)
                .filter(|_| self.suspects[&path] < REPEATED);
            let name = match shape.cloned() {
                Some(shape) => {
                    let pattern = shape.pattern();
                    let is_first = self.own_shapes.insert(shape);
                    is_new |= is_first;
                    match pattern {
                        Some(pattern) => pattern,
                        // One of them says enough.
                        None if is_first => path,
                        None => continue,
                    }
                }
                None if by_others => {
                    is_new |= self.foreign.insert(path.clone());
                    path
                }
                None => {
                    is_new |= self.own.insert(path.clone());
                    path
                }
            };
            if self.reported.insert(name.clone()) {
                names.insert(name);
            }
        }
        Verdict::Own { names, is_new }
    }
}

fn is_lock_file(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.ends_with(".lock")
        || matches!(
            name,
            "package-lock.json" | "pnpm-lock.yaml" | "npm-shrinkwrap.json" | "go.sum"
        )
}
