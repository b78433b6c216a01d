//! As whom to talk to a registry: what the command line says, the environment, docker's config and its helpers, or nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;

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
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::CommandLine => f.write_str("those of the command line"),
            Source::Environment => f.write_str("WASH_OCI_USER and WASH_OCI_PASSWORD"),
            Source::Docker(path) => write!(f, "those of docker, by `{}`", path.display()),
            Source::Nobody => f.write_str("none"),
        }
    }
}

pub(super) struct Credentials {
    pub(super) auth: RegistryAuth,
    pub(super) source: Source,
}

/// What was given, else what docker has for the registry. Asks programs that docker's config names: this may take long.
pub(super) fn find(registry: &str, given: Option<&Login>) -> Result<Credentials, OciError> {
    if let Some(login) = given {
        return Ok(Credentials {
            auth: RegistryAuth::Basic(login.user.clone(), login.password.clone()),
            source: login.source.clone(),
        });
    }
    for server in servers(registry) {
        match docker_credential::get_credential(&server) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                return Ok(Credentials {
                    auth: RegistryAuth::Basic(user, password),
                    source: Source::Docker(docker_config()),
                });
            }
            Ok(DockerCredential::IdentityToken(_)) => {
                let registry = registry.to_string();
                return Err(OciError::IdentityToken { registry });
            }
            Err(error) => tell(registry, &error),
        }
    }
    Ok(Credentials {
        auth: RegistryAuth::Anonymous,
        source: Source::Nobody,
    })
}

/// The names under which docker may keep the credentials of a registry.
fn servers(registry: &str) -> Vec<String> {
    match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => {
            vec![
                "https://index.docker.io/v1/".to_string(),
                registry.to_string(),
            ]
        }
        other => vec![other.to_string()],
    }
}

/// That docker's config or a helper could not be used stops nothing: much can be read by anybody. What a helper printed is
/// not repeated, for it may be secret.
fn tell(registry: &str, error: &CredentialRetrievalError) {
    use CredentialRetrievalError as E;
    let reason = match error {
        E::NoCredentialConfigured | E::ConfigNotFound => return,
        // Most people have none.
        E::ConfigReadError if !docker_config().exists() => return,
        E::HelperFailure { stdout, stderr, .. } if is_not_found(stdout) || is_not_found(stderr) => {
            return;
        }
        E::HelperFailure { helper, .. } => format!("`{helper}` failed"),
        E::HelperCommunicationError => "its credential helper is missing".to_string(),
        E::MalformedHelperResponse => "its credential helper makes no sense".to_string(),
        E::CredentialDecodingError | E::CredentialMismatchError => {
            "what it has makes no sense".to_string()
        }
        E::ConfigReadError => "it cannot be read".to_string(),
    };
    tracing::warn!(
        "docker's config `{}` gives no credentials for `{registry}`: {reason}",
        docker_config().display()
    );
}

/// What every helper says when it has nothing.
fn is_not_found(said: &str) -> bool {
    said.contains("credentials not found")
}

/// What docker's config says, apart from anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DockerConfig {
    Missing,
    Broken {
        path: PathBuf,
        reason: String,
    },
    Read {
        path: PathBuf,
        /// Programs, and the registries whose credentials each has; none for all.
        helpers: BTreeMap<String, Vec<String>>,
        /// How many registries have credentials in the file itself.
        logins: usize,
    },
}

/// Reads docker's config without asking any helper.
pub fn survey() -> DockerConfig {
    let path = docker_config();
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return DockerConfig::Missing,
        Err(error) => {
            let reason = format!("it cannot be read: {error}");
            return DockerConfig::Broken { path, reason };
        }
    };
    // The parser's words may repeat a part of the file.
    let broken = |reason: String| DockerConfig::Broken {
        path: path.clone(),
        reason,
    };
    let config: serde_json::Value = match serde_json::from_slice(&text) {
        Ok(config) => config,
        Err(error) => return broken(format!("line {} is not valid JSON", error.line())),
    };
    let serde_json::Value::Object(config) = config else {
        return broken("it is no JSON object".to_string());
    };
    let mut helpers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let program = |helper: &str| format!("docker-credential-{helper}");
    match config.get("credHelpers") {
        None => {}
        Some(serde_json::Value::Object(named)) => {
            for (registry, helper) in named {
                let Some(helper) = helper.as_str() else {
                    return broken(format!("`credHelpers` of `{registry}` is no string"));
                };
                let registries = helpers.entry(program(helper)).or_default();
                registries.push(registry.clone());
            }
        }
        Some(_) => return broken("`credHelpers` is no object".to_string()),
    }
    match config.get("credsStore") {
        None => {}
        // It has all that no other has.
        Some(serde_json::Value::String(helper)) if !helper.is_empty() => {
            helpers.insert(program(helper), Vec::new());
        }
        Some(serde_json::Value::String(_)) => {}
        Some(_) => return broken("`credsStore` is no string".to_string()),
    }
    let logins = match config.get("auths") {
        None => 0,
        Some(serde_json::Value::Object(auths)) => auths.len(),
        Some(_) => return broken("`auths` is no object".to_string()),
    };
    DockerConfig::Read {
        path,
        helpers,
        logins,
    }
}

fn docker_config() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker"));
    let dir = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    dir.or_else(home).unwrap_or_default().join("config.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let login = Login {
            user: "me".to_string(),
            password: "open-sesame".to_string(),
            source: Source::CommandLine,
        };
        let shown = format!("{login:?}");
        assert!(!shown.contains("sesame"), "{shown}");
        let found = find("r.io", Some(&login)).unwrap();
        assert_eq!(found.source, Source::CommandLine);
        assert_eq!(
            found.auth,
            RegistryAuth::Basic("me".to_string(), "open-sesame".to_string())
        );
    }
}
