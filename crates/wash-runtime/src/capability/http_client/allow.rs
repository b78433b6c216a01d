//! The hosts that a member's requests may reach, as patterns.

use std::borrow::Cow;
use std::fmt;

use http::Uri;
use http::uri::{Authority, Scheme};

use super::reach::Reach;
use crate::capability::http_client::OutgoingHttp;

/// What a member's requests may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList(Vec<Pattern>);

/// One pattern: `*`, `host[:port]`, `*.suffix[:port]`, either with `scheme://` before it.
///
/// Without a scheme any scheme fits. Without a port any port fits, but of a host with a scheme only that scheme's own. A
/// suffix fits every name below it, not the suffix itself. A scheme other than `http` and `https` fits no request; it may
/// be meant for something else that reads the same list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    Any,
    Host {
        scheme: Option<String>,
        host: Host,
        port: Option<u16>,
    },
}

/// Lowercase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    Exact(String),
    /// `.example.com`
    Below(String),
}

/// A pattern that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern of hosts: {reason}")]
pub struct PatternError {
    pub pattern: String,
    pub reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Empty,
    Scheme,
    Wildcard,
    MoreThanAHost,
    NotAHost,
}

impl PatternError {
    pub const HINT: &str =
        "write `host`, `host:port`, `scheme://host`, `scheme://host:port`, `*.example.com` or `*`";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::Scheme => "what stands before `://` is not a scheme",
            Self::Wildcard => "`*` stands alone, or before a dot at the start",
            Self::MoreThanAHost => {
                "a path, a query, a fragment or a user name is not part of a host"
            }
            Self::NotAHost => "it is not a host with an optional port",
        })
    }
}

impl Pattern {
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        Self::parse_reason(pattern.trim()).map_err(|reason| PatternError {
            pattern: pattern.to_owned(),
            reason,
        })
    }

    fn parse_reason(pattern: &str) -> Result<Self, Reason> {
        if pattern == "*" {
            return Ok(Self::Any);
        }
        let (scheme, rest) = match pattern.split_once("://") {
            Some((scheme, rest)) => {
                let scheme = scheme.to_ascii_lowercase();
                if scheme.is_empty() || scheme.parse::<Scheme>().is_err() {
                    return Err(Reason::Scheme);
                }
                (Some(scheme), rest.strip_suffix('/').unwrap_or(rest))
            }
            None => (None, pattern),
        };
        if rest.is_empty() {
            return Err(Reason::Empty);
        }
        if rest.contains(['/', '?', '#', '@']) {
            return Err(Reason::MoreThanAHost);
        }
        let below = rest.strip_prefix('*');
        if below.unwrap_or(rest).contains('*')
            || below.is_some_and(|suffix| !suffix.starts_with('.'))
        {
            return Err(Reason::Wildcard);
        }
        let name = below.map_or(rest, |suffix| &suffix[1..]);
        let authority = name.parse::<Authority>().map_err(|_| Reason::NotAHost)?;
        let host = authority.host().to_ascii_lowercase();
        let port = authority.port_u16();
        // What is not a port after the colon is left out without a word by the parser.
        let rest = &authority.as_str()[authority.host().len()..];
        if host.is_empty() || host.starts_with('.') || rest.is_empty() == port.is_some() {
            return Err(Reason::NotAHost);
        }
        let host = match below {
            Some(_) => Host::Below(format!(".{host}")),
            None => Host::Exact(host),
        };
        Ok(Self::Host { scheme, host, port })
    }

    fn allows(&self, target: &Uri) -> bool {
        let Self::Host { scheme, host, port } = self else {
            return true;
        };
        let Some(name) = target.host().map(str::to_ascii_lowercase) else {
            return false;
        };
        let host_fits = match host {
            Host::Exact(exact) => normal(&name) == normal(exact),
            Host::Below(suffix) => name.ends_with(suffix.as_str()) && name.len() > suffix.len(),
        };
        let scheme_fits = scheme
            .as_deref()
            .is_none_or(|scheme| target.scheme_str() == Some(scheme));
        let own = |scheme: &str| if scheme == "http" { 80 } else { 443 };
        let scheme_own = match host {
            Host::Exact(_) => scheme.as_deref().map(own),
            Host::Below(_) => None,
        };
        let wanted = port.or(scheme_own);
        let actual = target
            .port_u16()
            .unwrap_or_else(|| own(target.scheme_str().unwrap_or("https")));
        host_fits && scheme_fits && wanted.is_none_or(|wanted| wanted == actual)
    }
}

