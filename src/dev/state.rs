//! What a session does next: one [`Event`] in, a list of [`Action`]s out.
//!
//! Pure: no files, clocks, processes or sockets, so each rule of the loop is a small case under `tests/cases/dev`.
//!
//! A *unit* is whatever brings one component: the project, a sibling project, a sibling file. Each has a build (a
//! file's build is reading it) and a generation that counts its builds, so that the outcome of a build that was
//! cancelled meanwhile is told from the one that counts. The rules:
//!
//! - A change to a unit builds it, and what is on disk last is what is built last: an edit cancels a running build, or
//!   is followed up when that has ended.
//! - Nothing is linked while a unit builds: an edit that spans two units is judged when both are done.
//! - A start goes on when something newer is there, unless it waits: a start that never ends must not keep that back.
//! - What runs goes on running until something that differs from it has started.
//! - A failure is news. It is told once for as long as its text stays the same. One that may pass by itself is looked
//!   at again, and not told again.
//! - A build may write where its sources are (`writes` has the rules), which must neither loop for ever nor lose an
//!   edit of the user's.

mod protocol;
mod shape;
mod unit;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use protocol::{
    Action, Cause, ConfigChange, Digest, Event, Failure, Generation, News, Occasion, Revision,
    Stage, UnitName, Why,
};
use unit::{Trigger, Unit};

use super::watch::Differences;

/// What a start is made from.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    config: u64,
    artifacts: BTreeMap<UnitName, Digest>,
}

/// The state of a session.
#[derive(Debug)]
pub struct Machine {
    units: BTreeMap<UnitName, Unit>,
    /// Counts the changes of the config that need a start.
    config: u64,
    running: Option<Wanted>,
    starting: Option<(Revision, Wanted)>,
    /// What is tried was not asked for: it failed before, and is worth a word only if it comes to something else.
    looking_again: bool,
    last_revision: Revision,
    /// Something was built or configured since the last start was considered.
    dirty: bool,
    failures: BTreeMap<Stage, Cause>,
    draining: bool,
}

impl Machine {
    /// A session that has begun: every unit is to be built.
    pub fn new(units: impl IntoIterator<Item = UnitName>) -> (Self, Vec<Action>) {
        let mut machine = Self {
            units: units
                .into_iter()
                .map(|name| (name, Unit::default()))
                .collect(),
            config: 0,
            running: None,
            starting: None,
            looking_again: false,
            last_revision: 0,
            dirty: false,
            failures: BTreeMap::new(),
            draining: false,
        };
        let mut actions = Vec::new();
        for (name, unit) in &mut machine.units {
            unit.build(name, &mut actions);
        }
        (machine, actions)
    }

