//! `REGISTRY/REPOSITORY[:TAG][@DIGEST]`, read with an answer to what is wrong.
//!
//! The registry is never guessed: a name without one is an error that says so.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use wash_common::advice::{Advice, ErrorClass};

use super::digest::{Digest, DigestError};

/// The tag of a reference that has neither tag nor digest.
const LATEST: &str = "latest";

/// A place in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Host and port: `ghcr.io`, `localhost:5000`.
    pub registry: String,
    /// `owner/app`.
    pub repository: String,
    pub tag: Option<String>,
    /// Decides, where there is one; the tag beside it is for readers.
    pub digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a reference to a registry: {problem}")]
pub struct ReferenceError {
    text: String,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("it is empty")]
    Empty,
    #[error("it must not begin with `{0}://`")]
    Scheme(String),
    #[error("it does not name a registry")]
    NoRegistry { rest: String },
    #[error("`{first}` is not a registry, which has a dot or a port or is `localhost`")]
    NotARegistry { first: String, rest: String },
    #[error("`{0}` is not a host, with or without a port")]
    Host(String),
    #[error("it does not name a repository after the registry `{0}`")]
    NoRepository(String),
    #[error("the repository `{0}` has upper-case letters")]
    UpperCase(String),
    #[error(
        "`{0}` in the repository: expected lower-case letters and digits, separated by `.`, `_`, `__` or `-`"
    )]
    Component(String),
    #[error("the repository has {0} characters: at most 255 are allowed")]
    TooLong(usize),
    #[error(
        "the tag `{0}`: expected up to 128 letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`"
    )]
    Tag(String),
    #[error("its digest: {0}")]
    Digest(#[from] DigestError),
}

impl Advice for ReferenceError {
    fn hints(&self) -> Vec<String> {
        let hint = match &self.problem {
            Problem::Scheme(scheme) => {
                let rest = self.text.trim_start_matches(&format!("{scheme}://"));
                match scheme.as_str() {
                    "http" => {
                        format!("write `{rest}`, and add `--insecure` for a registry without TLS")
                    }
                    _ => format!("write `{rest}`"),
                }
            }
            Problem::NoRegistry { rest } => format!(
                "write the registry: `ghcr.io/OWNER/{rest}`, `localhost:5000/{rest}`, or `docker.io/OWNER/{rest}` for Docker Hub"
            ),
            Problem::NotARegistry { first, rest } => {
                format!(
                    "write the registry: `ghcr.io/{first}/{rest}`, or `docker.io/{first}/{rest}` for Docker Hub"
                )
            }
            Problem::UpperCase(repository) => {
                format!(
                    "write `{}`",
                    self.text
                        .replacen(repository, &repository.to_lowercase(), 1)
                )
            }
            _ => "a reference is `REGISTRY/REPOSITORY:TAG` or `REGISTRY/REPOSITORY@sha256:DIGEST`"
                .to_string(),
        };
        vec![hint]
    }

    fn fault(&self) -> ErrorClass {
        ErrorClass::Usage
    }
}

impl Reference {
    /// The reference that a word of a command line is, where files may be named as well: what is there is no reference, and
    /// neither is what would be the name of a component.
    pub fn meant(word: &Path, is_there: impl Fn(&Path) -> bool) -> Option<Self> {
        let reference = word.to_str()?.parse().ok()?;
        let first = word.components().next()?;
        let is_file = word.extension().is_some_and(|end| end == "wasm");
        (!is_file && !is_there(word) && !is_there(first.as_ref())).then_some(reference)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        parse(text.strip_prefix("oci://").unwrap_or(text)).map_err(|problem| ReferenceError {
            text: text.to_string(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<Reference, Problem> {
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(Problem::Scheme(scheme.to_string()));
    }
    let (registry, rest) = match text.split_once('/') {
        None => {
            let rest = text.to_string();
            return Err(Problem::NoRegistry { rest });
        }
        Some((first, rest)) if !(first.contains(['.', ':', '[']) || first == "localhost") => {
            let (first, rest) = (first.to_string(), rest.to_string());
            return Err(match first.is_empty() {
                true => Problem::Host(first),
                false => Problem::NotARegistry { first, rest },
            });
        }
        Some((first, rest)) if is_host(first) => (first, rest),
        Some((first, _)) => return Err(Problem::Host(first.to_string())),
    };
    let (rest, digest) = match rest.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.parse()?)),
        None => (rest, None),
    };
    let (repository, tag) = match rest.split_once(':') {
        Some((repository, tag)) if is_tag(tag) => (repository, Some(tag.to_string())),
        Some((_, tag)) => return Err(Problem::Tag(tag.to_string())),
        None => (rest, None),
    };
    check_repository(registry, repository)?;
    let tag = tag.or_else(|| digest.is_none().then(|| LATEST.to_string()));
    Ok(Reference {
        registry: registry.to_ascii_lowercase(),
        repository: repository.to_string(),
        tag,
        digest,
    })
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => match address.parse::<std::net::Ipv6Addr>() {
            Ok(_) => (None, port.strip_prefix(':')),
            Err(_) => return false,
        },
        None => match text.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text), None),
        },
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    host.is_none_or(|host| host.split('.').all(is_label))
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_tag(tag: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (1..=128).contains(&tag.len()) && tag.bytes().all(inside) && !tag.starts_with(['.', '-'])
}