impl Pattern {
    /// A host that is named alone is meant, whatever its address is. What stands for many hosts says nothing of that.
    fn reach(&self) -> Reach {
        match self {
            Self::Host {
                host: Host::Exact(_),
                ..
            } => Reach::Anywhere,
            Self::Any | Self::Host { .. } => Reach::Network,
        }
    }
}

/// A host as it is usually written: an IPv4 address has many spellings, such as `2130706433`, `0x7f.1` and `127.1`.
pub(super) fn normal(host: &str) -> Cow<'_, str> {
    match url::Host::parse(host) {
        Ok(url::Host::Ipv4(address)) => Cow::Owned(address.to_string()),
        Ok(address @ url::Host::Ipv6(_)) => Cow::Owned(address.to_string()),
        _ => Cow::Borrowed(host),
    }
}

impl AllowList {
    pub fn new(settings: &OutgoingHttp) -> Result<Self, PatternError> {
        let patterns = match settings {
            OutgoingHttp::Denied => Vec::new(),
            OutgoingHttp::Any => vec![Pattern::Any],
            OutgoingHttp::Allowed(patterns) => patterns
                .iter()
                .map(|pattern| Pattern::parse(pattern))
                .collect::<Result<_, _>>()?,
        };
        Ok(Self(patterns))
    }

    /// Whether a request may go to `target`, an absolute URI.
    pub fn allows(&self, target: &Uri) -> bool {
        self.reach(target).is_some()
    }

    /// How far a request to `target` may go; `None` if it may not be sent at all.
    pub(super) fn reach(&self, target: &Uri) -> Option<Reach> {
        let fitting = self.0.iter().filter(|pattern| pattern.allows(target));
        fitting.map(Pattern::reach).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, allowed: &[&str], denied: &[&str]) {
        let list = AllowList::new(&OutgoingHttp::Allowed(vec![pattern.to_owned()])).unwrap();
        for target in allowed {
            assert!(
                list.allows(&target.parse().unwrap()),
                "`{pattern}` must allow {target}"
            );
        }
        for target in denied {
            assert!(
                !list.allows(&target.parse().unwrap()),
                "`{pattern}` must not allow {target}"
            );
        }
    }

    #[test]
    fn an_address_is_the_same_however_it_is_spelled() {
        let spellings = [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1:81/",
            "http://127.1/",
            "http://0177.0.0.1/",
        ];
        check(
            "127.0.0.1",
            &spellings,
            &["http://127.0.0.2/", "http://127.0.0.1.nip.io/"],
        );
        check("0x7f.1", &spellings, &["http://0x7f.2/"]);
        check("[::1]", &["http://[0:0::1]/"], &["http://[::2]/"]);
    }

    #[test]
    fn a_host_alone_fits_any_port_and_scheme() {
        check(
            "Example.com",
            &["http://example.com/a", "https://EXAMPLE.com:8443/"],
            &[
                "http://www.example.com/",
                "http://example.com.evil.org/",
                "http://notexample.com/",
            ],
        );
    }

    #[test]
    fn a_port_must_be_the_same() {
        check(
            "localhost:3000",
            &["http://localhost:3000/"],
            &["http://localhost/", "http://localhost:3001/"],
        );
        check(
            "localhost:443",
            &["https://localhost/"],
            &["http://localhost/"],
        );
        check("[::1]:80", &["http://[::1]/"], &["http://[::1]:81/"]);
        check(
            "[::1]",
            &["http://[::1]/", "https://[::1]:8443/"],
            &["http://[::2]/"],
        );
    }

