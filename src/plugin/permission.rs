//! Permissions as people read and write them. Pure.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use wash_common::shell::shell_quote;
use wash_runtime::capability::http_client::Pattern;
use wash_runtime::capability::sockets::SocketRule;

use super::manifest::{Access, Permission};

/// The machine, as a host.
pub const LOCALHOST: &str = "localhost";

/// Why a permission cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    #[error(
        "`{0}` is not a directory that can be allowed: expected an absolute path, or one that begins with `~/`"
    )]
    Directory(String),
    #[error("`{0}` is the whole home or more: name a directory in it")]
    TooWide(String),
    #[error(
        "`{0}` is not a host: expected `api.example.com`, `*.example.com`, `localhost:6379` or `*`"
    )]
    Host(String),
    #[error("`{0}` is not the name of a variable")]
    Variable(String),
    #[error("a program is its name and the arguments that it must begin with, such as `git log`")]
    NoProgram,
    #[error("`{0}` has a quote that is not closed")]
    Quote(String),
}

impl Permission {
    /// Whether it says what can be said.
    pub fn check(&self) -> Result<(), PermissionError> {
        match self {
            Self::Directory { path, .. } => {
                let below = path.strip_prefix("~/").or_else(|| path.strip_prefix('/'));
                let goes_up = || path.split('/').any(|part| part == "..");
                let names = |below: &str| below.split('/').any(|part| !matches!(part, "" | "."));
                match below.is_some_and(names) && !goes_up() {
                    true => Ok(()),
                    false => Err(PermissionError::Directory(path.clone())),
                }
            }
            Self::Host(host) => {
                let fits = !host.contains(['/', ' '])
                    && Pattern::parse(host).is_ok()
                    && host.parse::<SocketRule>().is_ok();
                fits.then_some(())
                    .ok_or_else(|| PermissionError::Host(host.clone()))
            }
            Self::Environment(name) => {
                let fits = !name.is_empty() && !name.contains(['=', '\0', ' ']);
                fits.then_some(())
                    .ok_or_else(|| PermissionError::Variable(name.clone()))
            }
            Self::Program(words) => match words.first() {
                Some(program) if !program.is_empty() => Ok(()),
                _ => Err(PermissionError::NoProgram),
            },
            Self::Project(_) => Ok(()),
        }
    }

    /// Whether who has this has that as well.
    pub fn covers(&self, other: &Self) -> bool {
        let enough = |has: &Access, wants: &Access| has >= wants;
        match (self, other) {
            (
                Self::Directory { path, access },
                Self::Directory {
                    path: wanted,
                    access: wants,
                },
            ) => expanded(wanted).starts_with(expanded(path)) && enough(access, wants),
            (Self::Project(has), Self::Project(wants)) => enough(has, wants),
            (Self::Program(prefix), Self::Program(wanted)) => wanted.starts_with(prefix),
            (this, that) => this == that,
        }
    }

    /// What `wash plugin allow NAME` takes for it: `--dir ~/notes:rw`.
    pub fn option(&self) -> String {
        match self {
            Self::Directory { path, access } => {
                let suffix = match access {
                    Access::ReadOnly => "",
                    Access::ReadWrite => ":rw",
                };
                format!("--dir {}", home(&format!("{path}{suffix}")))
            }
            Self::Host(host) => format!("--host {}", shell_quote(&[host])),
            Self::Environment(name) => format!("--env {}", shell_quote(&[name])),
            Self::Program(words) => format!("--program {}", shell_quote(&[shell_quote(words)])),
            Self::Project(Access::ReadOnly) => "--project".to_owned(),
            Self::Project(Access::ReadWrite) => "--project=rw".to_owned(),
        }
    }
}

/// A path as it can be pasted into a shell, which expands `~` only where it is not quoted.
pub fn home(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("~/{}", shell_quote(&[rest])),
        None => shell_quote(&[path]),
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { path, access } => match access {
                Access::ReadOnly => write!(f, "read the files in `{path}`"),
                Access::ReadWrite => write!(f, "read and change the files in `{path}`"),
            },
            Self::Host(host) if host == "*" => f.write_str("reach every host on the network"),
            Self::Host(host) => write!(f, "reach `{host}` on the network"),
            Self::Environment(name) => write!(f, "read the environment variable `{name}`"),
            Self::Program(words) => {
                write!(
                    f,
                    "run `{}`, with any arguments after that",
                    shell_quote(words)
                )
            }
            Self::Project(Access::ReadOnly) => {
                f.write_str("read the project in the current directory")
            }
            Self::Project(Access::ReadWrite) => {
                f.write_str("read and change the project in the current directory")
            }
        }
    }
}

/// Where a directory is; without a home, what is in the home is nowhere.
pub fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), etcetera::home_dir()) {
        (Some(rest), Ok(home)) => home.join(rest),
        _ => path.into(),
    }
}

