//! Where a member's outgoing requests may go, and how they get there.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::member_section;

member_section!(OutgoingHttp);
member_section!(HttpClient);

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