    /// Takes in what happened and says what to do, in this order.
    pub fn handle(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Interrupt if self.draining => actions.push(Action::Exit(130)),
            Event::Interrupt => self.drain(&mut actions),
            Event::Drained => actions.push(Action::Exit(0)),
            _ if self.draining => {}
            Event::FilesChanged {
                unit,
                files,
                occasion,
            } => self.files_changed(&unit, &files, occasion, &mut actions),
            Event::ArtifactWritten { unit, path } => {
                if let Some(written) = self.units.get_mut(&unit) {
                    written.read(&unit, path, &mut actions);
                }
            }
            Event::Due { unit } => {
                if let Some(due) = self.units.get_mut(&unit) {
                    due.due(&unit, &mut actions);
                }
            }
            Event::ConfigChanged => actions.push(Action::LoadConfig),
            Event::LookAgain => self.look_again(&mut actions),
            Event::ConfigLoaded(outcome) => self.config_loaded(outcome, &mut actions),
            Event::BuildFinished {
                unit,
                generation,
                outcome,
            } => self.build_finished(&unit, generation, outcome, &mut actions),
            Event::StartFinished { revision, outcome } => {
                self.start_finished(revision, outcome, &mut actions);
            }
            Event::StartGivenUp { revision } => {
                self.starting.take_if(|(starting, _)| *starting == revision);
                self.settle(&mut actions);
            }
        }
        actions
    }

    /// Whether something failed that may pass by itself: a file that another process has locked, a file's mode.
    pub fn may_pass(&self) -> bool {
        let passing = |cause: &Cause| cause.passing;
        !self.draining && self.is_at_rest() && self.failures.values().any(passing)
    }

    fn look_again(&mut self, actions: &mut Vec<Action>) {
        if !self.may_pass() {
            return;
        }
        self.looking_again = true;
        if self.failures.contains_key(&Stage::Config) {
            actions.push(Action::LoadConfig);
        } else {
            self.dirty = true;
            self.settle(actions);
        }
    }

    fn drain(&mut self, actions: &mut Vec<Action>) {
        self.draining = true;
        for (name, unit) in &mut self.units {
            unit.cancel(name, actions);
        }
        actions.push(Action::Drain);
    }

    fn files_changed(
        &mut self,
        name: &UnitName,
        files: &Differences,
        occasion: Occasion,
        actions: &mut Vec<Action>,
    ) {
        if !self.units.contains_key(name) {
            return;
        }
        if matches!(occasion, Occasion::AtRest | Occasion::AfterBuild) {
            self.units.values_mut().for_each(Unit::edited);
        }
        if let Some(unit) = self.units.get_mut(name) {
            let trigger = unit.triggered(files, occasion);
            perform(trigger, name, unit, occasion, actions);
        }
    }

    fn config_loaded(&mut self, outcome: Result<ConfigChange, Cause>, actions: &mut Vec<Action>) {
        let change = match outcome {
            Ok(change) => change,
            Err(cause) => return self.failed(Stage::Config, cause, actions),
        };
        self.looking_again = false;
        self.mended(&Stage::Config, actions);
        if change.is_news() {
            let ConfigChange {
                applied, postponed, ..
            } = change.clone();
            actions.push(Action::Tell(News::ConfigApplied { applied, postponed }));
        }
        for gone in self
            .units
            .keys()
            .filter(|name| !change.units.contains(*name))
            .cloned()
            .collect::<Vec<_>>()
        {
            self.units
                .remove(&gone)
                .expect("the name is one of the keys")
                .cancel(&gone, actions);
            self.mended(&Stage::Build(gone), actions);
            self.dirty = true;
        }
        for name in &change.units {
            let new = !self.units.contains_key(name);
            let unit = self.units.entry(name.clone()).or_default();
            if new || change.rebuild.contains(name) {
                unit.cancel(name, actions);
                unit.build(name, actions);
            }
        }
        if change.restart {
            self.config += 1;
            self.dirty = true;
        }
        self.settle(actions);
    }

    fn build_finished(
        &mut self,
        name: &UnitName,
        generation: Generation,
        outcome: Result<Digest, Cause>,
        actions: &mut Vec<Action>,
    ) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        let Some(trigger) = unit.finished(generation, outcome.as_ref()) else {
            return;
        };
        let good = outcome.is_ok();
        match outcome {
            Ok(_) => {
                self.dirty = true;
                self.mended(&Stage::Build(name.clone()), actions);
            }
            Err(cause) => self.failed(Stage::Build(name.clone()), cause, actions),
        }
        self.settle(actions);
        if good && self.dirty && self.is_at_rest() {
            actions.push(Action::Tell(News::Waiting {
                unit: name.clone(),
                missing: self.missing(),
            }));
        }
        if let Some(unit) = self.units.get_mut(name) {
            perform(trigger, name, unit, Occasion::DuringBuild, actions);
        }
    }

    fn start_finished(
        &mut self,
        revision: Revision,
        outcome: Result<(), Cause>,
        actions: &mut Vec<Action>,
    ) {
        let Some((_, wanted)) = self.starting.take_if(|(starting, _)| *starting == revision) else {
            return;
        };
        match outcome {
            Ok(()) => {
                self.looking_again = false;
                self.running = Some(wanted);
                self.failures.remove(&Stage::Start);
            }
            Err(cause) => self.failed(Stage::Start, cause, actions),
        }
        self.settle(actions);
    }

    /// Starts what was built last, if it is complete, at rest, and other than what runs.
    fn settle(&mut self, actions: &mut Vec<Action>) {
        if !self.dirty || self.is_building() {
            return;
        }
        let artifacts: Option<BTreeMap<_, _>> = self
            .units
            .iter()
            .map(|(name, unit)| Some((name.clone(), unit.built()?.clone())))
            .collect();
        let Some(artifacts) = artifacts else { return };
        let wanted = Wanted {
            config: self.config,
            artifacts,
        };
        if let Some((_, starting)) = &self.starting {
            // One start at a time. This one may wait for something that never comes.
            if *starting != wanted {
                actions.push(Action::SupersedeStart);
            }
            return;
        }
        self.dirty = false;
        let why = self.why(&wanted);
        if self.running.as_ref() == Some(&wanted) {
            self.looking_again = false;
            // A start that failed in between concerned something that is wanted no longer.
            self.failures.remove(&Stage::Start);
            actions.push(Action::Tell(News::Unchanged { units: why.units }));
            return;
        }
        self.last_revision += 1;
        self.starting = Some((self.last_revision, wanted));
        actions.push(Action::Start {
            revision: self.last_revision,
            why,
        });
    }

    fn is_at_rest(&self) -> bool {
        self.starting.is_none() && !self.is_building()
    }

    fn is_building(&self) -> bool {
        self.units.values().any(Unit::is_building)
    }

    /// The units that were never built.
    fn missing(&self) -> Vec<UnitName> {
        self.units
            .iter()
            .filter(|(_, unit)| unit.built().is_none())
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Collects what led to a start, and forgets it: the next start has its own reasons.
    fn why(&mut self, wanted: &Wanted) -> Why {
        let mut why = Why::default();
        let same = self.running.as_ref() == Some(wanted);
        for (name, unit) in &mut self.units {
            let rebuilt = std::mem::take(&mut unit.rebuilt);
            let runs = self
                .running
                .as_ref()
                .and_then(|running| running.artifacts.get(name));
            if runs != unit.built() || (same && rebuilt) {
                why.units.push(name.clone());
                why.files.append(&mut unit.reasons);
            }
            unit.reasons.clear();
        }
        why.config = self
            .running
            .as_ref()
            .is_some_and(|running| running.config != wanted.config);
        why
    }

    fn failed(&mut self, stage: Stage, cause: Cause, actions: &mut Vec<Action>) {
        let again = self
            .failures
            .insert(stage.clone(), cause.clone())
            .is_some_and(|before| before == cause);
        if std::mem::take(&mut self.looking_again) && again {
            return;
        }
        // Whoever reads the news and asks gets the page.
        self.page(actions);
        let failure = Failure { stage, cause };
        actions.push(Action::Tell(News::Failed {
            failure,
            again,
            serving: self.running.is_some(),
        }));
    }

    fn mended(&mut self, stage: &Stage, actions: &mut Vec<Action>) {
        if self.failures.remove(stage).is_some() {
            self.page(actions);
        }
    }

    fn page(&self, actions: &mut Vec<Action>) {
        if self.running.is_none() {
            let failures = self.failures.iter();
            actions.push(Action::ShowPage(
                failures
                    .map(|(stage, cause)| Failure {
                        stage: stage.clone(),
                        cause: cause.clone(),
                    })
                    .collect(),
            ));
        }
    }
}