/// Whether a directory is the home of the user or holds it: whoever has that has everything.
pub(super) fn holds_home(directory: &Path) -> bool {
    let home = etcetera::home_dir().ok();
    let home = home.as_deref().unwrap_or(Path::new("/"));
    home.starts_with(directory)
        || home
            .canonicalize()
            .is_ok_and(|home| home.starts_with(directory))
}

/// The opposite: a path in the home begins with `~/`, so that it is the same for whoever wrote it so.
pub fn contracted(path: &Path) -> PathBuf {
    let home = etcetera::home_dir().ok();
    let within = home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned));
    match within.filter(|within| !within.as_os_str().is_empty()) {
        Some(within) => Path::new("~").join(within),
        None => path.to_owned(),
    }
}

/// `PATH`, `PATH:ro` or `PATH:rw`.
pub fn directory(text: &str) -> (&str, Access) {
    match text.strip_suffix(":rw") {
        Some(path) => (path, Access::ReadWrite),
        None => (text.strip_suffix(":ro").unwrap_or(text), Access::ReadOnly),
    }
}

/// The words of a program, as a shell splits them: quotes keep words together, nothing else means anything.
pub fn program(text: &str) -> Result<Vec<String>, PermissionError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some(end) if end == c => break,
                        Some(inner) => word.push(inner),
                        None => return Err(PermissionError::Quote(text.to_owned())),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

impl FromStr for Access {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ro" => Ok(Self::ReadOnly),
            "rw" => Ok(Self::ReadWrite),
            _ => Err("expected `ro` or `rw`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str]) -> Permission {
        Permission::Program(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn dir(path: &str, access: Access) -> Permission {
        let path = path.to_owned();
        Permission::Directory { path, access }
    }

    #[test]
    fn the_option_is_what_allow_reads() {
        for (permission, option) in [
            (
                dir("~/my notes", Access::ReadWrite),
                "--dir ~/'my notes:rw'",
            ),
            (dir("/srv", Access::ReadOnly), "--dir /srv"),
            (Permission::Host("*.a.b".into()), "--host '*.a.b'"),
            (run(&["git", "log"]), "--program 'git log'"),
            (run(&["echo", "a b"]), r"--program 'echo '\''a b'\'''"),
            (Permission::Project(Access::ReadWrite), "--project=rw"),
        ] {
            assert_eq!(permission.option(), option);
        }
        assert_eq!(
            program("echo 'a b' \"c\" d\\ e").unwrap(),
            ["echo", "a b", "c", "d e"]
        );
        assert_eq!(program("").unwrap(), [""; 0]);
        assert!(program("echo 'a").is_err());
        assert_eq!(directory("/a:rw"), ("/a", Access::ReadWrite));
        assert_eq!(directory("/a"), ("/a", Access::ReadOnly));
    }

    #[test]
    fn more_covers_less() {
        assert!(dir("/a", Access::ReadWrite).covers(&dir("/a", Access::ReadOnly)));
        assert!(!dir("/a", Access::ReadOnly).covers(&dir("/a", Access::ReadWrite)));
        assert!(dir("/a", Access::ReadOnly).covers(&dir("/a/b", Access::ReadOnly)));
        assert!(!dir("/a", Access::ReadOnly).covers(&dir("/ab", Access::ReadOnly)));
        let home = etcetera::home_dir().unwrap();
        let there = home.join("notes").display().to_string();
        assert!(dir("~/notes", Access::ReadOnly).covers(&dir(&there, Access::ReadOnly)));
        assert_eq!(contracted(Path::new(&there)), Path::new("~/notes"));
        assert!(run(&["git"]).covers(&run(&["git", "log"])));
        assert!(!run(&["git", "log"]).covers(&run(&["git"])));
        assert!(!Permission::Host("a".into()).covers(&Permission::Environment("a".into())));
    }

    #[test]
    fn what_cannot_be_allowed() {
        for permission in [
            dir("notes", Access::ReadOnly),
            dir("/a/../etc", Access::ReadOnly),
            dir("/", Access::ReadOnly),
            dir("/.", Access::ReadOnly),
            dir("//", Access::ReadOnly),
            dir("/./.", Access::ReadWrite),
            dir("~/", Access::ReadOnly),
            dir("~/.", Access::ReadOnly),
            dir("~//./", Access::ReadOnly),
            Permission::Host("https://a".into()),
            Permission::Host("a b".into()),
            Permission::Host(String::new()),
            Permission::Environment("A=B".into()),
            run(&[]),
            run(&[""]),
        ] {
            assert!(permission.check().is_err(), "{permission:?}");
        }
        for host in [
            "api.example.com",
            "*.example.com",
            "localhost:6379",
            "*",
            "10.0.0.1:80",
        ] {
            assert_eq!(Permission::Host(host.into()).check(), Ok(()), "{host}");
        }
    }
}