fn check_repository(registry: &str, repository: &str) -> Result<(), Problem> {
    if repository.is_empty() {
        return Err(Problem::NoRepository(registry.to_string()));
    }
    if repository.len() > 255 {
        return Err(Problem::TooLong(repository.len()));
    }
    match repository
        .split('/')
        .find(|component| !is_component(component))
    {
        None => Ok(()),
        Some(_)
            if repository
                .split('/')
                .all(|part| is_component(&part.to_lowercase())) =>
        {
            Err(Problem::UpperCase(repository.to_string()))
        }
        Some(component) => Err(Problem::Component(component.to_string())),
    }
}

/// Letters and digits in lower case, with one separator between them, which may be any number of `-`.
fn is_component(component: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let separators = component.split(|c: char| c.is_ascii() && is_word(c as u8));
    let fits = |run: &str| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|b| b == b'-');
    !component.is_empty()
        && component.bytes().next().is_some_and(is_word)
        && component.bytes().last().is_some_and(is_word)
        && separators.into_iter().all(fits)
}

impl Reference {
    /// The same place, named by what it has now.
    pub fn pinned(&self, digest: &Digest) -> Self {
        Self {
            digest: Some(digest.clone()),
            ..self.clone()
        }
    }

    /// The last word of the repository: what is there is called so.
    pub fn name(&self) -> &str {
        self.repository
            .rsplit_once('/')
            .map_or(&self.repository, |(_, name)| name)
    }

    /// The tag that is asked for where there is no digest.
    pub(super) fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or(LATEST)
    }

    /// The host and port that serve the registry's API: that of Docker Hub has another name.
    pub(super) fn host(&self) -> String {
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        let reference =
            oci_client::Reference::with_tag(registry, repository, self.tag().to_owned());
        reference.resolve_registry().to_owned()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let digest = Digest::sha256(b"");
        for (text, read) in [
            ("ghcr.io/a/b:1.0", "ghcr.io/a/b:1.0".to_string()),
            ("oci://ghcr.io/a/b:1.0", "ghcr.io/a/b:1.0".to_string()),
            ("localhost/a", "localhost/a:latest".to_string()),
            (
                "localhost:5000/a__b/c-d--e.f",
                "localhost:5000/a__b/c-d--e.f:latest".to_string(),
            ),
            ("[::1]:5000/a:_x", "[::1]:5000/a:_x".to_string()),
            ("GHCR.io/a:V1", "ghcr.io/a:V1".to_string()),
            (&format!("r.io/a@{digest}"), format!("r.io/a@{digest}")),
            (&format!("r.io/a:1@{digest}"), format!("r.io/a:1@{digest}")),
        ] {
            assert_eq!(
                text.parse::<Reference>().unwrap().to_string(),
                read,
                "{text}"
            );
        }
        assert_eq!("r.io/a/b:1".parse::<Reference>().unwrap().name(), "b");
    }

    #[test]
    fn what_is_wrong_with_the_others() {
        for (text, why, hint) in [
            ("", "it is empty", "a reference is"),
            (
                "app:1",
                "it does not name a registry",
                "`ghcr.io/OWNER/app:1`",
            ),
            (
                "me/app:1",
                "`me` is not a registry",
                "`docker.io/me/app:1` for Docker Hub",
            ),
            (
                "https://r.io/a:1",
                "it must not begin with `https://`",
                "write `r.io/a:1`",
            ),
            (
                "http://r.io/a:1",
                "it must not begin with `http://`",
                "add `--insecure`",
            ),
            ("/a", "`` is not a host", ""),
            ("r.io:99999/a", "`r.io:99999` is not a host", ""),
            ("r..io/a", "`r..io` is not a host", ""),
            ("[::x]/a", "`[::x]` is not a host", ""),
            ("r.io/", "it does not name a repository", ""),
            ("r.io/:1", "it does not name a repository", ""),
            (
                "r.io/App:1",
                "the repository `App` has upper-case letters",
                "write `r.io/app:1`",
            ),
            ("r.io/a//b", "`` in the repository", ""),
            ("r.io/a b", "`a b` in the repository", ""),
            ("r.io/../b", "`..` in the repository", ""),
            ("r.io/a_-b", "`a_-b` in the repository", ""),
            ("r.io/é", "`é` in the repository", ""),
            ("r.io/a:", "the tag ``", ""),
            ("r.io/a:.x", "the tag `.x`", ""),
            ("r.io/a:x:y", "the tag `x:y`", ""),
            (
                "r.io/a@sha256:1",
                "its digest: a `sha256` digest has 64",
                "",
            ),
        ] {
            let error = text.parse::<Reference>().unwrap_err();
            assert!(error.to_string().contains(why), "{text}: {error}");
            let hints = error.hints().join("\n");
            assert!(hints.contains(hint), "{text}: {hints}");
        }
        assert!(
            format!("r.io/{}", "a/".repeat(128) + "a")
                .parse::<Reference>()
                .is_err()
        );
    }
}
