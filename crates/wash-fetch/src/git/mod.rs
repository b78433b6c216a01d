//! Fetches one commit of a repository by running `git`, which knows how to log in where its user may.
//!
//! Whoever made the repository decides nothing: no hook runs, no submodule is followed, no program is a transport, and git's own
//! configuration of the repository is one that was just made. Nobody is prompted.

mod output;
mod secrets;

use std::env;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use tokio_util::sync::CancellationToken;

pub use output::Cause;
pub use secrets::without_password;
use secrets::without_secrets;
use wash_common::process::{Command, Job, Output, ProcessError};
use wash_common::{process, sanitize};

/// Of the configuration, before everything that the user has.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=true",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "protocol.file.allow=always",
    "protocol.git.allow=always",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
];

/// Of a repository that we may have been started in, as by one of its hooks.
const OF_ANOTHER: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_TEMPLATE_DIR",
];

/// Why there is no commit.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("`{0}` is not a branch, tag or commit")]
    Reference(String),
    #[error("`git` is not installed, or not on the `PATH`")]
    Missing,
    /// `output`: what git printed.
    #[error("git cannot fetch `{repository}`: {}", sanitize::escape(output::reason(.said)))]
    Failed { repository: String, said: String },
    #[error("cannot run a program")]
    Run(#[source] ProcessError),
    #[error("interrupted")]
    Cancelled,
}

impl GitError {
    /// What stands behind it, as far as what git printed tells.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            GitError::Failed { said, .. } => output::cause(said),
            _ => None,
        }
    }
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: String,
    /// The folders of its submodules, which are not there.
    pub submodules: Vec<PathBuf>,
    /// Files that are kept by Git LFS and of which there is only what points to them.
    pub pointers: Vec<PathBuf>,
}

/// Checks a commit out into `dir`, which must not exist: that of a branch, a tag or a commit, or what the repository has as
/// its `HEAD`.
pub async fn fetch(
    repository: &str,
    reference: Option<&str>,
    dir: &Path,
    cancel: &CancellationToken,
) -> Result<Commit, GitError> {
    if let Some(reference) = reference {
        check(reference)?;
    }
    let mut git = Git {
        repository,
        dir,
        cancel,
        ssh: None,
        without_lfs: false,
    };
    git.silence_ssh().await;
    let at = dir.to_string_lossy();
    git.run_in(None, &["init", "--quiet", "--template=", &at])
        .await?;
    // Git LFS looks there for what is not in the repository itself.
    git.run(&["config", "remote.origin.url", repository])
        .await?;
    let wanted = reference.unwrap_or("HEAD");
    let fetched = git.fetch(&["--depth=1"], &[wanted]).await;
    let wanted = match (fetched, reference) {
        (Ok(_), _) => "FETCH_HEAD",
        // Part of a commit's name is something that only who has the commits can look up.
        (Err(GitError::Failed { .. }), Some(commit)) if is_commit(commit) => {
            let all = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
            git.fetch(&["--update-head-ok"], &all).await?;
            commit
        }
        (Err(error), _) => return Err(error),
    };
    git.check_out(wanted).await?;
    let said = git.run(&["rev-parse", "HEAD"]).await?;
    // Whoever traces git hears more of it.
    let id = said.lines().rfind(|line| is_id(line));
    Ok(Commit {
        id: id.ok_or_else(|| git.failed(&said))?.to_string(),
        submodules: submodules(dir),
        pointers: pointers(dir),
    })
}

struct Git<'g> {
    repository: &'g str,
    dir: &'g Path,
    cancel: &'g CancellationToken,
    /// How ssh is run.
    ssh: Option<(String, String)>,
    /// Files of Git LFS stay what points to them.
    without_lfs: bool,
}

