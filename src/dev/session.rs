//! Performs what the state machine decides, and tells it how that went.
//!
//! One loop owns everything: the machine, the running builds, what they built. Builds and starts run beside it and
//! send a `Message` when they end, so that changes and interrupts are heard at all times.

mod perform;
mod reminder;
pub(super) mod work;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::assemble::Component;
use super::handler_slot::HandlerSlot;
use super::scope::{Inputs, Scope};
use super::state::{
    Action, Cause, Event, Generation, Machine, News, Occasion, Revision, UnitName, Why,
};
use super::storage::Storage;
use super::watch::{Means, Report, Watcher};
use super::{events, lines};
use crate::console::Console;
use crate::plugin::Store;
use crate::project::{Project, ProjectError};
use crate::provider::Provider;
use perform::Run;
use wash_common::process::Command;
use wash_runtime::host::Host;
use wash_runtime::http::Stop;
use wash_runtime::http::tls::Tls;
use wash_runtime::workload::WorkloadId;
use work::{NotStarted, Plugins, Ready, Running};

/// How often a failure that may pass by itself is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// A change so soon after a build may be an echo of it.
const JUST_ENDED: Duration = Duration::from_secs(1);

/// What a session is given: everything that reaches outside it.
pub struct Setup {
    pub project: Project,
    /// Reads the project again.
    pub load: Box<dyn Fn() -> Result<Project, ProjectError> + Send>,
    pub means: Means,
    pub host: Arc<dyn Host>,
    pub entrance: Arc<HandlerSlot>,
    /// The running server, and what stops it.
    pub server: JoinHandle<()>,
    pub stop: Stop,
    /// What the server shows, if it does HTTPS.
    pub tls: Option<Tls>,
    pub address: SocketAddr,
    /// Where the server is reached: `http://127.0.0.1:8000`.
    pub url: String,
    pub console: Console,
    /// Ask the tools of a build for colours.
    pub color: bool,
    /// Link imports that nobody provides to functions that trap when they are called.
    pub stub_missing: bool,
    /// Where state is kept; the session ends it.
    pub storage: Arc<Storage>,
    /// The plugins of the user, if there is a place for them.
    pub store: Option<Store>,
    /// One for each time the user asks to stop.
    pub interrupts: mpsc::UnboundedReceiver<()>,
}

/// Runs a session until the user ends it; the exit status.
pub async fn run(setup: Setup) -> u8 {
    let inputs = work::inputs(&setup.project);
    let scope = Scope::of(&setup.project, setup.store.as_ref(), &inputs);
    // Before the first build: an edit from here on counts.
    let (watcher, mut reports) = Watcher::start(scope.targets(), setup.means).await;
    let units = work::units(&setup.project).into_keys();
    let (machine, actions) = Machine::new(units);
    let (sender, mut messages) = mpsc::unbounded_channel();
    let Setup {
        project,
        load,
        host,
        entrance,
        server,
        stop,
        tls,
        address,
        url,
        console,
        color,
        stub_missing,
        storage,
        store,
        mut interrupts,
        ..
    } = setup;
    let plugins = work::plugins(store.as_ref(), &project, &storage);
    for warning in &plugins.warnings {
        console.warn(warning);
    }
    let mut session = Session {
        project: Arc::new(project),
        load,
        scope,
        watcher,
        machine,
        host,
        storage,
        store,
        shipped: work::shipped(),
        plugins,
        entrance,
        server: Some(server),
        stop,
        tls,
        address,
        url,
        console,
        color,
        stub_missing,
        messages: sender,
        jobs: BTreeMap::new(),
        cancelled: Vec::new(),
        built: BTreeMap::new(),
        inputs,
        running: None,
        starting: None,
        stopping: false,
        superseded: CancellationToken::new(),
        wiring: None,
        since: Instant::now(),
    };
    let url = &session.url;
    session
        .console
        .tell("listening", events::listening(url), &lines::listening(url));
    session.warn_of_ignored();
    let mut look_again = tokio::time::interval(LOOK_AGAIN);
    look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut exit = session.perform_all(actions).await;
    while exit.is_none() {
        let events = tokio::select! {
            biased;
            Some(()) = interrupts.recv() => vec![Event::Interrupt],
            // What changed during a build is heard of before its end.
            Some(report) = reports.recv() => session.reported(report).await,
            Some(message) = messages.recv() => session.received(message).await,
            _ = look_again.tick(), if session.machine.may_pass() => vec![Event::LookAgain],
        };
        for event in events {
            let actions = session.machine.handle(event);
            exit = exit.or(session.perform_all(actions).await);
        }
    }
    session.storage.end();
    exit.unwrap_or_default()
}