    #[test]
    fn a_scheme_must_be_the_same_and_brings_its_port() {
        check(
            "https://example.com/",
            &["https://example.com/x", "https://example.com:443/"],
            &["http://example.com/", "https://example.com:8443/"],
        );
        check(
            "http://example.com:81",
            &["http://example.com:81/"],
            &["http://example.com/", "https://example.com:81/"],
        );
    }

    #[test]
    fn a_suffix_fits_what_is_below_it() {
        check(
            "*.example.com",
            &["http://a.example.com/", "https://a.b.example.com:1/"],
            &[
                "http://example.com/",
                "http://.example.com/",
                "http://aexample.com/",
            ],
        );
        check(
            "https://*.example.com",
            &["https://a.example.com/"],
            &["http://a.example.com/"],
        );
        // Of a suffix, the scheme does not bring its port.
        check(
            "https://*.example.com/",
            &["https://a.example.com:8443/"],
            &["https://example.com/"],
        );
        check(
            "https://*.example.com:8443",
            &["https://a.example.com:8443/"],
            &["https://a.example.com/", "http://a.example.com:8443/"],
        );
        check(
            "*.example.com:8080",
            &["http://a.example.com:8080/"],
            &["http://a.example.com/"],
        );
    }

    #[test]
    fn a_scheme_of_something_else_fits_nothing() {
        check(
            "postgres://db:5432",
            &[],
            &["http://db:5432/", "https://db/"],
        );
    }

    #[test]
    fn a_star_fits_everything() {
        check("*", &["http://a/", "https://b:1/"], &[]);
    }

    #[test]
    fn only_an_entry_of_its_own_leads_to_this_machine() {
        let reach = |patterns: &[&str], target: &str| {
            let patterns = patterns.iter().map(|pattern| (*pattern).to_owned());
            let list = AllowList::new(&OutgoingHttp::Allowed(patterns.collect())).unwrap();
            list.reach(&target.parse().unwrap())
        };
        assert_eq!(reach(&["*"], "http://localhost/"), Some(Reach::Network));
        assert_eq!(reach(&["*.a"], "http://b.a/"), Some(Reach::Network));
        let both = ["*", "localhost:80"];
        assert_eq!(reach(&both, "http://localhost/"), Some(Reach::Anywhere));
        assert_eq!(reach(&both, "http://localhost:81/"), Some(Reach::Network));
        assert_eq!(reach(&["b"], "http://localhost/"), None);
    }

    #[test]
    fn denied_allows_nothing() {
        let list = AllowList::new(&OutgoingHttp::Denied).unwrap();
        assert!(!list.allows(&"http://localhost/".parse().unwrap()));
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_its_reason() {
        for (pattern, reason) in [
            ("", Reason::Empty),
            ("https://", Reason::Empty),
            ("*foo", Reason::Wildcard),
            ("a.*.com", Reason::Wildcard),
            ("**.com", Reason::Wildcard),
            ("example.com/path", Reason::MoreThanAHost),
            ("https://example.com?q", Reason::MoreThanAHost),
            ("me@example.com", Reason::MoreThanAHost),
            ("example.com:port", Reason::NotAHost),
            ("example.com:99999", Reason::NotAHost),
            ("*.", Reason::NotAHost),
            ("a b", Reason::NotAHost),
            ("ht tp://a", Reason::Scheme),
            ("://a", Reason::Scheme),
            ("https://a/#f", Reason::MoreThanAHost),
            ("https://*.example.com/path", Reason::MoreThanAHost),
        ] {
            assert_eq!(
                Pattern::parse(pattern).map_err(|error| error.reason),
                Err(reason),
                "{pattern}"
            );
        }
    }
}