fn perform(
    trigger: Trigger,
    name: &UnitName,
    unit: &mut Unit,
    occasion: Occasion,
    actions: &mut Vec<Action>,
) {
    let again = |paths| {
        let unit = name.clone();
        Action::Tell(News::BuiltAgain { unit, paths })
    };
    let rewritten = |paths: BTreeSet<PathBuf>| {
        let unit = name.clone();
        (!paths.is_empty()).then_some(Action::Tell(News::RewrittenByBuild { unit, paths }))
    };
    match trigger {
        Trigger::Build => {
            unit.cancel(name, actions);
            unit.build(name, actions);
        }
        Trigger::BuildAgain(paths) => {
            actions.push(again(paths));
            unit.cancel(name, actions);
            unit.build(name, actions);
        }
        Trigger::FollowUp(paths) => {
            // For the unit itself, an edit during the build of another is like any other.
            if occasion == Occasion::DuringBuild {
                actions.push(again(paths.clone()));
            }
            unit.follow_up(name, paths, actions);
        }
        Trigger::BuildLater(delay, paths) => {
            let unit = name.clone();
            actions.push(Action::BuildLater { unit, delay });
            if !paths.is_empty() {
                let unit = name.clone();
                actions.push(Action::Tell(News::Delayed { unit, paths }));
            }
        }
        Trigger::Nothing(own) => actions.extend(rewritten(own)),
        Trigger::Confirm(delay, own) => {
            actions.extend(rewritten(own));
            let unit = name.clone();
            actions.push(Action::BuildLater { unit, delay });
        }
    }
}

#[cfg(test)]
mod tests;
