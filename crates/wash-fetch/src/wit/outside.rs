//! What `wit.sources` may name: a path, the URL of a file, a git repository, or an OCI reference.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wash_common::advice::{Advice as _, in_one_line};
use wash_common::units;
use wit_parser::PackageName;

use super::error::WitError;
use super::folder::read_deps;
use super::source::{Source, Text, decode, print};
use crate::oci::{Access, Cache, PullPolicy, Reference, Scheme};
use crate::{git, oci};

/// Without a byte for so long, a server is not waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// No WIT package is as large, in bytes; an answer without end is.
pub(super) const MAX_SIZE: usize = 16 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outside {
    Path(String),
    /// A `.wit` or `.wasm` file.
    File(String),
    /// `URL#REF:FOLDER`, the last two if they are there.
    Git {
        url: String,
        reference: Option<String>,
        folder: Option<String>,
    },
    Oci(String),
}

impl Outside {
    pub(super) fn is_path(text: &str) -> bool {
        matches!(Self::parse(text), Outside::Path(_))
    }

    pub(super) fn parse(text: &str) -> Self {
        let (place, rest) = text
            .split_once('#')
            .map_or((text, ""), |(place, rest)| (place, rest));
        let bare = place.strip_prefix("git+").unwrap_or(place);
        let is_git = bare != place
            || place.ends_with(".git")
            || place.starts_with("git@")
            || place.starts_with("ssh://");
        if is_git {
            let (reference, folder) = rest.split_once(':').map_or((rest, ""), |parts| parts);
            let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
            return Outside::Git {
                url: bare.to_string(),
                reference: some(reference),
                folder: some(folder),
            };
        }
        match text.split_once("://") {
            Some(("oci", reference)) => Outside::Oci(reference.to_string()),
            Some(("http" | "https", _)) => Outside::File(text.to_string()),
            Some(("file", path)) => Outside::Path(path.to_string()),
            _ if is_reference(text) => Outside::Oci(text.to_string()),
            _ => Outside::Path(text.to_string()),
        }
    }

    /// Not for paths. The package, and those in the `deps` beside it. The reason, in one line, when it cannot be had.
    pub(super) async fn fetch(
        &self,
        package: &PackageName,
        offline: bool,
    ) -> Result<(Source, Vec<Source>), Refused> {
        let alone = |source| (source, Vec::new());
        match self {
            Outside::Path(path) => Err(format!("`{path}` is a path").into()),
            Outside::File(_) | Outside::Git { .. } if offline => {
                Err("skipped: offline".to_string().into())
            }
            Outside::File(url) => {
                let bytes = download(url, TIMEOUT, MAX_SIZE).await?;
                Ok(alone(of_bytes(package, &bytes)?))
            }
            Outside::Oci(reference) => {
                let bytes = pull(reference, offline).await?;
                Ok(alone(of_bytes(package, &bytes)?))
            }
            Outside::Git {
                url,
                reference,
                folder,
            } => Ok(clone(package, url, reference.as_deref(), folder.as_deref()).await?),
        }
    }
}

/// Why a package is not had from elsewhere.
#[derive(Debug)]
pub(super) struct Refused {
    /// In one line.
    pub(super) reason: String,
    pub(super) hints: Vec<String>,
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self {
            reason,
            hints: Vec::new(),
        }
    }
}

/// `host.tld/name:tag` or `localhost:5000/name`, and not `folder/name`.
fn is_reference(text: &str) -> bool {
    let Some((host, rest)) = text.split_once('/') else {
        return false;
    };
    let has_host = host.contains(':') || host.contains('.') && !host.starts_with('.');
    has_host && !rest.ends_with(".wit") && text.parse::<Reference>().is_ok()
}

fn of_bytes(package: &PackageName, bytes: &[u8]) -> Result<Source, String> {
    let text = match bytes.starts_with(b"\0asm") {
        true => {
            let (resolve, id) = decode(bytes)?;
            let same = resolve.package_names.get(package).copied();
            print(&resolve, same.unwrap_or(id))?
        }
        false => String::from_utf8(bytes.to_vec())
            .map_err(|_| "it is neither WIT nor a component".to_string())?,
    };
    let text = Text::new(&format!("{package}/package.wit"), &text);
    Ok(Source::new("package.wit".into(), vec![text]))
}

