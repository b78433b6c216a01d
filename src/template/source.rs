//! What somebody means who writes `wash new WHAT`: the name of a project, or where a template is.

use std::fmt;
use std::path::{Path, PathBuf};

use wash_fetch::git::without_password;

use super::TemplateError;

/// `git` knows other ways as well; some of them run programs.
const SCHEMES: [&str; 5] = ["https", "http", "ssh", "git", "file"];

#[derive(Debug, PartialEq, Eq)]
pub enum What {
    Name(String),
    Source(Source),
}

/// Where a template is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// As `git` takes it: a URL, or `HOST:PATH`.
    Repository(String),
    /// Absolute. Of a repository, or with the files themselves.
    Directory(PathBuf),
}

impl Source {
    /// Its last name, which the project has unless it is given another.
    pub fn name(&self) -> Option<&str> {
        let last = match self {
            Source::Repository(url) => url.trim_end_matches('/').rsplit(['/', ':']).next()?,
            Source::Directory(path) => path.file_name()?.to_str()?,
        };
        let name = last.strip_suffix(".git").unwrap_or(last);
        (!name.is_empty()).then_some(name)
    }
}

/// Without what is secret.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Repository(url) => f.write_str(&without_password(url)),
            Source::Directory(path) => write!(f, "{}", path.display()),
        }
    }
}

/// `elsewhere`: other options say already that it is a template, so a plain name is a directory. Paths are relative to `here`.
pub fn read(what: &str, elsewhere: bool, here: &Path) -> Result<What, TemplateError> {
    let source = |source| Ok(What::Source(source));
    let wrong = |reason: &str| {
        Err(TemplateError::Source {
            what: what.to_string(),
            reason: reason.to_string(),
        })
    };
    if what.starts_with('-') {
        return wrong("it begins with `-`");
    }
    if what.chars().any(char::is_control) {
        return wrong("it has a control character");
    }
    if let Some((scheme, rest)) = what.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        return match scheme {
            _ if host.starts_with('-') => wrong("its host begins with `-`"),
            scheme if SCHEMES.contains(&scheme) => source(Source::Repository(what.to_string())),
            _ => wrong("expected https, http, ssh, git or file before `://`"),
        };
    }
    if what.contains("::") {
        return wrong("`::` names a program that git would run");
    }
    let first = what.split('/').next().unwrap_or_default();
    if let Some((host, path)) = first.split_once(':') {
        let host = host.rsplit('@').next().unwrap_or_default();
        return match host.is_empty() || host.starts_with('-') || (path.is_empty() && first == what)
        {
            true => wrong("expected HOST:PATH"),
            false => source(Source::Repository(what.to_string())),
        };
    }
    let path = here.join(what);
    if elsewhere || Path::new(what).is_absolute() || matches!(first, "." | "..") {
        return match path.canonicalize() {
            Ok(path) if path.is_dir() => source(Source::Directory(path)),
            _ if is_shorthand(what) && !path.exists() && !here.join(first).exists() => {
                source(Source::Repository(on_github(what)))
            }
            _ => Err(TemplateError::NoDirectory(path.components().collect())),
        };
    }
    match what.contains('/') {
        false => Ok(What::Name(what.to_string())),
        true if !is_shorthand(what) => {
            wrong("it is not a name, a URL, or a path that begins with `./`")
        }
        true if here.join(first).exists() => Err(TemplateError::Ambiguous {
            what: what.to_string(),
            url: on_github(what),
        }),
        true => source(Source::Repository(on_github(what))),
    }
}

/// `OWNER/REPOSITORY`
fn is_shorthand(what: &str) -> bool {
    let plain = |part: &str| {
        let odd = |letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter));
        !part.is_empty() && !part.starts_with(['.', '-']) && !part.contains(odd)
    };
    what.split_once('/')
        .is_some_and(|(owner, repository)| plain(owner) && plain(repository))
}

fn on_github(shorthand: &str) -> String {
    format!("https://github.com/{shorthand}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_urls_paths_and_shorthands() {
        let here = tempfile::tempdir().unwrap();
        let root = here.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("local/template")).unwrap();
        let url = |url: &str| What::Source(Source::Repository(url.to_string()));
        let directory = |path: &str| What::Source(Source::Directory(root.join(path)));
        for (what, elsewhere, expected) in [
            ("hello", false, What::Name("hello".into())),
            ("https://host/a/b.git", false, url("https://host/a/b.git")),
            ("file:///a/b", false, url("file:///a/b")),
            ("git@host:a/b.git", false, url("git@host:a/b.git")),
            ("host:b", false, url("host:b")),
            ("me/hello", false, url("https://github.com/me/hello")),
            ("me/hello", true, url("https://github.com/me/hello")),
            ("./local/template", false, directory("local/template")),
            ("local/template", true, directory("local/template")),
            ("local", true, directory("local")),
        ] {
            assert_eq!(read(what, elsewhere, &root).unwrap(), expected, "{what}");
        }
    }

    #[test]
    fn what_is_not_meant_is_refused() {
        let here = tempfile::tempdir().unwrap();
        fs::create_dir_all(here.path().join("local/template")).unwrap();
        for (what, said) in [
            ("--upload-pack=touch x", "begins with `-`"),
            ("ext::sh -c true", "a program that git would run"),
            ("ext://sh", "expected https"),
            ("ssh://-oProxyCommand=x/y", "its host begins with `-`"),
            ("ssh://me@-oProxyCommand=x/y", "its host begins with `-`"),
            ("-host:x", "begins with `-`"),
            ("me@-host:x", "expected HOST:PATH"),
            ("local/template", "may be a directory"),
            ("./missing", "does not exist"),
            ("a/b/c", "it is not a name"),
        ] {
            let error = read(what, false, here.path()).unwrap_err();
            assert!(error.to_string().contains(said), "{what}: {error}");
        }
    }

    #[test]
    fn a_project_is_called_what_its_template_is() {
        for (url, name) in [
            ("https://host/a/b.git", Some("b")),
            ("https://host/a/b/", Some("b")),
            ("host:b", Some("b")),
            ("https://host/.git", None),
        ] {
            assert_eq!(Source::Repository(url.into()).name(), name);
        }
    }
}
