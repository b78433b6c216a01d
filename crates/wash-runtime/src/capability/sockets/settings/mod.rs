//! What the sockets of a member may reach, as plain data, and how it is written in a config.
//!
//! The addresses of a workload's own network (`127.0.0.1`, `::1`) need no permission, and no rule here reaches those of
//! the machine: for them there are the ports of `host.wasmcloud.internal`.

mod rule;

use std::fmt;
use std::str::FromStr;

use crate::member_section;

pub use rule::{Ports, SocketRule, Target};

member_section!(Sockets);

/// The name under which a member reaches the loopback of the machine.
pub const MACHINE: &str = "host.wasmcloud.internal";

/// What the sockets of a member may do outside of the workload's own network. The default is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sockets {
    /// Names that may be looked up.
    pub lookups: Vec<NamePattern>,
    /// Ports of the machine's loopback, under the name [`MACHINE`].
    pub machine: Vec<MachinePort>,
    /// Other addresses that may be connected to or sent to.
    pub allowed: Vec<SocketRule>,
    /// Ports of the member, if it is the service, that are open on the machine.
    pub published: Vec<PublishedPort>,
    /// The section of the config that these come from, such as `workload`: for hints.
    pub section: String,
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            lookups: Vec::new(),
            machine: Vec::new(),
            allowed: Vec::new(),
            published: Vec::new(),
            section: "workload".to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
}

/// Which names: `*`, `*.suffix`, a name, or an address as it is written. Lowercase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamePattern {
    Any,
    /// `.example.com`: every name below it, not the suffix itself.
    Below(String),
    Exact(String),
}

/// A port of the machine's loopback: `5432` for both protocols, `5432/tcp`, `53/udp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachinePort {
    pub port: u16,
    /// `None` for both.
    pub protocol: Option<Protocol>,
}

/// A port of the service that is open on `127.0.0.1` of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPort {
    pub protocol: Protocol,
    /// Where the service listens, in the workload's own network.
    pub port: u16,
    /// On the machine.
    pub host: u16,
}

/// Why a text is none of the above: what was expected instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct SyntaxError {
    pub expected: &'static str,
    pub found: String,
}

impl SyntaxError {
    fn new(expected: &'static str, found: &str) -> Self {
        let found = found.to_owned();
        Self { expected, found }
    }
}

impl NamePattern {
    pub fn fits(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match self {
            Self::Any => true,
            Self::Exact(exact) => name == *exact,
            Self::Below(suffix) => name.len() > suffix.len() && name.ends_with(suffix.as_str()),
        }
    }
}

impl MachinePort {
    pub fn fits(&self, protocol: Protocol, port: u16) -> bool {
        self.port == port && self.protocol.is_none_or(|own| own == protocol)
    }
}

impl FromStr for Protocol {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err(SyntaxError::new("`TCP` or `UDP`", text)),
        }
    }
}

impl FromStr for NamePattern {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let pattern = text.trim().trim_end_matches('.').to_ascii_lowercase();
        let name = pattern.strip_prefix("*.").unwrap_or(&pattern);
        match pattern.as_str() {
            _ if !is_name(name) && (name != pattern || !is_address(name)) => Err(SyntaxError::new(
                "a name such as `db.example.com`, `*.example.com`, an IP address or `*`",
                text,
            )),
            _ if name != pattern => Ok(Self::Below(format!(".{name}"))),
            _ => Ok(Self::Exact(pattern)),
        }
    }
}

impl FromStr for MachinePort {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let error = || SyntaxError::new("a port such as `5432`, `5432/tcp` or `53/udp`", text);
        let (port, protocol) = match text.trim().split_once('/') {
            Some((port, protocol)) => (port, Some(protocol.parse().map_err(|_| error())?)),
            None => (text.trim(), None),
        };
        let port = port.parse().ok().filter(|port| *port != 0);
        Ok(Self {
            port: port.ok_or_else(error)?,
            protocol,
        })
    }
}

/// A host name: labels of letters, digits, dashes and underscores.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    // What ends in a number is an address, or nothing at all.
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(label) && !last.chars().all(|c| c.is_ascii_digit())
}

fn is_address(name: &str) -> bool {
    name.parse::<std::net::IpAddr>().is_ok()
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(suffix) => write!(f, "*{suffix}"),
            Self::Exact(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for MachinePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Some(protocol) => write!(f, "{}/{protocol}", self.port),
            None => write!(f, "{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> NamePattern {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_compared_without_case_and_final_dot() {
        assert!(pattern("DB.example.com").fits("db.Example.com."));
        assert!(!pattern("db.example.com").fits("example.com"));
        assert!(pattern("*").fits("anything"));
        assert!(pattern("localhost").fits("localhost"));
    }

    #[test]
    fn a_suffix_is_for_what_is_below_it() {
        assert!(pattern("*.example.com").fits("a.b.example.com"));
        assert!(!pattern("*.example.com").fits("example.com"));
        assert!(!pattern("*.example.com").fits("badexample.com"));
    }

    #[test]
    fn an_address_is_a_name_as_it_is_written() {
        assert!(pattern("10.0.0.1").fits("10.0.0.1"));
        assert!(pattern("::1").fits("::1"));
    }

    #[test]
    fn what_is_no_pattern_of_names() {
        for text in [
            "",
            "*foo",
            "a.*.b",
            "*.",
            "a b",
            "http://a",
            "a:80",
            "*.10.0.0.1",
            "1.2.3",
        ] {
            assert!(text.parse::<NamePattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn ports_of_the_machine() {
        let both: MachinePort = "5432".parse().unwrap();
        assert!(both.fits(Protocol::Tcp, 5432) && both.fits(Protocol::Udp, 5432));
        let udp: MachinePort = "53/UDP".parse().unwrap();
        assert!(udp.fits(Protocol::Udp, 53) && !udp.fits(Protocol::Tcp, 53));
        for text in ["", "0", "65536", "tcp/5", "53/sctp", "1-2"] {
            assert!(text.parse::<MachinePort>().is_err(), "{text}");
        }
    }

    #[test]
    fn everything_is_written_as_it_is_read() {
        for text in ["*", "*.example.com", "db", "10.0.0.1"] {
            assert_eq!(pattern(text).to_string(), text);
        }
        for text in ["80", "80/tcp", "53/udp"] {
            assert_eq!(text.parse::<MachinePort>().unwrap().to_string(), text);
        }
    }
}
