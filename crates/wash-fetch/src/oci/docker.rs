//! What docker knows of registries: its config file, and the credential helpers that it names. Podman's file has the same
//! format, and is read where docker's has nothing.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use wash_common::files;

use super::credentials::{Credentials, Source};
use super::error::OciError;

/// The name that a helper gives with an identity token in place of a password.
const TOKEN_USER: &str = "<token>";

/// Docker Hub is called by the address of an API that is long gone.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: BTreeMap<String, Option<Entry>>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// What a helper prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The credentials for a registry, from the first file that has some. Asks helpers, each for `timeout` at most.
///
/// That a file or a helper cannot be used stops nothing, as much can be read by anybody: it is a warning.
pub(super) async fn find(
    registry: &str,
    timeout: Duration,
) -> Result<Option<Credentials>, OciError> {
    for path in files() {
        let warn = |reason: String| {
            let path = path.display();
            tracing::warn!("`{path}` gives no credentials for `{registry}`: {reason}");
        };
        let text = match files::read(&path) {
            Ok(text) => text,
            Err(error) if is_missing(&error) => continue,
            Err(error) => {
                warn(format!("it cannot be read: {error}"));
                continue;
            }
        };
        let file: File = match serde_json::from_slice(&text) {
            Ok(file) => file,
            // Its message may repeat a part of the file.
            Err(error) => {
                warn(format!("line {} is not what docker writes", error.line()));
                continue;
            }
        };
        let source = Source::Docker(path.clone());
        if let Some(helper) = file.helper(registry) {
            match ask(helper, registry, timeout).await? {
                Ok(Some(answer)) => return Ok(Some(answer.credentials(source))),
                Ok(None) => {}
                Err(reason) => warn(reason),
            }
        }
        match file.entry(registry).map(|entry| entry.credentials(source)) {
            Some(Ok(Some(credentials))) => return Ok(Some(credentials)),
            Some(Err(())) => warn("its `auth` is not the base64 of `NAME:PASSWORD`".to_owned()),
            Some(Ok(None)) | None => {}
        }
    }
    Ok(None)
}

impl File {
    fn helper(&self, registry: &str) -> Option<&str> {
        let mut named = self.cred_helpers.iter();
        let named = named.find(|(server, _)| names(server, registry));
        let helper = named.map(|(_, helper)| helper);
        let helper = helper.or(self.creds_store.as_ref());
        helper
            .map(String::as_str)
            .filter(|helper| !helper.is_empty())
    }

    fn entry(&self, registry: &str) -> Option<&Entry> {
        let exact = self.auths.get(registry);
        let exact = exact.or_else(|| {
            let mut auths = self.auths.iter();
            auths
                .find(|(server, _)| names(server, registry))
                .map(|(_, entry)| entry)
        });
        exact?.as_ref()
    }
}

impl Entry {
    fn credentials(&self, source: Source) -> Result<Option<Credentials>, ()> {
        if let Some(token) = self
            .identitytoken
            .as_deref()
            .filter(|token| !token.is_empty())
        {
            let token = token.to_owned();
            return Ok(Some(Credentials::IdentityToken { token, source }));
        }
        let (user, password) = match (&self.auth, &self.username, &self.password) {
            (Some(auth), _, _) if !auth.is_empty() => decode(auth).ok_or(())?,
            (_, Some(user), Some(password)) => (user.clone(), password.clone()),
            // An entry beside a helper is empty.
            _ => return Ok(None),
        };
        Ok(Some(Credentials::Password {
            user,
            password,
            source,
        }))
    }
}

impl Answer {
    fn credentials(self, source: Source) -> Credentials {
        match self.username.as_str() {
            TOKEN_USER => Credentials::IdentityToken {
                token: self.secret,
                source,
            },
            _ => Credentials::Password {
                user: self.username,
                password: self.secret,
                source,
            },
        }
    }
}

/// Whether a key of the file means this registry: with a scheme, a slash or the version of an API, or without.
fn names(key: &str, registry: &str) -> bool {
    let host = key
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    let host = host.split('/').next().unwrap_or_default();
    match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => {
            host == registry || host == "index.docker.io"
        }
        registry => host == registry,
    }
}

/// `NAME:PASSWORD` in base64, padded or not; docker ends some with zeros.
fn decode(auth: &str) -> Option<(String, String)> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let text = String::from_utf8(engine.decode(auth.trim()).ok()?).ok()?;
    let (user, password) = text.trim_end_matches('\0').split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Asks a helper. What it prints is not repeated in any message, for it may be secret.
