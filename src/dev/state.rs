//! What a session does next: one [`Event`] in, a list of [`Action`]s out.
//!
//! Pure: no files, clocks, processes or sockets, so each rule of the loop is a small case under `tests/cases/dev`.
//!
//! A *unit* is whatever brings one component: the project, a sibling project, a sibling file. Each has a build (a
//! file's build is reading it) and a generation that counts its builds, so that the outcome of a build that was
//! cancelled meanwhile is told from the one that counts. The rules:
//!
//! - A change to a unit cancels its running build and starts another, so what is on disk last is what is built last.
//! - Nothing is linked while a unit builds: an edit that spans two units is judged when both are done.
//! - What runs goes on running until something that differs from it has started.
//! - A failure is news. It is told once for as long as its text stays the same.
//! - A build may rewrite one of its own sources (see [`Unit::triggered`]), which must neither loop for ever nor lose
//!   an edit of the user's.

mod unit;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use unit::{Trigger, Unit};

/// Names a unit: the name its component has in the wiring.
pub type UnitName = String;

/// Counts the builds of one unit.
pub type Generation = u64;

/// Counts the starts of one session.
pub type Revision = u64;

/// Stands for the bytes of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest(pub String);

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Files of a unit have other contents than before, or are gone.
    FilesChanged {
        unit: UnitName,
        paths: BTreeSet<PathBuf>,
        /// They changed before the unit's last build had ended, also when the news came later.
        during_build: bool,
    },
    /// A file that the project was read from changed.
    ConfigChanged,
    /// The answer to [`Action::LoadConfig`].
    ConfigLoaded(Result<ConfigChange, Cause>),
    /// The answer to [`Action::StartBuild`], unless it was cancelled.
    BuildFinished {
        unit: UnitName,
        generation: Generation,
        outcome: Result<Digest, Cause>,
    },
    /// The answer to [`Action::Start`].
    StartFinished {
        revision: Revision,
        outcome: Result<(), Cause>,
    },
    /// The user asked to stop.
    Interrupt,
    /// The answer to [`Action::Drain`].
    Drained,
}

/// How the project differs from what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigChange {
    /// Every unit there is now.
    pub units: BTreeSet<UnitName>,
    /// Units that are built otherwise than before.
    pub rebuild: BTreeSet<UnitName>,
    /// Something the link or the start depends on changed.
    pub restart: bool,
    /// The keys that changed and took effect, in words.
    pub applied: Vec<String>,
    /// The keys that changed and take effect with the next `wash dev`.
    pub postponed: Vec<String>,
}

impl ConfigChange {
    fn is_news(&self) -> bool {
        !self.applied.is_empty() || !self.postponed.is_empty()
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Read the project again and tell how it differs.
    LoadConfig,
    /// Build the unit as it is on disk, after its cancelled build is gone.
    StartBuild {
        unit: UnitName,
        generation: Generation,
    },
    /// Stop the unit's build with all its processes. Its outcome no longer matters.
    CancelBuild { unit: UnitName },
    /// Link the last artifact of each unit and let the result take over from what runs.
    Start { revision: Revision, why: Why },
    /// Answer requests with this page until something runs.
    ShowPage(Vec<Failure>),
    /// Tell the user.
    Tell(News),
    /// Accept nothing more, let requests finish, wait until every build is gone.
    Drain,
    /// Leave at once with this status.
    Exit(u8),
}

/// What led to a start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Why {
    /// The units whose artifact is not the one that runs.
    pub units: Vec<UnitName>,
    pub files: BTreeSet<PathBuf>,
    /// The config changed.
    pub config: bool,
}

/// A line or two for the user.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    Failed {
        failure: Failure,
        /// What was reported last at this place had the same text.
        again: bool,
        /// A version that works goes on serving.
        serving: bool,
    },
    /// What was built is what runs already.
    Unchanged { units: Vec<UnitName> },
    /// What was built cannot be linked as long as other units were never built.
    Waiting {
        unit: UnitName,
        missing: Vec<UnitName>,
    },
    ConfigApplied {
        applied: Vec<String>,
        postponed: Vec<String>,
    },
    /// The unit's own build rewrites this file each time; from now on that counts for nothing.
    RewrittenByBuild { unit: UnitName, path: PathBuf },
}

/// Something that did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub stage: Stage,
    pub cause: Cause,
}

/// Why something did not work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cause {
    /// One or more lines.
    pub text: String,
    /// What the terminal has shown already: the output of a build.
    pub shown: String,
}

/// Where something failed. In the order in which a reader wants to hear of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Config,
    Build(UnitName),
    Start,
}

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
                paths,
                during_build,
            } => self.files_changed(&unit, paths, during_build, &mut actions),
            Event::ConfigChanged => actions.push(Action::LoadConfig),
            Event::ConfigLoaded(outcome) => self.config_loaded(outcome, &mut actions),
            Event::BuildFinished {
                unit,
                generation,
                outcome,
            } => self.build_finished(&unit, generation, outcome, &mut actions),
            Event::StartFinished { revision, outcome } => {
                self.start_finished(revision, outcome, &mut actions);
            }
        }
        actions
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
        paths: BTreeSet<PathBuf>,
        during_build: bool,
        actions: &mut Vec<Action>,
    ) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        match unit.triggered(paths, during_build) {
            Trigger::Build => {
                unit.cancel(name, actions);
                unit.build(name, actions);
            }
            Trigger::BuildAfterwards => {}
            Trigger::Nothing(own) => actions.extend(own.into_iter().map(|path| {
                Action::Tell(News::RewrittenByBuild {
                    unit: name.clone(),
                    path,
                })
            })),
        }
    }

    fn config_loaded(&mut self, outcome: Result<ConfigChange, Cause>, actions: &mut Vec<Action>) {
        let change = match outcome {
            Ok(change) => change,
            Err(cause) => return self.failed(Stage::Config, cause, actions),
        };
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
        let Some(again) = unit.finished(generation, outcome.as_ref().ok()) else {
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
        if again && let Some(unit) = self.units.get_mut(name) {
            unit.build(name, actions);
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
                self.running = Some(wanted);
                self.failures.remove(&Stage::Start);
            }
            Err(cause) => self.failed(Stage::Start, cause, actions),
        }
        self.settle(actions);
    }

    /// Starts what was built last, if it is complete, at rest, and other than what runs.
    fn settle(&mut self, actions: &mut Vec<Action>) {
        if !self.dirty || !self.is_at_rest() {
            return;
        }
        let artifacts: Option<BTreeMap<_, _>> = self
            .units
            .iter()
            .map(|(name, unit)| Some((name.clone(), unit.built()?.clone())))
            .collect();
        let Some(artifacts) = artifacts else { return };
        self.dirty = false;

        let wanted = Wanted {
            config: self.config,
            artifacts,
        };
        let why = self.why(&wanted);
        if self.running.as_ref() == Some(&wanted) {
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
        self.starting.is_none() && self.units.values().all(|unit| !unit.is_building())
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
        let failure = Failure { stage, cause };
        actions.push(Action::Tell(News::Failed {
            failure,
            again,
            serving: self.running.is_some(),
        }));
        self.page(actions);
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

#[cfg(test)]
mod tests;
