//! Why there is no new project. Nothing was written then.

use std::io;
use std::path::{Path, PathBuf};

use wash_common::advice::{Advice, ErrorClass};
use wash_common::process::ProcessError;
use wash_common::sanitize;
use wash_fetch::git::{Cause, GitError};
use wash_fetch::wit::WitError;

use super::bundled;
use super::name::NameError;
use crate::project::ProjectError;

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(
        "`{name}` cannot be the name of this project: the template depends on a {what} of that name"
    )]
    Taken { name: String, what: &'static str },
    #[error("no template `{0}`")]
    NoSuchTemplate(String),
    #[error("`{what}` is not the location of a template: {reason}")]
    Source { what: String, reason: String },
    /// Of what is not written out.
    #[error("`{what}` may be a directory, `./{what}`, or a repository, `{url}`")]
    Ambiguous { what: String, url: String },
    #[error("directory `{}` does not exist", .0.display())]
    NoDirectory(PathBuf),
    #[error("directory `{}`, to create the project in, does not exist", .0.display())]
    NoParent(PathBuf),
    #[error("`{}` already exists", .0.display())]
    Exists(PathBuf),
    #[error("`{}` is not empty", .0.display())]
    NotEmpty(PathBuf),
    #[error("`{}` is not a git repository, so it has no `{reference}`", .path.display())]
    NoRepository { path: PathBuf, reference: String },
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("cannot run a program")]
    Run(#[source] ProcessError),
    #[error("`--subfolder {path}`: {reason}")]
    Subfolder { path: String, reason: String },
    #[error("the template's link `{}` points outside of it, to `{}`", path(.link), path(.to))]
    LeadsOut { link: PathBuf, to: PathBuf },
    #[error("the template's `{}` is neither a file nor a directory", path(.0))]
    NotAFile(PathBuf),
    #[error("the template has no files")]
    Empty,
    #[error("cannot read the template: {0}")]
    Unreadable(String),
    #[error("cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot create `{}`", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the template's configuration cannot be read")]
    Config(#[source] ProjectError),
    #[error(transparent)]
    Wit(#[from] WitError),
    #[error("the template's own command failed: `{}` ended with {status}", sanitize::escape(.command))]
    SetUp {
        command: String,
        status: std::process::ExitStatus,
    },
    #[error("interrupted")]
    Cancelled,
}

fn path(of_template: &Path) -> String {
    sanitize::escape(&of_template.display().to_string())
}

impl TemplateError {
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Write { path, source }
    }
}

impl Advice for TemplateError {
    fn has_lines(&self) -> bool {
        match self {
            TemplateError::Config(error) => error.has_lines(),
            TemplateError::Wit(error) => error.has_lines(),
            TemplateError::Run(_) => false,
            _ => false,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            TemplateError::Name(error) => match error.instead() {
                Some(name) => format!("for example: `{name}`"),
                None => return Vec::new(),
            },
            TemplateError::Taken { name, .. } => format!("for example: `my-{name}`"),
            TemplateError::NoSuchTemplate(name) => {
                let names = bundled::all().iter().map(|template| &*template.name);
                let distance = |known: &str| strsim::damerau_levenshtein(known, name);
                match names.clone().min_by_key(|known| distance(known)) {
                    Some(near) if distance(near) <= 3 => {
                        format!("did you mean `{near}`? wash new --list has all")
                    }
                    _ => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
                }
            }
            TemplateError::Source { .. } => {
                "a template is at a URL (`https://HOST/PATH`, `ssh://`, `git://`, `file://`), at `HOST:PATH`, on GitHub \
                 (`OWNER/REPOSITORY`), or in a directory (`./PATH`); wash new --list has those that come with wash"
                    .to_string()
            }
            TemplateError::Ambiguous { .. } => "write which one you mean".to_string(),
            TemplateError::NotEmpty(_) => "a project is created in an empty directory (`.git` may be there), or in a new one: wash new NAME".to_string(),
            TemplateError::Exists(_) => "choose another name, or another directory with -C; nothing is ever overwritten".to_string(),
            TemplateError::Git(error) => match of_git(error) {
                Some(hint) => hint.to_string(),
                None => return Vec::new(),
            },
            TemplateError::LeadsOut { .. } => {
                "a template must be complete in itself; if the link leads into another part of the repository, use \
                 the folder that has both"
                    .to_string()
            }
            TemplateError::Config(error) => return error.hints(),
            TemplateError::Wit(error) => return error.hints(),
            TemplateError::SetUp { .. } => "to create the project without running it: --skip-command".to_string(),
            _ => return Vec::new(),
        };
        vec![hint]
    }

    fn fault(&self) -> ErrorClass {
        match self {
            TemplateError::Name(_)
            | TemplateError::Taken { .. }
            | TemplateError::NoSuchTemplate(_)
            | TemplateError::Source { .. }
            | TemplateError::Ambiguous { .. }
            | TemplateError::Git(GitError::Reference(_)) => ErrorClass::Usage,
            TemplateError::Git(GitError::Missing) => ErrorClass::Environment,
            TemplateError::Git(error) if error.cause().is_some_and(Cause::is_of_the_network) => {
                ErrorClass::Environment
            }
            // The shell did not find a program.
            TemplateError::SetUp { status, .. } if status.code() == Some(127) => {
                ErrorClass::Environment
            }
            TemplateError::Config(error) => error.fault(),
            TemplateError::Wit(error) => error.fault(),
            _ => ErrorClass::Input,
        }
    }
}

/// What to do about it.
fn of_git(error: &GitError) -> Option<&'static str> {
    Some(match error {
        GitError::Reference(_) => "name a branch, a tag or a commit: --git-ref v1.0",
        GitError::Missing => {
            "repositories are fetched with git; the templates of `wash new --list` need none"
        }
        GitError::Failed { .. } => match error.cause()? {
            Cause::Login => {
                "git cannot prompt here: log in with a credential helper, or use the ssh URL of the repository"
            }
            Cause::Key => {
                "ssh cannot prompt here: connect once by hand (`ssh -T git@HOST`), and add the key to the agent (`ssh-add`)"
            }
            Cause::NoCommit => "the repository has no commit yet; name a branch with --git-ref",
            Cause::NoReference => {
                "--git-ref names a branch, a tag or a commit of the repository; `git ls-remote URL` lists them"
            }
            Cause::Network => return None,
        },
        GitError::Run(_) | GitError::Cancelled => return None,
    })
}
