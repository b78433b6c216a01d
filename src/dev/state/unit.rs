//! One unit of a session: its build, what triggered it, and what it made last.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Action, Changed, Digest, Generation, UnitName};

/// How many builds in a row a file may cut short by changing during each.
const CANCELS: u32 = 5;

/// How many builds in a row may follow such a file up and make the same as the one before.
const FRUITLESS: u32 = 3;

/// During how many builds in a row a file may change where each made something new, or failed.
const PATIENCE: u32 = 25;

#[derive(Debug, Default)]
pub(super) struct Unit {
    generation: Generation,
    building: bool,
    /// The running build is followed by another.
    again: bool,
    /// The next build follows a suspect up; and the present one does.
    follow_up: bool,
    following_up: bool,
    built: Option<Digest>,
    /// A build ended well since a start was last considered.
    pub(super) rebuilt: bool,
    /// The files that changed since a start was last considered.
    pub(super) reasons: BTreeSet<PathBuf>,
    /// Files that changed during builds, and during how many builds in a row.
    suspects: BTreeMap<PathBuf, u32>,
    /// The suspects that the present build was counted for already.
    counted: BTreeSet<PathBuf>,
    /// Builds in a row that followed a suspect up and made the same as the one before.
    fruitless: u32,
    /// Files that the build rewrites each time: while it runs, their changes count for nothing.
    own: BTreeSet<PathBuf>,
}

/// What follows from a change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// Build now; a running build is stale.
    Build,
    /// Let the running build end, then build once more.
    BuildAfterwards,
    /// Nothing. These files were found to be the build's own work just now.
    Nothing(BTreeSet<PathBuf>),
}

impl Unit {
    pub(super) fn is_building(&self) -> bool {
        self.building
    }

    pub(super) fn build(&mut self, name: &UnitName, actions: &mut Vec<Action>) {
        self.generation += 1;
        self.building = true;
        self.again = false;
        self.following_up = std::mem::take(&mut self.follow_up);
        self.counted.clear();
        actions.push(Action::StartBuild {
            unit: name.clone(),
            generation: self.generation,
        });
    }

    pub(super) fn cancel(&mut self, name: &UnitName, actions: &mut Vec<Action>) {
        if std::mem::take(&mut self.building) {
            actions.push(Action::CancelBuild { unit: name.clone() });
        }
    }

    /// Notes the end of a build; `Some(true)` if another is to follow, `None` if it is not the build that counts.
    pub(super) fn finished(
        &mut self,
        generation: Generation,
        artifact: Option<&Digest>,
    ) -> Option<bool> {
        if !self.building || generation != self.generation {
            return None;
        }
        self.building = false;
        let again = std::mem::take(&mut self.again);
        if let Some(artifact) = artifact {
            let same = self.built.as_ref() == Some(artifact);
            self.fruitless = if self.following_up && same {
                self.fruitless + 1
            } else {
                0
            };
            self.built = Some(artifact.clone());
            self.rebuilt = true;
        }
        Some(again)
    }

    /// What the last build that ended well has made.
    pub(super) fn built(&self) -> Option<&Digest> {
        self.built.as_ref()
    }

    /// Judges a change.
    ///
    /// A change during a build is most often the user's, and the build stale. Sometimes it is the build's own work: a
    /// log, or generated code stamped with the time. Nothing tells the two apart but persistence. So a file that
    /// changed during [`CANCELS`] builds in a row cuts no further build short, but each is followed by another, until
    /// [`FRUITLESS`] of those made nothing new, or [`PATIENCE`] is at its end. From then on the file is ignored while
    /// a build runs, and only then: an edit at rest builds, and clears the file of the suspicion. Lock files are
    /// suspects from the start, for a build writes them when dependencies have changed. One that appears during a
    /// build is what that build was made with.
    pub(super) fn triggered(&mut self, change: Changed, during_build: bool) -> Trigger {
        let Changed { files, appeared } = change;
        if !during_build {
            self.own.retain(|path| !files.contains(path));
            self.suspects.clear();
            self.follow_up = false;
            self.fruitless = 0;
            self.reasons.extend(files);
            return Trigger::Build;
        }

        let made = |path: &PathBuf| is_lock_file(path) && appeared.contains(path);
        let others = files.difference(&self.own).filter(|path| !made(path));
        let paths: BTreeSet<PathBuf> = others.cloned().collect();
        if paths.is_empty() {
            return Trigger::Nothing(paths);
        }
        self.suspects
            .retain(|path, _| paths.contains(path) || self.counted.contains(path));
        for path in &paths {
            if self.counted.insert(path.clone()) {
                *self.suspects.entry(path.clone()).or_default() += 1;
            }
        }
        let times = |path: &PathBuf| match self.suspects[path] {
            times if is_lock_file(path) => times + CANCELS,
            times => times,
        };
        let least = paths
            .iter()
            .map(times)
            .min()
            .expect("there is at least one path");

        if least > PATIENCE || (least > CANCELS && self.fruitless >= FRUITLESS) {
            self.own.extend(paths.iter().cloned());
            return Trigger::Nothing(paths);
        }
        self.reasons.extend(paths);
        self.follow_up = least > CANCELS;
        self.again = self.follow_up && self.building;
        if self.again {
            Trigger::BuildAfterwards
        } else {
            Trigger::Build
        }
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
