//! What a host is asked to run: plain data, resolved, with absolute paths and no defaults left to guess.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Names one start of a workload; a replaced workload and its successor have different ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkloadId(pub String);

impl fmt::Display for WorkloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One composed component, and what each member of it may do.
#[derive(Debug, Clone)]
pub struct Workload {
    /// For people: the project's name.
    pub name: String,
    /// The composed component (`linker` made it), or a single component as it was built.
    pub component: Arc<[u8]>,
    /// Every component that was composed, in the linker's order.
    pub members: Vec<Member>,
    /// The authority-granting imports of the composed component, one for each member and interface.
    pub grants: Vec<Grant>,
    pub limits: Limits,
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
    /// Index into [`Workload::members`].
    pub member: usize,
}

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
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Absolute; created when it is missing and `create` is set.
    pub host: PathBuf,
    /// The path the guest sees, such as `/data`.
    pub guest: String,
    pub access: Access,
    pub create: bool,
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

/// Limits on one request (or one call). All are enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a guest may compute without returning to the host before it is stopped.
    pub cpu_time: Duration,
    /// Bytes of linear memory that one instance of the composed component may hold, all members together.
    pub memory: NonZeroU64,
    /// Requests answered at the same time; more wait.
    pub concurrent_requests: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_time: Duration::from_secs(10),
            memory: NonZeroU64::new(512 * 1024 * 1024).expect("512 MiB is not zero"),
            concurrent_requests: 512,
        }
    }
}