struct Session {
    project: Arc<Project>,
    load: Box<dyn Fn() -> Result<Project, ProjectError> + Send>,
    scope: Scope,
    watcher: Watcher,
    machine: Machine,
    host: Arc<dyn Host>,
    storage: Arc<Storage>,
    store: Option<Store>,
    shipped: Arc<[(Provider, Component)]>,
    plugins: Plugins,
    entrance: Arc<HandlerSlot>,
    /// `None` once it is being stopped.
    server: Option<JoinHandle<()>>,
    stop: Stop,
    tls: Option<Tls>,
    address: SocketAddr,
    url: String,
    console: Console,
    color: bool,
    stub_missing: bool,
    messages: mpsc::UnboundedSender<Message>,
    /// The last build of each unit.
    jobs: BTreeMap<UnitName, Job>,
    /// Builds that were cancelled and may not be gone yet.
    cancelled: Vec<Job>,
    /// The last artifact of each unit.
    built: BTreeMap<UnitName, Ready>,
    /// What the last build of each unit says that it has read.
    inputs: Inputs,
    running: Option<WorkloadId>,
    /// The start that is under way; what it comes to, if it has ended.
    starting: Option<JoinHandle<Option<WorkloadId>>>,
    /// The end has begun.
    stopping: bool,
    /// Cancelled when there is something newer than what starts.
    superseded: CancellationToken,
    /// The wiring as it was printed last.
    wiring: Option<String>,
    /// When the last change was noticed.
    since: Instant,
}

/// A build that runs or has run.
struct Job {
    generation: Generation,
    cancel: CancellationToken,
    abort: AbortHandle,
    /// Cancelled when nothing is left of it, not even a process.
    gone: CancellationToken,
    began: SystemTime,
    ended: Option<End>,
}

/// When a build ended, for what was noticed and for what the file system dates.
#[derive(Debug, Clone, Copy)]
struct End {
    noticed: Instant,
    dated: SystemTime,
}

impl Job {
    /// Whether a change that was noticed and dated then came before the end.
    fn ran(&self, noticed: Instant, dated: Option<SystemTime>) -> bool {
        self.ended.is_none_or(|end| {
            noticed <= end.noticed || dated.is_some_and(|dated| dated <= end.dated)
        })
    }
}

/// How something that ran beside the loop ended.
enum Message {
    Built {
        unit: UnitName,
        generation: Generation,
        outcome: Result<Ready, Cause>,
        ended: End,
    },
    Started {
        revision: Revision,
        why: Why,
        outcome: Box<Result<Running, NotStarted>>,
    },
    /// The time of a delayed build has come.
    Due(UnitName),
    Drained,
}

impl Session {
    async fn reported(&mut self, report: Report) -> Vec<Event> {
        let (change, since) = match report {
            Report::Changed { change, since } => (change, since),
            Report::Trouble { message, hint } => {
                let text = lines::trouble(&message, hint.as_deref());
                self.console.warn(&text);
                return Vec::new();
            }
        };
        self.since = since;
        // A manifest may name other packages than before.
        let is_manifest = |file: &PathBuf| file.ends_with("Cargo.toml");
        if change.files.keys().any(is_manifest) {
            self.rescope().await;
        }
        let dated = change.last;
        let sorted = self.scope.sort(change.files);
        let mut events = Vec::new();
        // First, so that what it starts to build is built as the config has it now.
        if !sorted.config.is_empty() {
            events.push(Event::ConfigChanged);
        }
        for (unit, files) in sorted.units {
            let occasion = self.occasion(&unit, since, dated);
            events.push(Event::FilesChanged {
                unit,
                files,
                occasion,
            });
        }
        for (unit, path) in sorted.artifacts {
            if self.occasion(&unit, since, dated) != Occasion::DuringBuild {
                events.push(Event::ArtifactWritten { unit, path });
            }
        }
        events
    }

