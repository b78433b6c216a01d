//! Performs what the state machine decides, and tells it how that went.
//!
//! One loop owns everything: the machine, the running builds, what they built. Builds and starts run beside it and
//! send a `Message` when they end, so that changes and interrupts are heard at all times.

mod perform;
pub(super) mod work;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::assemble::Component;
use super::entrance::Entrance;
use super::events;
use super::lines;
use super::scope::Scope;
use super::state::{Action, Cause, Event, Generation, Machine, News, Revision, UnitName, Why};
use super::storage::Storage;
use super::watch::{Means, Report, Watcher};
use crate::console::Console;
use crate::host::Host;
use crate::host::workload::WorkloadId;
use crate::http::Stop;
use crate::http::tls::Tls;
use crate::plugin::Store;
use crate::project::{Project, ProjectError};
use crate::provider::Provider;
use work::{NotStarted, Plugins, Ready, Running};

/// What a session is given: everything that reaches outside it.
pub struct Setup {
    pub project: Project,
    /// Reads the project again.
    pub load: Box<dyn Fn() -> Result<Project, ProjectError> + Send>,
    pub means: Means,
    pub host: Arc<dyn Host>,
    pub entrance: Arc<Entrance>,
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
    let scope = Scope::of(&setup.project, setup.store.as_ref());
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
        builds: Arc::default(),
        jobs: BTreeMap::new(),
        cancelled: Vec::new(),
        built: BTreeMap::new(),
        running: None,
        superseded: CancellationToken::new(),
        wiring: None,
        since: Instant::now(),
    };
    let mut exit = session.perform_all(actions).await;
    while exit.is_none() {
        let events = tokio::select! {
            Some(report) = reports.recv() => session.reported(report).await,
            Some(message) = messages.recv() => session.received(message),
            Some(()) = interrupts.recv() => vec![Event::Interrupt],
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
    entrance: Arc<Entrance>,
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
    /// How many builds run.
    builds: Arc<AtomicUsize>,
    /// The last build of each unit.
    jobs: BTreeMap<UnitName, Job>,
    /// Builds that were cancelled and may not be gone yet.
    cancelled: Vec<Job>,
    /// The last artifact of each unit.
    built: BTreeMap<UnitName, Ready>,
    running: Option<WorkloadId>,
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
    ended: Option<Instant>,
}

/// How something that ran beside the loop ended.
enum Message {
    Built {
        unit: UnitName,
        generation: Generation,
        outcome: Result<Ready, Cause>,
        ended: Instant,
    },
    Started {
        revision: Revision,
        why: Why,
        outcome: Box<Result<Running, NotStarted>>,
    },
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
        if change.files.iter().any(is_manifest) {
            self.rescope().await;
        }
        let sorted = self.scope.sort(change);
        let mut events = Vec::new();
        // First, so that what it starts to build is built as the config has it now.
        if !sorted.config.is_empty() {
            events.push(Event::ConfigChanged);
        }
        for (unit, change) in sorted.units {
            let ended = self.jobs.get(&unit).map(|job| job.ended);
            let during_build = ended.is_some_and(|ended| ended.is_none_or(|ended| since <= ended));
            events.push(Event::FilesChanged {
                unit,
                change,
                during_build,
            });
        }
        events
    }

    fn received(&mut self, message: Message) -> Vec<Event> {
        let event = match message {
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
                let outcome = outcome.map(|ready| {
                    let digest = ready.digest.clone();
                    self.built.insert(unit.clone(), ready);
                    digest
                });
                Event::BuildFinished {
                    unit,
                    generation,
                    outcome,
                }
            }
            Message::Started {
                revision,
                why,
                outcome,
            } => match *outcome {
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
            },
            Message::Drained => Event::Drained,
        };
        vec![event]
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
                Action::StartBuild { unit, generation } => self.start_build(unit, generation),
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
                    let text = lines::news(&news, &self.url);
                    self.console.tell(event, fields, &text);
                }
                Action::Drain => self.drain(),
            }
        }
        None
    }
}
