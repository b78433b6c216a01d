//! One entry of `allowedSockets`: `HOST|IP|CIDR[:PORT|:FROM-TO|:*][/tcp|/udp]`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::{NamePattern, Protocol, SyntaxError};

/// Which addresses may be connected to or sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketRule {
    pub target: Target,
    pub ports: Ports,
    /// `None` for both.
    pub protocol: Option<Protocol>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The addresses that names which fit were resolved to; with [`NamePattern::Any`] every address.
    Name(NamePattern),
    /// Addresses that begin with the first `prefix` bits of `address`.
    Network { address: IpAddr, prefix: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports(pub RangeInclusive<u16>);

const ANY_PORT: Ports = Ports(1..=u16::MAX);

const EXPECTED: &str = "`HOST`, `IP` or `CIDR`, then `:PORT` or `:FROM-TO`, then `/tcp` or `/udp`, such as \
                        `db.example.com:5432/tcp` or `[fd00::/8]:53/udp`";

impl SocketRule {
    /// Whether the rule is for an address that was found under `names`, if it was looked up.
    pub fn fits<'n>(
        &self,
        protocol: Protocol,
        address: IpAddr,
        port: u16,
        names: impl IntoIterator<Item = &'n str>,
    ) -> bool {
        let target = match &self.target {
            Target::Name(NamePattern::Any) => true,
            Target::Name(pattern) => names.into_iter().any(|name| pattern.fits(name)),
            Target::Network {
                address: network,
                prefix,
            } => in_network(address, *network, *prefix),
        };
        target && self.ports.0.contains(&port) && self.protocol.is_none_or(|own| own == protocol)
    }
}

/// Both families are compared within themselves: an IPv4 network has no IPv6 addresses.
fn in_network(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let same = |left: u128, right: u128, bits: u8| {
        let rest = u32::from(bits.saturating_sub(prefix));
        left.checked_shr(rest) == right.checked_shr(rest)
    };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            same(address.to_bits().into(), network.to_bits().into(), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            same(address.to_bits(), network.to_bits(), 128)
        }
        _ => false,
    }
}

impl FromStr for SocketRule {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        parse(text.trim()).ok_or_else(|| SyntaxError::new(EXPECTED, text))
    }
}

fn parse(text: &str) -> Option<SocketRule> {
    // What follows the last slash is a protocol, unless it is the length of a prefix.
    let (text, protocol) = match text.rsplit_once('/') {
        Some((before, word)) if !word.starts_with(|c: char| c.is_ascii_digit()) => {
            (before, Some(word.parse().ok()?))
        }
        _ => (text, None),
    };
    let (host, ports) = if let Some(bracketed) = text.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        host.split('/').next()?.parse::<Ipv6Addr>().ok()?;
        (host, ports(rest)?)
    } else if text.matches(':').count() > 1 {
        (text, ANY_PORT)
    } else {
        let colon = text.find(':').unwrap_or(text.len());
        (&text[..colon], ports(&text[colon..])?)
    };
    Some(SocketRule {
        target: target(host)?,
        ports,
        protocol,
    })
}

/// Nothing, `:80`, `:80-90` or `:*`.
fn ports(text: &str) -> Option<Ports> {
    if text.is_empty() || text == ":*" {
        return Some(ANY_PORT);
    }
    let text = text.strip_prefix(':')?;
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from != 0 && from <= to).then_some(Ports(from..=to))
}

fn target(text: &str) -> Option<Target> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
        None => (text, None),
    };
    match address.parse::<IpAddr>() {
        Ok(address) => {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.unwrap_or(most);
            (prefix <= most).then_some(Target::Network { address, prefix })
        }
        Err(_) if prefix.is_none() => Some(Target::Name(address.parse().ok()?)),
        Err(_) => None,
    }
}

