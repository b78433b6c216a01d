//! Errors of this module: what was asked of whom, as whom, and what to do next.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use wash_common::advice::{Advice, ErrorClass};
use wash_common::units;
use wash_component::ShapeError;

use super::credentials::Source;
use super::digest::Digest;
use super::failure::Failure;
use super::pull::LAYER;
use super::reference::Reference;

#[derive(Debug, thiserror::Error)]
pub enum OciError {
    #[error("cannot {} `{}`: {}", .0.doing, .0.reference, .0.failure)]
    Registry(Box<Refusal>),
    #[error("`{reference}` is not in the cache, and the pull policy does not allow pulling it")]
    NotCached { reference: Reference },
    #[error("cannot push to a digest, `{reference}`: the content determines it")]
    PushByDigest { reference: Reference },
    #[error("`{name}` cannot be pushed: {reason}")]
    NotPushable { name: String, reason: ShapeError },
    #[error("`{name}` cannot be pushed: its metadata cannot be read: {reason}")]
    Metadata { name: String, reason: String },
    #[error("cannot read the certificate authorities in `{}`: {reason}", .path.display())]
    Authorities { path: PathBuf, reason: String },
    #[error("cannot prepare a connection: {0}")]
    Connection(String),
    #[error("the credential helper `{helper}` did not answer for `{registry}` within {}", units::duration(*.timeout))]
    SilentHelper {
        helper: String,
        registry: String,
        timeout: Duration,
    },
    #[error("cannot cache pulled components in `{}`", .path.display())]
    Cache { path: PathBuf, source: io::Error },
}

/// A request that did not succeed.
#[derive(Debug)]
pub struct Refusal {
    pub doing: Doing,
    pub reference: Reference,
    /// Whose credentials were used.
    pub source: Source,
    pub failure: Failure,
    /// What the cache has of it, which another policy would have used.
    pub cached: Option<Digest>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    Push,
    Pull,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doing::Push => "push to",
            Doing::Pull => "pull",
        })
    }
}

impl OciError {
    /// Whether the registry may answer without TLS.
    pub(super) fn suggests_plain_http(&self) -> bool {
        matches!(self, OciError::Registry(refusal) if refusal.failure == Failure::NoTls)
    }
}

impl Advice for OciError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            OciError::Registry(refusal) => return refusal.hints(),
            OciError::NotCached { reference } => {
                format!(
                    "pull it once: `wash oci pull {reference}`, or allow it with the policy `ifNotPresent`"
                )
            }
            OciError::PushByDigest { reference } => {
                let tag = reference.tag.as_deref().unwrap_or("TAG");
                format!(
                    "push to `{}/{}:{tag}`; the digest is printed",
                    reference.registry, reference.repository
                )
            }
            OciError::NotPushable { reason, .. } => reason.hint().to_string(),
            OciError::SilentHelper { .. } => {
                "it may be waiting for something: `--timeout SECONDS` waits longer; `--user NAME --password-stdin`, or WASH_OCI_USER and WASH_OCI_PASSWORD, do without it".to_string()
            }
            OciError::Authorities { .. } => {
                "`--ca-path` and WASH_OCI_CA_PATHS name files with certificates in PEM form"
                    .to_string()
            }
            OciError::Cache { .. } => "XDG_CACHE_HOME sets where the cache is".to_string(),
            OciError::Metadata { .. } | OciError::Connection(_) => return Vec::new(),
        };
        vec![hint]
    }

    fn fault(&self) -> ErrorClass {
        match self {
            OciError::Registry(refusal) => refusal.failure.fault(),
            OciError::PushByDigest { .. } => ErrorClass::Usage,
            OciError::NotPushable { .. }
            | OciError::Metadata { .. }
            | OciError::Authorities { .. } => ErrorClass::Input,
            OciError::NotCached { .. }
            | OciError::Connection(_)
            | OciError::SilentHelper { .. }
            | OciError::Cache { .. } => ErrorClass::Environment,
        }
    }
}

impl Refusal {
    fn hints(&self) -> Vec<String> {
        let registry = &self.reference.registry;
        let login = format!(
            "`docker login {registry}`, `--user NAME --password-stdin`, or WASH_OCI_USER and WASH_OCI_PASSWORD"
        );
        let used = format!("credentials used: {}", self.source);
        let mut hints = match &self.failure {
            Failure::Unauthorized(_) if self.source == Source::Nobody => {
                vec![format!("no credentials were found for `{registry}`: {login}")]
            }
            Failure::Unauthorized(_) if self.source == Source::Withheld => vec![format!(
                "WASH_OCI_USER and WASH_OCI_PASSWORD go to a registry that a project names only with `WASH_OCI_REGISTRY={registry}`"
            )],
            Failure::Unauthorized(_) if let Source::ForAnother(other) = &self.source => vec![format!(
                "WASH_OCI_REGISTRY sends WASH_OCI_USER and WASH_OCI_PASSWORD to `{other}` alone: `WASH_OCI_REGISTRY={registry}` sends them here; \
                 or `docker login {registry}`"
            )],
            Failure::Unauthorized(_) => vec![used, format!("are they right, and still valid? {login}")],
            Failure::Forbidden(_) => {
                let allowed = match self.doing {
                    Doing::Push => "push to",
                    Doing::Pull => "read",
                };
                vec![used, format!("may they {allowed} `{}`?", self.reference.repository)]
            }
            Failure::NotFound if self.doing == Doing::Pull => {
                let mut hints = vec!["check the repository and the tag".to_string()];
                if self.source == Source::Nobody {
                    hints.push(format!("a private repository may look like this without a login: {login}"));
                }
                hints
            }
            Failure::Refused | Failure::Unreachable(_) => vec![format!("is there a registry at `{registry}`?")],
            Failure::Proxy(_) => vec![
                "HTTP_PROXY, HTTPS_PROXY and ALL_PROXY name proxies; NO_PROXY names hosts to reach directly".to_string(),
            ],
            Failure::TooLarge { what: LAYER, .. } => vec![
                "WASH_OCI_MAX_SIZE_MIB allows more: `WASH_OCI_MAX_SIZE_MIB=4096`".to_string(),
            ],
            Failure::NoTls => vec![
                "`--insecure` uses plain HTTP; for a project's images, `dev.allow_insecure_registries: true`".to_string(),
            ],
            Failure::OnlyTls => vec!["leave out `--insecure`".to_string()],
            Failure::Certificate(_) => vec![
                "`--ca-path FILE` (or WASH_OCI_CA_PATHS) trusts a private certificate authority".to_string(),
            ],
            Failure::TimedOut => vec!["`--timeout SECONDS` waits longer".to_string()],
            Failure::TooMany { .. } if self.source == Source::Nobody => {
                vec![format!("registries allow more requests after a login: {login}")]
            }
            Failure::Digest { .. } | Failure::Size { .. } => vec![
                "nothing was written; the registry, or something between, changed the content".to_string(),
            ],
            Failure::NoWasm { .. } => vec![
                "a component is a layer of type `application/wasm`; `wash oci push` makes such artifacts".to_string(),
            ],
            _ => Vec::new(),
        };
        if let Some(digest) = &self.cached {
            hints.push(format!(
                "the cache has `{digest}` for it, which the policy `ifNotPresent` would use"
            ));
        }
        hints
    }
}
