//! What goes into the state machine, and what comes out.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::dev::watch::Differences;

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
    /// Files of a unit changed.
    FilesChanged {
        unit: UnitName,
        files: Differences,
        occasion: Occasion,
    },
    /// Somebody other than the unit's own build wrote the component that it makes.
    ArtifactWritten { unit: UnitName, path: PathBuf },
    /// A file that the project was read from changed.
    ConfigChanged,
    /// The answer to [`Action::BuildLater`].
    Due { unit: UnitName },
    /// Some time has passed, see [`super::Machine::may_pass`].
    LookAgain,
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
    /// The answer to [`Action::Start`] when it was given up after [`Action::SupersedeStart`].
    StartGivenUp { revision: Revision },
    /// The user asked to stop.
    Interrupt,
    /// The answer to [`Action::Drain`].
    Drained,
}

/// When files changed, also when the news came later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Nothing was built.
    AtRest,
    /// The same, when the last build of the unit had just ended.
    AfterBuild,
    /// Before the last build of the unit had ended.
    DuringBuild,
    /// Before a build of another unit had ended, which may write anywhere.
    DuringOtherBuild,
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
    pub(super) fn is_news(&self) -> bool {
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
    /// Tell when so much time has passed.
    BuildLater { unit: UnitName, delay: Duration },
    /// Take what the unit's build has left, without running it. It ends as a build does.
    ReadArtifact {
        unit: UnitName,
        generation: Generation,
    },
    /// Stop the unit's build with all its processes. Its outcome no longer matters.
    CancelBuild { unit: UnitName },
    /// Link the last artifact of each unit and let the result take over from what runs.
    Start { revision: Revision, why: Why },
    /// What starts at present is out of date: it takes over only if nothing keeps it waiting.
    SupersedeStart,
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
    /// Files changed while the unit was built, so that it is built again.
    BuiltAgain {
        unit: UnitName,
        paths: BTreeSet<PathBuf>,
    },
    /// These files change right after each build, which makes the same each time: the next ones wait.
    Delayed {
        unit: UnitName,
        paths: BTreeSet<PathBuf>,
    },
    /// Builds write these files each time; from now on that counts for nothing. A name may have a `*` in it.
    RewrittenByBuild {
        unit: UnitName,
        paths: BTreeSet<PathBuf>,
    },
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
    /// It may pass without a change of any file that is watched.
    pub passing: bool,
}

/// Where something failed. In the order in which a reader wants to hear of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Config,
    Build(UnitName),
    Start,
}
