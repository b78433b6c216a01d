//! How to reach registries: with or without TLS, whom to trust, as whom, how long to wait.

use std::env::{self, VarError};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::redirect::{Attempt, Policy};
use url::Host;
use wash_common::{advice, pem};

use super::credentials::{Login, Source};
use super::error::OciError;

const CONNECT: Duration = Duration::from_secs(10);

const USER: &str = "WASH_OCI_USER";
const PASSWORD: &str = "WASH_OCI_PASSWORD";
/// Limits [`USER`] and [`PASSWORD`] to one registry.
const REGISTRY: &str = "WASH_OCI_REGISTRY";
const CA_PATHS: &str = "WASH_OCI_CA_PATHS";
const MAX_SIZE: &str = "WASH_OCI_MAX_SIZE_MIB";

const MIB: u64 = 1 << 20;

/// Redirects that are followed, one after the other.
const MAX_REDIRECTS: usize = 10;

#[derive(Debug, Clone)]
pub struct Access {
    pub scheme: Scheme,
    /// Files with certificates of authorities to trust besides the system's.
    pub ca_paths: Vec<PathBuf>,
    /// `None`: what docker has.
    pub login: Option<Login>,
    /// `login` is for this registry alone.
    pub login_for: Option<String>,
    /// The environment has a name and a password, which a registry that a file names does not get.
    pub login_withheld: bool,
    /// Without a byte for so long, a request has failed.
    pub timeout: Duration,
    /// Bytes that a component may have.
    pub max_size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    #[default]
    Https,
    Http,
    /// HTTPS, and HTTP from registries that do not know it.
    Either,
}

impl Scheme {
    /// What URLs begin with.
    pub(super) fn url(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https | Self::Either => "https",
        }
    }
}

impl Default for Access {
    fn default() -> Self {
        Self {
            scheme: Scheme::Https,
            ca_paths: Vec::new(),
            login: None,
            login_for: None,
            login_withheld: false,
            timeout: Duration::from_secs(30),
            max_size: 1 << 30,
        }
    }
}

impl Access {
    /// What the environment says.
    pub fn from_env() -> Self {
        let text = |name| env::var(name).ok().filter(|value| !value.is_empty());
        // The command line is refused then, with the name of the variable.
        let is_no_text = |name: &&str| matches!(env::var(name), Err(VarError::NotUnicode(_)));
        let login = match (text(USER), text(PASSWORD)) {
            (Some(user), Some(password)) => Some(Login {
                user,
                password,
                source: Source::Environment,
            }),
            (None, None) => None,
            _ if [USER, PASSWORD].iter().any(is_no_text) => None,
            (user, _) => {
                let (there, missing) = match user {
                    Some(_) => (USER, PASSWORD),
                    None => (PASSWORD, USER),
                };
                tracing::warn!("{there} is set without {missing} and is ignored");
                None
            }
        };
        let max_size = text(MAX_SIZE).and_then(|text| match text.parse::<u64>() {
            Ok(size) if size > 0 => Some(size.saturating_mul(MIB)),
            _ => {
                tracing::warn!("{MAX_SIZE}: expected a number of MiB, found `{text}`");
                None
            }
        });
        let default = Self::default();
        let paths = env::var_os(CA_PATHS).unwrap_or_default();
        let paths = paths.as_bytes().split(|byte| *byte == b',');
        let paths = paths
            .map(<[u8]>::trim_ascii)
            .filter(|path| !path.is_empty());
        Self {
            ca_paths: paths.map(|path| OsStr::from_bytes(path).into()).collect(),
            login,
            login_for: text(REGISTRY).map(|registry| host(&registry).to_owned()),
            max_size: max_size.unwrap_or(default.max_size),
            ..default
        }
    }

    /// What the environment says, for registries that a file names and not the user: name and password go to the one that
    /// WASH_OCI_REGISTRY names, and to no other.
    pub fn from_env_for_files() -> Self {
        let mut access = Self::from_env();
        if access.login_for.is_none() {
            access.login_withheld = access.login.take().is_some();
        }
        access
    }

    pub(super) fn login(&self, registry: &str) -> Option<&Login> {
        let login = self.login.as_ref();
        login.filter(|_| {
            self.login_for
                .as_deref()
                .is_none_or(|only| only == registry)
        })
    }