async fn ask(
    helper: &str,
    registry: &str,
    timeout: Duration,
) -> Result<Result<Option<Answer>, String>, OciError> {
    let program = format!("docker-credential-{helper}");
    let server = match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        other => other,
    };
    let run = async {
        let mut child = Command::new(&program)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A helper may answer without having read it.
            let _ = stdin.write_all(server.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let Ok(output) = tokio::time::timeout(timeout, run).await else {
        return Err(OciError::SilentHelper {
            helper: program,
            registry: registry.to_owned(),
            timeout,
        });
    };
    let output = match output {
        Ok(output) => output,
        Err(error) if is_missing(&error) => {
            return Ok(Err(format!(
                "its credential helper is missing (`{program}`)"
            )));
        }
        Err(error) => return Ok(Err(format!("`{program}` cannot be run: {error}"))),
    };
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stdout);
        // What every helper says when it has nothing.
        return Ok(match printed.contains("credentials not found") {
            true => Ok(None),
            false => Err(format!("`{program}` failed")),
        });
    }
    let answer = serde_json::from_slice(&output.stdout);
    Ok(answer
        .map(Some)
        .map_err(|_| format!("`{program}` did not print credentials")))
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Docker's config, then the places of podman's.
fn files() -> Vec<PathBuf> {
    let directory = |name| {
        env::var_os(name)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    let podman = directory("REGISTRY_AUTH_FILE")
        .or_else(|| Some(directory("XDG_RUNTIME_DIR")?.join("containers/auth.json")));
    [Some(docker_config()), podman]
        .into_iter()
        .flatten()
        .collect()
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
    let text = match files::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return DockerConfig::Missing,
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
        return broken("it is not a JSON object".to_string());
    };
    let mut helpers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let program = |helper: &str| format!("docker-credential-{helper}");
    match config.get("credHelpers") {
        None => {}
        Some(serde_json::Value::Object(named)) => {
            for (registry, helper) in named {
                let Some(helper) = helper.as_str() else {
                    return broken(format!("`credHelpers` of `{registry}` is not a string"));
                };
                let registries = helpers.entry(program(helper)).or_default();
                registries.push(registry.clone());
            }
        }
        Some(_) => return broken("`credHelpers` is not an object".to_string()),
    }
    match config.get("credsStore") {
        None => {}
        // It has all that no other has.
        Some(serde_json::Value::String(helper)) if !helper.is_empty() => {
            helpers.insert(program(helper), Vec::new());
        }
        Some(serde_json::Value::String(_)) => {}
        Some(_) => return broken("`credsStore` is not a string".to_string()),
    }
    let logins = match config.get("auths") {
        None => 0,
        Some(serde_json::Value::Object(auths)) => auths.len(),
        Some(_) => return broken("`auths` is not an object".to_string()),
    };
    DockerConfig::Read {
        path,
        helpers,
        logins,
    }
}

fn docker_config() -> PathBuf {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker"));
    let dir = env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    dir.or_else(home).unwrap_or_default().join("config.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str, registry: &str) -> Option<(String, String)> {
        let file: File = serde_json::from_str(text).unwrap();
        let source = Source::Docker(PathBuf::new());
        match file.entry(registry)?.credentials(source).unwrap()? {
            Credentials::Password { user, password, .. } => Some((user, password)),
            Credentials::IdentityToken { token, .. } => Some((TOKEN_USER.to_owned(), token)),
            Credentials::Anonymous => None,
        }
    }

    fn pair(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn keys_are_understood_however_docker_has_written_them() {
        // me:secret
        for key in [
            "r.io:5000",
            "r.io:5000/",
            "r.io:5000/v1/",
            "https://r.io:5000",
            "http://r.io:5000/v2/",
        ] {
            let text = format!(r#"{{"auths":{{"{key}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#);
            assert_eq!(entry(&text, "r.io:5000"), pair("me", "secret"), "{key}");
            assert_eq!(entry(&text, "r.io"), None, "{key}");
        }
        let hub = format!(r#"{{"auths":{{"{DOCKER_HUB}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#);
        assert_eq!(entry(&hub, "docker.io"), pair("me", "secret"));
    }

    #[test]
    fn an_entry_is_read_in_all_its_forms() {
        for (text, expected) in [
            (r#"{"auth":"bWU6c2VjcmV0AA=="}"#, pair("me", "secret")),
            (r#"{"auth":"bWU6YTpi"}"#, pair("me", "a:b")),
            (
                r#"{"username":"me","password":"secret"}"#,
                pair("me", "secret"),
            ),
            (
                r#"{"auth":"MDAwOg==","identitytoken":"t"}"#,
                pair(TOKEN_USER, "t"),
            ),
            ("{}", None),
            ("null", None),
            (r#"{"auth":"","email":"me@r.io"}"#, None),
        ] {
            let file = format!(r#"{{"auths":{{"r.io":{text}}},"HttpHeaders":{{}}}}"#);
            assert_eq!(entry(&file, "r.io"), expected, "{text}");
        }
    }

    #[test]
    fn a_helper_of_the_registry_goes_before_that_of_all() {
        let text = r#"{"credsStore":"desktop","credHelpers":{"https://r.io":"gcloud","x.io":""}}"#;
        let file: File = serde_json::from_str(text).unwrap();
        assert_eq!(file.helper("r.io"), Some("gcloud"));
        assert_eq!(file.helper("y.io"), Some("desktop"));
    }
}