impl fmt::Display for SocketRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Name(pattern) => write!(f, "{pattern}")?,
            Target::Network { address, prefix } => {
                let whole = *prefix == if address.is_ipv4() { 32 } else { 128 };
                let bare = match whole {
                    true => address.to_string(),
                    false => format!("{address}/{prefix}"),
                };
                match address.is_ipv6() && self.ports != ANY_PORT {
                    true => write!(f, "[{bare}]")?,
                    false => f.write_str(&bare)?,
                }
            }
        }
        let (from, to) = (self.ports.0.start(), self.ports.0.end());
        match (from, to) {
            _ if self.ports == ANY_PORT => {}
            (from, to) if from == to => write!(f, ":{from}")?,
            (from, to) => write!(f, ":{from}-{to}")?,
        }
        match self.protocol {
            Some(protocol) => write!(f, "/{protocol}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> SocketRule {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(rule_text: &str, protocol: Protocol, address: &str, port: u16, expected: bool) {
        let fits = rule(rule_text).fits(protocol, address.parse().unwrap(), port, []);
        assert_eq!(fits, expected, "{rule_text} {protocol} {address} {port}");
    }

    #[test]
    fn an_address_with_and_without_port() {
        check("10.1.2.3", Protocol::Tcp, "10.1.2.3", 80, true);
        check("10.1.2.3", Protocol::Udp, "10.1.2.3", 53, true);
        check("10.1.2.3", Protocol::Tcp, "10.1.2.4", 80, false);
        check("10.1.2.3:80", Protocol::Tcp, "10.1.2.3", 80, true);
        check("10.1.2.3:80", Protocol::Tcp, "10.1.2.3", 81, false);
        check("10.1.2.3:*", Protocol::Tcp, "10.1.2.3", 81, true);
        check("10.1.2.3:80-90", Protocol::Tcp, "10.1.2.3", 90, true);
        check("10.1.2.3:80-90", Protocol::Tcp, "10.1.2.3", 91, false);
    }

    #[test]
    fn one_protocol_or_both() {
        check("10.1.2.3:53/udp", Protocol::Udp, "10.1.2.3", 53, true);
        check("10.1.2.3:53/udp", Protocol::Tcp, "10.1.2.3", 53, false);
        check("10.1.2.3/TCP", Protocol::Tcp, "10.1.2.3", 53, true);
    }

    #[test]
    fn networks() {
        check("10.0.0.0/8", Protocol::Tcp, "10.200.0.1", 1, true);
        check("10.0.0.0/8", Protocol::Tcp, "11.0.0.1", 1, false);
        check("10.0.0.0/8:5432/tcp", Protocol::Tcp, "10.9.9.9", 5432, true);
        check("0.0.0.0/0", Protocol::Tcp, "203.0.113.9", 1, true);
        check("0.0.0.0/0", Protocol::Tcp, "2001:db8::1", 1, false);
        check("192.168.1.128/25", Protocol::Tcp, "192.168.1.127", 1, false);
        check("fd00::/8", Protocol::Tcp, "fdff::1", 1, true);
        check("[fd00::/8]:53/udp", Protocol::Udp, "fd12::9", 53, true);
        check("[2001:db8::1]:80", Protocol::Tcp, "2001:db8::1", 80, true);
        check("2001:db8::1", Protocol::Tcp, "2001:db8::1", 80, true);
        check("::/0", Protocol::Tcp, "2001:db8::1", 80, true);
    }

    #[test]
    fn names_are_for_the_addresses_found_under_them() {
        let address = "203.0.113.9".parse().unwrap();
        let fits = |text: &str, names: &[&str]| {
            rule(text).fits(Protocol::Tcp, address, 5432, names.iter().copied())
        };
        assert!(fits("db.example.com:5432", &["db.example.com"]));
        assert!(!fits("db.example.com:5432", &["other.example.com"]));
        assert!(!fits("db.example.com:5432", &[]));
        assert!(fits("*.example.com", &["x", "db.example.com"]));
        assert!(fits("*", &[]));
        assert!(fits("*:5432/tcp", &[]));
        assert!(!fits("*:5433/tcp", &[]));
    }

    #[test]
    fn what_is_no_rule() {
        for text in [
            "",
            ":80",
            "10.0.0.0/33",
            "10.0.0.0/8/8",
            "host:0",
            "host:99999",
            "host:90-80",
            "host:",
            "host/sctp",
            "host:80/",
            "[10.0.0.1]:80",
            "[::1",
            "[::1]80",
            "host/8",
            "https://host",
            "a b",
            "10.0.0",
        ] {
            assert!(text.parse::<SocketRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_is_written_as_it_is_read() {
        for text in [
            "10.1.2.3",
            "10.0.0.0/8:5432/tcp",
            "[fd00::/8]:53/udp",
            "2001:db8::1",
            "*.example.com:80-90",
            "*",
        ] {
            assert_eq!(rule(text).to_string(), text);
        }
        let error = "10.0.0.0/33".parse::<SocketRule>().unwrap_err().to_string();
        assert!(error.ends_with("found `10.0.0.0/33`"), "{error}");
    }
}
