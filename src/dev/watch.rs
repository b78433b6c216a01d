//! Tells what changed on disk: sets of files, once the disk has been quiet for a moment.
//!
//! Notifications only say where to look; what changed is what `tree` then finds to differ. So the ways in which an
//! editor saves (in place, by a rename, by a backup and a new file) all come to one change, and a save that changes
//! nothing to none. Only directories that are not ignored are watched, each on its own.
//!
//! Where the system has no watches left, everything is looked at again each second instead.

mod fingerprint;
mod ignored;
mod links;
mod list;
mod outputs;
mod tree;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use notify::event::{EventKind, ModifyKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

pub use fingerprint::{Difference, Differences, Fingerprint};
pub use list::{Ignored, ignored_sources};
use outputs::Outputs;
pub use tree::{Changed, Targets};
use tree::{Touched, Tree};

/// A change is told after so long without another. Everybody waits for it at each reload, and whoever tells too early
/// only starts a build that the next change ends.
const QUIET: Duration = Duration::from_millis(20);

/// A change is told after so long, however busy the disk is.
const TIMEOUT: Duration = Duration::from_millis(500);

/// How often everything is looked at where the system does not tell.
const POLL: Duration = Duration::from_secs(1);

/// What the watcher has to say.
#[derive(Debug)]
pub enum Report {
    Changed {
        change: Changed,
        /// When the first of the changes was noticed.
        since: Instant,
    },
    /// Watching works less well than it should.
    Trouble {
        message: String,
        hint: Option<String>,
    },
}

/// How to learn of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// The system tells; where it cannot, look.
    Notifications,
    /// Look, for file systems that do not tell: some network mounts and containers.
    Polling,
}

/// How long the system may take to tell of what has just been written.
const NOTIFIED: Duration = Duration::from_millis(2);

/// A running watcher. It ends when all clones of this are dropped.
#[derive(Debug, Clone)]
pub struct Watcher {
    requests: mpsc::Sender<Request>,
}

/// What a watcher is asked for, and where to tell that it is done.
#[derive(Debug)]
enum Request {
    Retarget(Targets, oneshot::Sender<()>),
    Settle(oneshot::Sender<()>),
}

impl Watcher {
    /// Starts to watch. Whatever changes after this has returned is reported.
    pub async fn start(targets: Targets, means: Means) -> (Self, mpsc::UnboundedReceiver<Report>) {
        let (requests, asked) = mpsc::channel(1);
        let (reports, receiver) = mpsc::unbounded_channel();
        let (raw, events) = mpsc::unbounded_channel();
        let mut worker = Worker {
            tree: Tree::new(Outputs::of_process()),
            watched: BTreeSet::new(),
            notify: None,
            reports,
        };
        match means {
            Means::Notifications => worker.connect(raw),
            Means::Polling => {}
        }
        tokio::spawn(worker.run(asked, events));
        let watcher = Self { requests };
        watcher.retarget(targets).await;
        (watcher, receiver)
    }

    /// Watches other targets from now on. A file that was watched before and changes meanwhile is still reported.
    pub async fn retarget(&self, targets: Targets) {
        self.ask(|done| Request::Retarget(targets, done)).await;
    }

    /// Reports what has changed until now, without waiting for the disk to be quiet.
    pub async fn settle(&self) {
        self.ask(Request::Settle).await;
    }

    async fn ask(&self, request: impl FnOnce(oneshot::Sender<()>) -> Request) {
        let (done, wait) = oneshot::channel();
        if self.requests.send(request(done)).await.is_ok() {
            // An error means that the runtime is shutting down.
            let _ = wait.await;
        }
    }
}

/// A notification that may matter: when it came, and the paths; none if notifications were lost.
type Raw = (Instant, notify::Result<Vec<PathBuf>>);

struct Worker {
    tree: Tree,
    /// The directories the system was asked to tell of.
    watched: BTreeSet<PathBuf>,
    /// `None`: everything is looked at each second.
    notify: Option<RecommendedWatcher>,
    reports: mpsc::UnboundedSender<Report>,
}

impl Worker {
    fn connect(&mut self, raw: mpsc::UnboundedSender<Raw>) {
        let handler = move |event: notify::Result<notify::Event>| {
            let paths = match event {
                Ok(event) if event.need_rescan() => Ok(Vec::new()),
                Ok(event) if is_change(&event.kind) => Ok(event.paths),
                Ok(_) => return,
                Err(error) => Err(error),
            };
            // Nobody listens any more when the session ends.
            let _ = raw.send((Instant::now(), paths));
        };
        match notify::recommended_watcher(handler) {
            Ok(notify) => self.notify = Some(notify),
            Err(error) => self.fall_back(&error),
        }
    }

