//! What a host is asked to run: plain data, resolved, with absolute paths and no defaults left to guess.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::sockets::Sockets;
use crate::console::Level;

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

/// The capabilities of the host that can be switched off, by the names that the config has for them.
pub const CAPABILITIES: [&str; 6] = [
    "config",
    "http-client",
    "keyvalue",
    "logging",
    "messaging",
    "sockets",
];

/// What one member is given. The default grants nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberSettings {
    /// `wasi:cli/environment`
    pub environment: BTreeMap<String, String>,
    /// `wasi:cli/environment`, without the program name.
    pub arguments: Vec<String>,
    /// `wasi:filesystem/preopens`
    pub directories: Vec<Directory>,
    /// `wasi:config`
    pub config: BTreeMap<String, String>,
    /// Hosts that outgoing HTTP may reach.
    pub outgoing_http: OutgoingHttp,
    /// `wasi:logging`: the least that is shown. By default everything is.
    pub log_level: Level,
    /// `wasi:sockets`
    pub sockets: Sockets,
    /// How outgoing HTTP gets there.
    pub http_client: HttpClient,
    /// `wasi:keyvalue`
    pub keyvalue: KeyValue,
    /// `wasi:cli/stdin`: the stdin of this process. Otherwise it is empty.
    pub stdin: bool,
    /// Files and folders that say what this member is and is given: no guest replaces them.
    pub configured_by: Vec<PathBuf>,
    /// `wash:plugin`, and whose permissions these are, for hints; `None`: it is no installed plugin.
    pub plugin: Option<Plugin>,
}

/// What an installed plugin has of the machine, beside what every member may be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plugin {
    /// As it is installed.
    pub name: String,
    /// What it may run: argument vectors that begin so.
    pub programs: Vec<Vec<String>>,
    /// Where programs run: an absolute path.
    pub directory: PathBuf,
    pub project: OpenProject,
}

/// The project that an installed plugin may look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OpenProject {
    #[default]
    Denied,
    /// It may, but there is none, for this reason.
    Missing(String),
    Allowed(ProjectInfo),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectInfo {
    pub name: String,
    /// On the machine.
    pub path: String,
    /// Where the guest finds what was built last.
    pub component: Option<String>,
    /// The names of all its components, its own first.
    pub components: Vec<String>,
}

/// Where a member's keys and values are kept, and which of them are its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyValue {
    /// `None`: nobody said. A host keeps them in memory then.
    pub backend: Option<KeyValueBackend>,
    /// Put in front of the name of each bucket that the member opens.
    pub prefix: String,
    /// The buckets that it may open, as it names them; `None`: any.
    pub buckets: Option<BTreeSet<String>>,
    /// Bytes of keys and values that the store may hold. `None`: as many as the disk has, 256 MiB in memory.
    pub quota: Option<NonZeroU64>,
}

/// Members that name the same one share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyValueBackend {
    /// In memory, for as long as the workload runs or is replaced by one of the same name.
    Memory,
    /// In a database, an absolute path of its file.
    Database(PathBuf),
    /// `BUCKET/KEY`, one file for each value, in a directory: an absolute path.
    Files(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    pub volume: Volume,
    /// The path the guest sees, such as `/data`.
    pub guest: String,
    pub access: Access,
}

/// What is behind a directory of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Volume {
    HostPath {
        /// Absolute.
        path: PathBuf,
        /// Create the directory when it is missing. It stays when the workload goes.
        create: bool,
    },
    /// An empty directory, made when the workload starts and removed when it goes. Members that name the same one
    /// share it.
    Empty { name: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// Which hosts a member's outgoing HTTP requests may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OutgoingHttp {
    #[default]
    Denied,
    Any,
    /// Patterns as upstream writes them: `host[:port]`, `scheme://host[:port]`, `*.suffix`, `*`.
    Allowed(Vec<String>),
}

impl OutgoingHttp {
    /// Adds patterns to what is allowed.
    pub fn allow(&mut self, patterns: &[String]) {
        if patterns.is_empty() {
            return;
        }
        let mut hosts = match std::mem::take(self) {
            Self::Denied => Vec::new(),
            Self::Any => vec!["*".to_owned()],
            Self::Allowed(hosts) => hosts,
        };
        hosts.extend(patterns.iter().cloned());
        *self = Self::Allowed(hosts);
    }
}

/// How a member's outgoing HTTP requests travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpClient {
    /// Whose certificates are trusted.
    pub roots: TrustRoots,
    /// Files in PEM of authorities to trust besides, absolute.
    pub authorities: Vec<PathBuf>,
    /// Connections that may be open at the same time, of all members of the workload together.
    pub connections: NonZeroUsize,
    /// How long a request waits for one of them.
    pub wait: Duration,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self {
            roots: TrustRoots::default(),
            authorities: Vec::new(),
            connections: NonZeroUsize::new(128).expect("128 is not zero"),
            wait: Duration::from_secs(5),
        }
    }
}

/// A set of certificate authorities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TrustRoots {
    /// Those that browsers trust, as `wash` was built with them.
    #[default]
    Webpki,
    WebpkiAndNative,
    /// Those of this machine, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    Native,
    /// None but [`HttpClient::authorities`].
    ExtraOnly,
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