    /// Asks with this access; with [`Scheme::Either`] once more without TLS, where the registry does not know it.
    pub(super) async fn ask<T, F>(&self, request: impl Fn(Access) -> F) -> Result<T, OciError>
    where
        F: Future<Output = Result<T, OciError>>,
    {
        match request(self.clone()).await {
            Err(error) if self.scheme == Scheme::Either && error.suggests_plain_http() => {
                request(Access {
                    scheme: Scheme::Http,
                    ..self.clone()
                })
                .await
            }
            outcome => outcome,
        }
    }

    /// A client for one registry.
    pub(super) fn client(&self, registry: &str) -> Result<reqwest::Client, OciError> {
        let mut certificates = Vec::new();
        for path in &self.ca_paths {
            certificates.extend(authorities(path)?);
        }
        if rustls_native_certs::load_native_certs().certs.is_empty() {
            // A bare machine has none, and then the client refuses to be made, even to do without TLS.
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            certificates.extend(roots.filter_map(|root| Certificate::from_der(root).ok()));
        }
        let client = reqwest::Client::builder()
            .tls_certs_merge(certificates)
            .connect_timeout(CONNECT.min(self.timeout))
            .read_timeout(self.timeout)
            .redirect(Policy::custom(redirect))
            .user_agent(concat!("wash/", env!("CARGO_PKG_VERSION")));
        // A proxy cannot reach this machine's own ports.
        let client = match is_loopback(registry) {
            true => client.no_proxy(),
            false => client,
        };
        client
            .build()
            .map_err(|error| OciError::Connection(advice::in_one_line(error)))
    }
}

impl Access {
    /// The proxy that requests to a registry go through, without what logs in with it.
    pub(super) fn proxy(&self, registry: &str) -> Option<String> {
        let text = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let either = |name: &str| text(name).or_else(|| text(&name.to_ascii_lowercase()));
        let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
        let excepted = either("NO_PROXY").unwrap_or_default();
        let mut excepted = excepted
            .split(',')
            .map(|name| name.trim().trim_start_matches('.'));
        if is_loopback(registry)
            || excepted.any(|name| name == "*" || !name.is_empty() && host.ends_with(name))
        {
            return None;
        }
        let own = match self.scheme.url() {
            "http" => "HTTP_PROXY",
            _ => "HTTPS_PROXY",
        };
        let proxy = either(own).or_else(|| either("ALL_PROXY"))?;
        let Ok(mut url) = url::Url::parse(&proxy) else {
            return Some(own.to_owned());
        };
        // Fails for what has no host, which is no proxy either.
        let _ = (url.set_username(""), url.set_password(None));
        Some(url.to_string())
    }
}

/// Follows a redirect, but not out of TLS.
fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let leaves_tls = attempt.url().scheme() != "https"
        && attempt.previous().iter().any(|url| url.scheme() == "https");
    if leaves_tls {
        let to = attempt.url().clone();
        return attempt.error(format!("it redirects to `{to}`, which does not use TLS"));
    }
    match attempt.previous().len() > MAX_REDIRECTS {
        true => attempt.error("it redirects too often"),
        false => attempt.follow(),
    }
}

/// The registry in what somebody has written for it, perhaps as a URL.
fn host(registry: &str) -> &str {
    let host = registry
        .trim()
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    host.split('/').next().unwrap_or_default()
}

fn is_loopback(registry: &str) -> bool {
    let host = url::Url::parse(&format!("http://{registry}"));
    match host.as_ref().ok().and_then(url::Url::host) {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn authorities(path: &std::path::Path) -> Result<Vec<Certificate>, OciError> {
    let wrong = |reason: String| OciError::Authorities {
        path: path.to_path_buf(),
        reason,
    };
    let read = pem::certificates(path).map_err(|error| wrong(error.to_string()))?;
    let certificates = read.iter().map(|der| Certificate::from_der(der));
    let certificates: Result<_, _> = certificates.collect();
    certificates.map_err(|error: reqwest::Error| wrong(advice::in_one_line(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_known_however_it_is_written() {
        for text in [
            "r.io:5000",
            "https://r.io:5000",
            "http://r.io:5000/",
            " r.io:5000/v2/",
        ] {
            assert_eq!(host(text), "r.io:5000", "{text}");
        }
    }

    #[test]
    fn this_machine_has_many_names() {
        for host in [
            "localhost",
            "localhost:5000",
            "127.1.2.3:1",
            "[::1]:5000",
            "r.localhost",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["r.io", "10.0.0.1:5000", "localhost.io", "[fe80::1]:1"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
