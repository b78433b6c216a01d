//! What a host is asked to run: plain data, resolved, with absolute paths and no defaults left to guess.

mod settings;
mod start_error;

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

pub use settings::{MemberSettings, Section};
pub use start_error::{NoSuchWorkload, Problem, StartError};

/// Names one start of a workload; a replaced workload and its successor have different ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkloadId(pub String);

impl fmt::Display for WorkloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of components that start and stop together.
#[derive(Debug, Clone)]
pub struct Workload {
    /// For people: the project's name.
    pub name: String,
    /// The ways in: at least one, and at most one of them a service.
    pub entries: Vec<Entry>,
}

impl Workload {
    /// A workload that answers HTTP requests, all of them, with one composed component whose first member is driven.
    pub fn http(
        name: impl Into<String>,
        component: Arc<[u8]>,
        members: Vec<Member>,
        grants: Vec<Grant>,
    ) -> Self {
        let name = name.into();
        let entry = Entry {
            name: members.first().map_or(&name, |member| &member.name).clone(),
            component,
            members,
            grants,
            drive: Drive::Http {
                routes: vec![Route::default()],
            },
            limits: Limits::default(),
        };
        Self {
            name,
            entries: vec![entry],
        }
    }
}

/// A component that something drives, composed with whatever it needs. Instances of one entry share nothing with those
/// of another but what the host keeps for the workload.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The member that is driven.
    pub name: String,
    /// The composed component (`linker` made it), or a single component as it was built.
    pub component: Arc<[u8]>,
    /// Every component that was composed, in the linker's order. A member that several entries need is named in each.
    pub members: Vec<Member>,
    /// The authority-granting imports of the composed component, one for each member and interface.
    pub grants: Vec<Grant>,
    pub drive: Drive,
    pub limits: Limits,
}

/// What calls an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drive {
    /// HTTP requests: `wasi:http/incoming-handler@0.2` or `wasi:http/handler@0.3`, an instance for each.
    Http { routes: Vec<Route> },
    /// Messages: `wasmcloud:messaging/handler@0.2`, an instance for each.
    Messages {
        /// Subjects with NATS wildcards. None subscribes to everything.
        subscriptions: Vec<String>,
    },
    /// The service: `wasi:cli/run@0.2` or `@0.3`, one instance that runs as long as it likes.
    Service { restart: Restart },
    /// Nothing by itself: its exports are called by name, each time in a fresh instance.
    Calls,
}

/// Which requests an entry answers. Of several that fit, the most specific: a host before none, then the longest path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// Without port, compared without case; `*.suffix` for all below it, `None` for any.
    pub host: Option<String>,
    /// The path or a parent of it, whole segments: `/api` is for `/api` and `/api/x`, not for `/apix`. Empty or `/` for
    /// any.
    pub path: String,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.path.as_str()) {
            (None, "") => f.write_str("/"),
            (host, path) => write!(f, "{}{path}", host.as_deref().unwrap_or_default()),
        }
    }
}

/// When a service that has ended is started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restart {
    Never,
    /// After a failure: a trap, or an exit that is not success. The wait doubles from `first` up to `most`, and begins
    /// anew once a run has lasted longer than `most`.
    OnFailure {
        first: Duration,
        most: Duration,
        /// How often in a row; `None` for ever.
        tries: Option<NonZeroU32>,
    },
}

impl Default for Restart {
    fn default() -> Self {
        Self::OnFailure {
            first: Duration::from_millis(500),
            most: Duration::from_secs(30),
            tries: None,
        }
    }
}

/// A component of the composition, with the authority that is its own.
#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    pub settings: MemberSettings,
}

/// An import of the composed component that grants something to one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The import's name in the composed component, such as `blob-wasi-filesystem-preopens`, or the interface's
    /// own name when the composition has a single member.
    pub import: String,
    /// The interface, with its version if it has one: `wasi:filesystem/preopens@0.2.3`.
    pub interface: String,
    /// Index into [`Entry::members`].
    pub member: usize,
}

/// Limits on one entry: on the member that is driven and what is composed behind it, together, and on the memory of
/// single members. A member that several entries need counts in each. All are enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a guest may compute without returning to the host before it is stopped.
    pub cpu_time: Duration,
    /// Bytes of linear memory that one instance of the composed component may hold, all members together.
    pub memory: NonZeroU64,
    /// Requests, or messages, answered at the same time; more wait.
    pub concurrent_requests: usize,
    /// Messages that wait for the entry; what would be one more is refused, and what would make them more bytes than
    /// `memory` as well, for they wait in the host's.
    pub queued_messages: NonZeroUsize,
    /// What the settings are called where they are made, for messages.
    pub names: LimitNames,
    /// Members that have less memory than the entry. Their components declare it, or it holds nobody.
    pub members: Vec<MemberMemory>,
}

/// The settings that raise a limit; empty where none does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitNames {
    pub cpu_time: Arc<str>,
    pub memory: Arc<str>,
}

impl Default for LimitNames {
    fn default() -> Self {
        Self {
            cpu_time: "dev.limits.cpu_time".into(),
            memory: "dev.limits.memory".into(),
        }
    }
}

/// A limit on each linear memory of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberMemory {
    pub member: String,
    /// Bytes.
    pub limit: NonZeroU64,
    /// The setting that raises it.
    pub name: Arc<str>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_time: Duration::from_secs(10),
            memory: NonZeroU64::new(512 * 1024 * 1024).expect("512 MiB is not zero"),
            concurrent_requests: 512,
            queued_messages: NonZeroUsize::new(10_000).expect("10,000 is not zero"),
            names: LimitNames::default(),
            members: Vec::new(),
        }
    }
}