    async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        mut events: mpsc::UnboundedReceiver<Raw>,
    ) {
        loop {
            let polling = self.notify.is_none();
            let mut request = None;
            let (since, touched) = tokio::select! {
                asked = requests.recv() => {
                    let Some(asked) = asked else { return };
                    request = Some(asked);
                    (Instant::now(), Touched::new())
                }
                Some((since, event)) = events.recv(), if !polling => {
                    let mut touched = Touched::new();
                    if !self.take(event, &mut touched) {
                        continue;
                    }
                    let mut last = since;
                    while since.elapsed() < TIMEOUT {
                        let event = tokio::select! {
                            event = timeout_at((last + QUIET).into(), events.recv()) => event,
                            // Whoever asks does not wait for the disk.
                            asked = requests.recv() => {
                                let Some(asked) = asked else { return };
                                request = Some(asked);
                                break;
                            }
                        };
                        let Ok(Some((at, event))) = event else { break };
                        if self.take(event, &mut touched) {
                            last = at;
                        }
                    }
                    (since, touched)
                }
                () = tokio::time::sleep(POLL), if polling => (Instant::now(), self.tree.everything()),
            };
            self = match request {
                None => {
                    self.blocking(move |worker| worker.look(touched, since))
                        .await
                }
                Some(Request::Settle(done)) => self.settle(since, touched, &mut events, done).await,
                Some(Request::Retarget(targets, done)) => {
                    let work = move |worker: &mut Self| {
                        worker.look(touched, since);
                        worker.retarget(targets);
                    };
                    let worker = self.blocking(work).await;
                    let _ = done.send(());
                    worker
                }
            };
        }
    }

    async fn settle(
        mut self,
        mut since: Instant,
        mut touched: Touched,
        events: &mut mpsc::UnboundedReceiver<Raw>,
        done: oneshot::Sender<()>,
    ) -> Self {
        match self.notify {
            None => touched = self.tree.everything(),
            Some(_) => {
                tokio::time::sleep(NOTIFIED).await;
                while let Ok((at, event)) = events.try_recv() {
                    if self.take(event, &mut touched) {
                        since = since.min(at);
                    }
                }
            }
        }
        let worker = self
            .blocking(move |worker| worker.look(touched, since))
            .await;
        let _ = done.send(());
        worker
    }

    /// Looking at files blocks, so it is done where that is allowed.
    async fn blocking(mut self, work: impl FnOnce(&mut Self) + Send + 'static) -> Self {
        let work = move || {
            work(&mut self);
            self
        };
        tokio::task::spawn_blocking(work)
            .await
            .expect("looking at files does not panic")
    }

    /// Adds what an event is about. Returns whether that is anything of interest.
    fn take(&mut self, event: notify::Result<Vec<PathBuf>>, touched: &mut Touched) -> bool {
        let mut new = match event {
            Ok(paths) if paths.is_empty() => self.tree.everything(),
            Ok(paths) => {
                let paths = paths.into_iter();
                paths.filter(|path| self.tree.cares_for(path)).collect()
            }
            Err(error) => {
                self.fall_back(&error);
                Touched::new()
            }
        };
        let some = !new.is_empty();
        touched.append(&mut new);
        some
    }

    fn retarget(&mut self, targets: Targets) {
        let mut new = self.tree.retarget(targets);
        self.watch();
        while !new.is_empty() {
            new = self.tree.look(&new).new_dirs;
            self.watch();
        }
    }

    fn look(&mut self, touched: Touched, since: Instant) {
        // The directory under a name may be another one than before, and a watch stays with the old one.
        for dir in self.watched.iter().filter(|dir| touched.contains(*dir)) {
            if let Some(notify) = &mut self.notify {
                let _ = notify.unwatch(dir);
            }
        }
        self.watched
            .retain(|dir| !dir.ancestors().any(|above| touched.contains(above)));

        if touched.is_empty() {
            return;
        }
        let mut change = Changed::default();
        let mut touched = touched;
        // What came to be in a directory before it was watched is only seen by looking.
        while self.watch() || !touched.is_empty() {
            let look = self.tree.look(&touched);
            change.append(look.changed);
            touched = look.new_dirs;
        }
        // It may have become what it was.
        change.files.retain(|_, file| file.before != file.after);
        if !change.files.is_empty() {
            change.date();
            let _ = self.reports.send(Report::Changed { change, since });
        }
    }

    /// Asks the system to tell of the directories that matter now, and of no others. Returns whether some are new.
    fn watch(&mut self) -> bool {
        let mut new = false;
        let wanted = self.tree.watched();
        for dir in self.watched.difference(&wanted) {
            if let Some(notify) = &mut self.notify {
                // It may be gone, and its watch with it.
                let _ = notify.unwatch(dir);
            }
        }
        self.watched.retain(|dir| wanted.contains(dir));
        for dir in wanted {
            let Some(notify) = &mut self.notify else {
                return false;
            };
            if self.watched.contains(&dir) {
                continue;
            }
            match notify.watch(&dir, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    new |= self.watched.insert(dir);
                }
                Err(error) if is_out_of_watches(&error) => self.fall_back(&error),
                // Gone again, or not ours to read: there is nothing to see in it.
                Err(error) => tracing::debug!("not watching `{}`: {error}", dir.display()),
            }
        }
        new
    }

    fn fall_back(&mut self, error: &notify::Error) {
        self.notify = None;
        self.watched.clear();
        let hint = is_out_of_watches(error).then(|| {
            "raise the limits: sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024"
                .to_string()
        });
        let message = match hint {
            Some(_) => "the system has no file watches left; polling once a second".to_string(),
            None => format!("the system reports no changes ({error}); polling once a second"),
        };
        let _ = self.reports.send(Report::Trouble { message, hint });
    }
}

/// Reading a file, or changing its mode, is no change.
fn is_change(kind: &EventKind) -> bool {
    !matches!(
        kind,
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_))
    )
}

fn is_out_of_watches(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::MaxFilesWatch => true,
        ErrorKind::Io(error) => matches!(
            error.raw_os_error(),
            Some(libc::ENOSPC | libc::EMFILE | libc::ENFILE)
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