/// At most `max` bytes.
async fn download(url: &str, patience: Duration, max: usize) -> Result<Vec<u8>, String> {
    let failed = |error: reqwest::Error| in_one_line(error.without_url());
    let client = reqwest::Client::builder()
        .connect_timeout(patience)
        .read_timeout(patience)
        .build()
        .map_err(failed)?;
    let mut answer = client.get(url).send().await.map_err(failed)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("the server answered with {status}"));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > max {
            return Err(format!(
                "it is larger than {}",
                units::exact_size(max as u64)
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn pull(text: &str, offline: bool) -> Result<Vec<u8>, Refused> {
    let reference = text
        .parse::<Reference>()
        .map_err(|error| error.to_string())?;
    let access = Access {
        scheme: match is_local(&reference.registry) {
            true => Scheme::Either,
            false => Scheme::Https,
        },
        ..Access::from_env_for_files()
    };
    let policy = if offline {
        PullPolicy::Never
    } else {
        PullPolicy::IfNotPresent
    };
    let cache = Cache::open().map_err(in_one_line)?;
    let pulled = oci::pull(&reference, policy, &access, &cache, &oci::Silent).await;
    let pulled = pulled.map_err(|error| Refused {
        hints: error.hints(),
        reason: in_one_line(error),
    })?;
    Ok(pulled.bytes)
}

/// Whether a registry is on this machine, with or without a port.
fn is_local(registry: &str) -> bool {
    let port = |host| registry.strip_prefix(host);
    let mut ports = ["localhost", "127.0.0.1", "[::1]"]
        .into_iter()
        .filter_map(port);
    ports.any(|port| port.is_empty() || port.starts_with(':'))
}

async fn clone(
    package: &PackageName,
    url: &str,
    reference: Option<&str>,
    folder: Option<&str>,
) -> Result<(Source, Vec<Source>), String> {
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let dir = temporary.path().join("repository");
    // Whoever waits for it stops by dropping it.
    let cancel = CancellationToken::new();
    let fetched = git::fetch(url, reference, &dir, &cancel).await;
    fetched.map_err(in_one_line)?;
    let found = find(&dir, folder, package)?;
    found.ok_or_else(|| match folder {
        Some(folder) => format!("no WIT in its directory `{folder}`"),
        None => "it has no WIT at its root; name the directory: `URL#BRANCH:FOLDER`".to_string(),
    })
}

/// Whether a path leads to something in the repository.
fn stays_in(root: &Path, path: &Path) -> bool {
    let (root, path) = (root.canonicalize(), path.canonicalize());
    root.ok()
        .zip(path.ok())
        .is_some_and(|(root, path)| path.starts_with(root))
}

fn find(
    root: &Path,
    folder: Option<&str>,
    package: &PackageName,
) -> Result<Option<(Source, Vec<Source>)>, String> {
    let folders = match folder {
        Some(folder) => vec![folder.to_string()],
        None => vec![
            ".".to_string(),
            "wit".to_string(),
            package.name.clone(),
            format!("{}/wit", package.name),
        ],
    };
    for folder in folders {
        let dir = root.join(&folder);
        if !stays_in(root, &dir) || !dir.is_dir() {
            continue;
        }
        let failed = |error: WitError| error.to_string();
        if let Some(source) = Source::read(&dir, &folder).map_err(failed)? {
            let deps = match stays_in(root, &dir.join("deps")) {
                true => read_deps(&dir, &folder).map_err(failed)?,
                false => Vec::new(),
            };
            return Ok(Some((source, deps)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_silent_server_is_not_waited_for() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x.wit", silent.local_addr().unwrap());
        let reason = download(&url, Duration::from_millis(100), MAX_SIZE)
            .await
            .unwrap_err();
        assert!(reason.contains("timed out"), "{reason}");
    }

    #[test]
    fn only_this_machine_is_asked_without_tls() {
        for registry in ["localhost", "localhost:5000", "127.0.0.1:1", "[::1]:5000"] {
            assert!(is_local(registry), "{registry}");
        }
        for registry in [
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "ghcr.io",
        ] {
            assert!(!is_local(registry), "{registry}");
        }
    }

    #[test]
    fn kinds_of_sources_are_told_apart() {
        let git = |url: &str, reference: Option<&str>, folder: Option<&str>| Outside::Git {
            url: url.to_string(),
            reference: reference.map(str::to_string),
            folder: folder.map(str::to_string),
        };
        let cases = [
            ("../http/wit", Outside::Path("../http/wit".into())),
            ("wit/http.wit", Outside::Path("wit/http.wit".into())),
            ("file:///a/b", Outside::Path("/a/b".into())),
            (
                "https://a.dev/b.wit",
                Outside::File("https://a.dev/b.wit".into()),
            ),
            (
                "https://a.dev/b.git",
                git("https://a.dev/b.git", None, None),
            ),
            (
                "git+https://a.dev/b#v1:wit/x",
                git("https://a.dev/b", Some("v1"), Some("wit/x")),
            ),
            (
                "git@a.dev:b/c.git#main",
                git("git@a.dev:b/c.git", Some("main"), None),
            ),
            ("oci://a.dev/b:1", Outside::Oci("a.dev/b:1".into())),
            (
                "ghcr.io/a/b:1.0.0",
                Outside::Oci("ghcr.io/a/b:1.0.0".into()),
            ),
            ("localhost:5000/a", Outside::Oci("localhost:5000/a".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(Outside::parse(text), expected, "{text}");
        }
    }
}