    fn occasion(&self, unit: &UnitName, noticed: Instant, dated: Option<SystemTime>) -> Occasion {
        let ran = |job: &Job| job.ran(noticed, dated);
        if self.jobs.get(unit).is_some_and(ran) {
            return Occasion::DuringBuild;
        }
        // Only where there is a build of its own may another be at work; a file changes when somebody changes it.
        if !self.builds(unit) {
            return Occasion::AtRest;
        }
        let mut others = self.jobs.iter().filter(|(name, _)| self.builds(name));
        if others.any(|(_, job)| ran(job)) {
            return Occasion::DuringOtherBuild;
        }
        let ended = self.jobs.get(unit).and_then(|job| job.ended);
        match ended.is_some_and(|end| noticed < end.noticed + JUST_ENDED) {
            true => Occasion::AfterBuild,
            false => Occasion::AtRest,
        }
    }

    /// Whether a unit runs a command.
    fn builds(&self, unit: &UnitName) -> bool {
        let project = work::unit(&self.project, unit);
        project.is_some_and(|project| project.build.command != Command::None)
    }

    async fn received(&mut self, message: Message) -> Vec<Event> {
        match message {
            Message::Built {
                unit,
                generation,
                outcome,
                ended,
            } => {
                // A build that was cancelled has another in its place, or none.
                let job = self.jobs.get_mut(&unit);
                let job =
                    job.filter(|job| job.generation == generation && !job.cancel.is_cancelled());
                let Some(job) = job else { return Vec::new() };
                job.ended = Some(ended);
                let began = job.began;
                let mut late = None;
                let outcome = match outcome {
                    Ok(ready) => {
                        let digest = ready.digest.clone();
                        late = self.take_inputs(&unit, &ready, began).await;
                        self.built.insert(unit.clone(), ready);
                        Ok(digest)
                    }
                    Err(cause) => Err(cause),
                };
                let finished = Event::BuildFinished {
                    unit,
                    generation,
                    outcome,
                };
                late.into_iter().chain([finished]).collect()
            }
            // What was started when the end had begun is stopped with the rest.
            Message::Started { .. } if self.stopping => Vec::new(),
            Message::Started {
                revision,
                why,
                outcome,
            } => {
                self.starting = None;
                let event = match *outcome {
                    Ok(running) => {
                        self.started(why, running);
                        let outcome = Ok(());
                        Event::StartFinished { revision, outcome }
                    }
                    Err(NotStarted::Failed(cause)) => Event::StartFinished {
                        revision,
                        outcome: Err(cause),
                    },
                    Err(NotStarted::GivenUp) => Event::StartGivenUp { revision },
                };
                vec![event]
            }
            Message::Due(unit) => vec![Event::Due { unit }],
            Message::Drained => vec![Event::Drained],
        }
    }

    /// Performs actions, and those that follow from them; the exit status, if that is what they come to.
    async fn perform_all(&mut self, actions: Vec<Action>) -> Option<u8> {
        let mut waiting = VecDeque::from(actions);
        while let Some(action) = waiting.pop_front() {
            match action {
                Action::Exit(status) => {
                    self.abandon().await;
                    return Some(status);
                }
                Action::LoadConfig => {
                    let event = Event::ConfigLoaded(self.load_config().await);
                    waiting.extend(self.machine.handle(event));
                }
                Action::StartBuild { unit, generation } => {
                    self.start_build(unit, generation, Run::Command);
                }
                Action::BuildLater { unit, delay } => {
                    let messages = self.messages.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(delay).await;
                        let _ = messages.send(Message::Due(unit));
                    });
                }
                Action::ReadArtifact { unit, generation } => {
                    self.start_build(unit, generation, Run::Nothing);
                }
                Action::CancelBuild { unit } => self.cancel_build(&unit),
                Action::Start { revision, why } => self.start(revision, why),
                Action::SupersedeStart => self.superseded.cancel(),
                Action::ShowPage(failures) => self.entrance.show(lines::page(&failures)),
                Action::Tell(news) => {
                    if let News::Failed {
                        failure,
                        again: false,
                        ..
                    } = &news
                    {
                        self.console.withheld(&failure.cause.shown);
                    }
                    let (event, fields) = events::news(&news);
                    let text = lines::news(&news, &self.url, &self.project.root);
                    self.console.tell(event, fields, &text);
                }
                Action::Drain => self.drain(),
            }
        }
        None
    }
}
