//! One unit of a session: its build, what triggered it, and what it made last.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::writes::{Verdict, Writes};
use super::{Action, Cause, Differences, Digest, Generation, Occasion, UnitName};

#[derive(Debug, Default)]
pub(super) struct Unit {
    generation: Generation,
    building: bool,
    /// The present build follows up what changed during the one before.
    following_up: bool,
    built: Option<Digest>,
    /// What the last build failed for.
    failure: Option<String>,
    /// How the last build ended: well or not. `None`: it runs, or was cut short.
    ended: Option<bool>,
    /// A build ended well since a start was last considered.
    pub(super) rebuilt: bool,
    /// The files that changed since a start was last considered.
    pub(super) reasons: BTreeSet<PathBuf>,
    /// Builds in a row that followed something up and made the same as the one before.
    fruitless: u32,
    writes: Writes,
    /// The last build made the same as the one before.
    same: bool,
    /// What changed right after the last build, and after how many builds in a row that made the same.
    echo: BTreeSet<PathBuf>,
    echoes: u32,
    /// After how many builds in a row anything changed right away, whatever they made.
    after_builds: u32,
    /// A build waits for its time.
    delayed: bool,
}

/// How many builds in a row may follow each other because of what changes right after each. The next ones wait, longer
/// and longer: a log of what the session prints would make it build for ever.
const MAX_ECHOES: u32 = 5;
/// The same where it is not the same files, or not the same artifact: somebody may be quick.
const MAX_AFTER_BUILDS: u32 = 10;
const MAX_DELAY: Duration = Duration::from_secs(30);

/// How long nothing may be edited before the build runs that shows whether a file is the build's own work.
const CONFIRM_DELAY: Duration = Duration::from_secs(2);

/// What follows from a change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// Build now; a running build is stale.
    Build,
    /// The same, for the second time in a row, because of these files.
    BuildAgain(BTreeSet<PathBuf>),
    /// Build once more: these files changed during the build that has ended.
    FollowUp(BTreeSet<PathBuf>),
    /// Build after some time, and at once if anything else changes. The files are given the first time.
    BuildLater(Duration, BTreeSet<PathBuf>),
    /// Nothing. These files were found to be the build's own work just now.
    Nothing(BTreeSet<PathBuf>),
    /// The same, and one more build after some time shows that nothing else changed them.
    Confirm(Duration, BTreeSet<PathBuf>),
}

impl Unit {
    pub(super) fn is_building(&self) -> bool {
        self.building
    }

    pub(super) fn build(&mut self, name: &UnitName, actions: &mut Vec<Action>) {
        self.generation += 1;
        self.building = true;
        self.following_up = false;
        self.delayed = false;
        self.writes.begin(self.ended.take());
        actions.push(Action::StartBuild {
            unit: name.clone(),
            generation: self.generation,
        });
    }

    /// Takes what somebody else has written where the build leaves the component. A running build takes it by itself.
    pub(super) fn read(&mut self, name: &UnitName, path: PathBuf, actions: &mut Vec<Action>) {
        if self.building {
            return;
        }
        self.generation += 1;
        self.building = true;
        self.following_up = false;
        self.reasons.insert(path);
        actions.push(Action::ReadArtifact {
            unit: name.clone(),
            generation: self.generation,
        });
    }

    /// As [`Self::build`], because of what changed during the build before.
    pub(super) fn follow_up(
        &mut self,
        name: &UnitName,
        paths: BTreeSet<PathBuf>,
        actions: &mut Vec<Action>,
    ) {
        self.build(name, actions);
        self.following_up = true;
        self.reasons.extend(paths);
    }

    pub(super) fn cancel(&mut self, name: &UnitName, actions: &mut Vec<Action>) {
        if std::mem::take(&mut self.building) {
            actions.push(Action::CancelBuild { unit: name.clone() });
        }
    }

