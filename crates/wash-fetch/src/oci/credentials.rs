//! As whom to talk to a registry: what the command line says, the environment, docker's config and its helpers, or nobody.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::docker;
use super::error::OciError;

/// A name and a password that somebody gave. Never printed.
#[derive(Clone)]
pub struct Login {
    pub user: String,
    pub password: String,
    pub source: Source,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login from {}", self.source)
    }
}

/// Where credentials came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    CommandLine,
    Environment,
    /// Docker's config file, or a helper that it names.
    Docker(PathBuf),
    Nobody,
    /// Nobody, though the environment has some that this registry does not get.
    Withheld,
    /// Nobody, though the environment has some for this other registry.
    ForAnother(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::CommandLine => f.write_str("those of the command line"),
            Source::Environment => f.write_str("WASH_OCI_USER and WASH_OCI_PASSWORD"),
            Source::Docker(path) => write!(f, "those of docker, by `{}`", path.display()),
            Source::Nobody => f.write_str("none"),
            Source::ForAnother(registry) => write!(
                f,
                "none; WASH_OCI_USER and WASH_OCI_PASSWORD are for `{registry}` alone, as WASH_OCI_REGISTRY says"
            ),
            Source::Withheld => f.write_str(
                "none; WASH_OCI_USER and WASH_OCI_PASSWORD need WASH_OCI_REGISTRY for this",
            ),
        }
    }
}

/// What proves to a registry who we are. Never printed.
pub(super) enum Credentials {
    Password {
        user: String,
        password: String,
        source: Source,
    },
    /// What docker keeps for registries that log in elsewhere: it buys tokens.
    IdentityToken {
        token: String,
        source: Source,
    },
    Anonymous,
}

impl Credentials {
    pub(super) fn source(&self) -> Source {
        match self {
            Self::Password { source, .. } | Self::IdentityToken { source, .. } => source.clone(),
            Self::Anonymous => Source::Nobody,
        }
    }
}

/// What was given, else what docker has for the registry. Asks programs that docker's config names, each for `timeout` at
/// most.
pub(super) async fn find(
    registry: &str,
    given: Option<&Login>,
    timeout: Duration,
) -> Result<Credentials, OciError> {
    match given {
        Some(Login {
            user,
            password,
            source,
        }) => Ok(Credentials::Password {
            user: user.clone(),
            password: password.clone(),
            source: source.clone(),
        }),
        None => {
            let found = docker::find(registry, timeout).await?;
            Ok(found.unwrap_or(Credentials::Anonymous))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_never_shown() {
        let login = Login {
            user: "me".to_string(),
            password: "open-sesame".to_string(),
            source: Source::CommandLine,
        };
        let shown = format!("{login:?}");
        assert!(!shown.contains("sesame"), "{shown}");
        let found = find("r.io", Some(&login), Duration::ZERO).await.unwrap();
        assert_eq!(found.source(), Source::CommandLine);
    }
}