impl Git<'_> {
    /// So that ssh asks nobody either, unless the user has a say in how it is run.
    async fn silence_ssh(&mut self) {
        let by_ssh = match self.repository.split_once("://") {
            Some((scheme, _)) => scheme == "ssh",
            None => !Path::new(self.repository).is_absolute(),
        };
        let name = "GIT_SSH_COMMAND";
        let chosen = [name, "GIT_SSH"]
            .into_iter()
            .any(|name| env::var_os(name).is_some());
        let configured = ["config", "--get", "core.sshCommand"];
        if by_ssh && !chosen && self.run_in(None, &configured).await.is_err() {
            self.ssh = Some((name.to_string(), "ssh -o BatchMode=yes".to_string()));
        }
    }

    async fn fetch(&self, options: &[&str], references: &[&str]) -> Result<String, GitError> {
        let command = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
        let what = ["--", self.repository];
        self.run(&[&command, options, &what, references].concat())
            .await
    }

    /// Without the large files of Git LFS if they cannot be fetched: they may be the least of it.
    async fn check_out(&mut self, wanted: &str) -> Result<(), GitError> {
        let checkout = ["checkout", "--quiet", "--force", "--detach", wanted, "--"];
        match self.run(&checkout).await {
            Err(GitError::Failed { said, .. }) if said.contains("smudge filter lfs") => {
                self.without_lfs = true;
                self.run(&checkout).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    async fn run(&self, arguments: &[&str]) -> Result<String, GitError> {
        self.run_in(Some(self.dir), arguments).await
    }

    /// What it printed.
    async fn run_in(&self, dir: Option<&Path>, arguments: &[&str]) -> Result<String, GitError> {
        let mut argv = vec!["git".to_string()];
        for setting in SETTINGS {
            argv.extend(["-c".to_string(), setting.to_string()]);
        }
        argv.extend(arguments.iter().map(ToString::to_string));
        // English, because causes are looked for in it.
        let mut set = [
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", ""),
            ("LC_ALL", "C"),
        ]
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .to_vec();
        set.extend(self.ssh.clone());
        if self.without_lfs {
            set.push(("GIT_LFS_SKIP_SMUDGE".to_string(), "1".to_string()));
        }
        let parent = self.dir.parent().unwrap_or(Path::new("/"));
        let job = Job {
            command: &Command::Argv(argv),
            dir: dir.unwrap_or(parent),
            set: &set,
            unset: OF_ANOTHER,
            wants_lines: false,
            output: &Output::IfFailed,
            color: false,
        };
        let finished = match process::run(job, self.cancel).await {
            Ok(finished) => finished,
            Err(ProcessError::Cancelled) => return Err(GitError::Cancelled),
            Err(ProcessError::Spawn { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(GitError::Missing);
            }
            Err(error) => return Err(GitError::Run(error)),
        };
        let said = String::from_utf8_lossy(&finished.tail).trim().to_string();
        match finished.status.success() {
            true => Ok(said),
            false => Err(self.failed(&said)),
        }
    }

    fn failed(&self, said: &str) -> GitError {
        GitError::Failed {
            repository: without_password(self.repository),
            said: without_secrets(said, self.repository),
        }
    }
}

/// The folders that `.gitmodules` names.
fn submodules(dir: &Path) -> Vec<PathBuf> {
    let text = wash_common::files::read_to_string(dir.join(".gitmodules")).unwrap_or_default();
    let settings = text.lines().filter_map(|line| line.split_once('='));
    let paths = settings.filter(|(name, _)| name.trim() == "path");
    paths
        .map(|(_, path)| PathBuf::from(path.trim().trim_matches('"')))
        .collect()
}

/// What a file of Git LFS begins with as long as it only points to one.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// The files that only point to others, by their paths in the repository.
fn pointers(dir: &Path) -> Vec<PathBuf> {
    let mut walk = WalkBuilder::new(dir);
    walk.standard_filters(false).sort_by_file_name(Ord::cmp);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    let is_pointer = |path: &Path| {
        let mut begin = [0; POINTER.len()];
        let file = File::open(path).and_then(|mut file| file.read_exact(&mut begin));
        file.is_ok() && begin == *POINTER
    };
    let files = walk.build().flatten().filter(|entry| {
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        is_file && is_pointer(entry.path())
    });
    files
        .filter_map(|entry| Some(entry.path().strip_prefix(dir).ok()?.to_path_buf()))
        .collect()
}

fn check(reference: &str) -> Result<(), GitError> {
    let odd =
        |letter: char| letter.is_whitespace() || letter.is_control() || "~^:?*[\\".contains(letter);
    let wrong = reference.is_empty()
        || reference.starts_with(['-', '+', '/'])
        || reference.contains("..")
        || reference.contains("@{")
        || reference.contains(odd);
    match wrong {
        true => Err(GitError::Reference(reference.to_string())),
        false => Ok(()),
    }
}

fn is_commit(reference: &str) -> bool {
    (4..=40).contains(&reference.len()) && is_hexadecimal(reference)
}

/// The whole name of a commit, by SHA-1 or SHA-256.
fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_hexadecimal(text)
}

fn is_hexadecimal(text: &str) -> bool {
    text.chars().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_names_and_nothing_else() {
        for reference in [
            "main",
            "v1.0",
            "feature/x",
            "0a1b2c3",
            "refs/pull/1/head",
            "HEAD",
        ] {
            assert!(check(reference).is_ok(), "{reference}");
        }
        for reference in [
            "",
            "-x",
            "--upload-pack=x",
            "+main",
            "main:other",
            "a..b",
            "a b",
            "@{u}",
            "a\n",
        ] {
            assert!(check(reference).is_err(), "{reference}");
        }
    }

    #[test]
    fn commits_are_told_by_their_digits() {
        assert!(is_commit("0a1b2c3"));
        assert!(!is_commit("main") && !is_commit("v1") && !is_commit("abc"));
    }
}