    /// Notes the end of a build, and tells what follows from what changed meanwhile. `None` if it is not the build
    /// that counts.
    pub(super) fn finished(
        &mut self,
        generation: Generation,
        outcome: Result<&Digest, &Cause>,
    ) -> Option<Trigger> {
        if !self.building || generation != self.generation {
            return None;
        }
        self.building = false;
        self.ended = Some(outcome.is_ok());
        let same = match outcome {
            Ok(artifact) => self.failure.is_none() && self.built.as_ref() == Some(artifact),
            Err(cause) => self.failure.as_ref() == Some(&cause.text),
        };
        self.same = same;
        self.fruitless = match self.following_up && same {
            true => self.fruitless + 1,
            false => 0,
        };
        self.failure = outcome.err().map(|cause| cause.text.clone());
        if let Ok(artifact) = outcome {
            self.built = Some(artifact.clone());
            self.rebuilt = true;
        }
        Some(self.judge(false))
    }

    /// What the last build that ended well has made.
    pub(super) fn built(&self) -> Option<&Digest> {
        self.built.as_ref()
    }

    /// Something was edited while nothing was built.
    pub(super) fn edited(&mut self) {
        self.writes.edited();
        self.fruitless = 0;
    }

    /// Judges a change of the unit's files.
    pub(super) fn triggered(&mut self, files: &Differences, occasion: Occasion) -> Trigger {
        if matches!(occasion, Occasion::AtRest | Occasion::AfterBuild) {
            self.writes.edited_at_rest(files);
            self.reasons.extend(files.keys().cloned());
            return self.at_rest(files, occasion);
        }
        self.writes.note(files);
        if !self.building {
            return self.judge(occasion == Occasion::DuringOtherBuild);
        }
        let edited = self.writes.cut_short_by(files, self.following_up);
        if edited.is_empty() {
            return Trigger::Nothing(edited);
        }
        self.reasons.extend(edited.iter().cloned());
        match self.writes.is_cut_short_again() {
            true => Trigger::BuildAgain(edited),
            false => Trigger::Build,
        }
    }

    fn at_rest(&mut self, files: &Differences, occasion: Occasion) -> Trigger {
        let is_echo = self.same && files.keys().eq(&self.echo);
        let after_build = occasion == Occasion::AfterBuild;
        if self.delayed && after_build && is_echo {
            return Trigger::Nothing(BTreeSet::new());
        }
        self.echoes = match after_build && is_echo {
            true => self.echoes + 1,
            false => 0,
        };
        self.after_builds = match after_build {
            true => self.after_builds + 1,
            false => 0,
        };
        self.echo = files.keys().cloned().collect();
        let echoes = self.echoes.checked_sub(MAX_ECHOES);
        let after_builds = self.after_builds.checked_sub(MAX_AFTER_BUILDS);
        let Some(times) = echoes.or(after_builds) else {
            return Trigger::Build;
        };
        self.delayed = true;
        let delay = Duration::from_secs(1 << times.min(5)).min(MAX_DELAY);
        let paths = if times == 0 {
            self.echo.clone()
        } else {
            BTreeSet::new()
        };
        Trigger::BuildLater(delay, paths)
    }

    /// The time of a delayed build has come.
    pub(super) fn due(&mut self, name: &UnitName, actions: &mut Vec<Action>) {
        if self.delayed && !self.building {
            self.build(name, actions);
        }
    }

    fn judge(&mut self, by_others: bool) -> Trigger {
        match self.writes.judge(self.fruitless, by_others) {
            Verdict::Nothing => Trigger::Nothing(BTreeSet::new()),
            Verdict::Own {
                names,
                is_new: true,
            } => {
                self.delayed = true;
                Trigger::Confirm(CONFIRM_DELAY, names)
            }
            Verdict::Own { names, .. } => Trigger::Nothing(names),
            Verdict::FollowUp(paths) => Trigger::FollowUp(paths),
        }
    }
}
