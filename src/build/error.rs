//! Why there is no component, with what to do about it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use wash_common::advice::{Advice, ErrorClass};
use wash_common::atomic::WriteError;
use wash_common::process::ProcessError;
use wash_common::shell::shell_quote;
use wash_fetch::oci::OciError;
use wash_fetch::wit::WitError;

use super::tools;
use crate::project::Kind;

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The command ran and failed. Its own output says why and was shown as it came.
    #[error("the build failed: `{command}` ended {}", how(*.status))]
    Failed {
        command: String,
        status: ExitStatus,
        /// The end of what the tools printed, with its colours; empty with [`super::Output::Inherit`].
        output: String,
        kind: Kind,
    },
    #[error(transparent)]
    Wit(#[from] WitError),
    #[error("the build was cancelled")]
    Cancelled,
    #[error("`{tool}` is not installed, or not on the `PATH`; building the project requires it")]
    MissingTool { tool: String },
    #[error("the Rust target `{target}` is not installed for {toolchain}")]
    MissingTarget {
        target: String,
        toolchain: Toolchain,
    },
    #[error("the packages in `{}` are not installed", .manifest.display())]
    MissingPackages { manifest: PathBuf, manager: String },
    #[error("cannot run `{command}`")]
    Spawn { command: String, source: io::Error },
    #[error("cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Write(#[from] WriteError),
    /// `elsewhere`: `.wasm` files that the build seems to have written instead, as the config would name them.
    #[error("the build succeeded, but wrote no component to `{}`", .path.display())]
    NoArtifact {
        path: PathBuf,
        elsewhere: Vec<PathBuf>,
    },
    #[error("no component at `{}`, and no command to build it", .0.display())]
    NothingToRun(PathBuf),
    #[error("the build succeeded, but wrote no `.wasm` file to {}", join(.0))]
    NothingFound(Vec<PathBuf>),
    /// `choose`: what the `build` section of the config may say.
    #[error("cannot determine which file is the component: {}", .candidates.join(", "))]
    Ambiguous {
        candidates: Vec<String>,
        choose: String,
    },
    #[error("cargo built no component: the package has no binary and no library of type `cdylib`")]
    NoCargoArtifact,
    #[error("`{}` is not a component: {reason}", .path.display())]
    NotAComponent {
        path: PathBuf,
        reason: String,
        hint: Option<String>,
    },
    #[error(transparent)]
    Registry(#[from] OciError),
}

/// The Rust toolchain that lacks a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The one that is used when nobody chooses.
    Default,
    /// Chosen by the `rust-toolchain` file of the project.
    Named(String),
}

impl std::fmt::Display for Toolchain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Toolchain::Default => f.write_str("the default toolchain"),
            Toolchain::Named(name) => write!(f, "the toolchain `{name}`"),
        }
    }
}

impl BuildError {
    /// The command that mends it and can do no harm: a program and its arguments.
    pub fn mend(&self) -> Option<Vec<String>> {
        let words: Vec<&str> = match self {
            BuildError::MissingTarget { target, toolchain } => {
                let add = ["rustup", "target", "add", target].into_iter();
                match toolchain {
                    Toolchain::Default => add.collect(),
                    Toolchain::Named(name) => add.chain(["--toolchain", name]).collect(),
                }
            }
            BuildError::MissingPackages { manager, .. } => vec![manager, "install"],
            _ => return None,
        };
        Some(words.into_iter().map(str::to_owned).collect())
    }
}

impl Advice for BuildError {
    fn has_lines(&self) -> bool {
        matches!(self, BuildError::Wit(error) if error.has_lines())
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            BuildError::Registry(error) => return error.hints(),
            BuildError::Wit(error) => {
                let mut hints = error.hints();
                hints.push(match error {
                    WitError::Invalid(_) => "to build without checking the WIT: `--skip-fetch`, or `wit.skip_fetch: true`".to_string(),
                    _ => "to build without fetching WIT packages: `--skip-fetch`, or `wit.skip_fetch: true`".to_string(),
                });
                return hints;
            }
            BuildError::Failed { command, status, kind, .. } if is_not_found(*status) => match not_found(command, *kind) {
                Some(tool) => format!("a program was not found; {}", tools::how_to_install(tool)),
                None if *kind == Kind::Npm => format!(
                    "a program was not found; `{} install` installs those in package.json",
                    tools::package_manager(command).unwrap_or("npm")
                ),
                None => "the build command runs a program that is not on the `PATH`".to_string(),
            },
            BuildError::MissingTool { tool } => tools::how_to_install(tool),
            BuildError::MissingTarget { .. } | BuildError::MissingPackages { .. } => {
                return self.mend().iter().map(|words| shell_quote(words)).collect();
            }
            BuildError::NoArtifact { elsewhere, .. } => match elsewhere.as_slice() {
                [] => "`build.component_path` in .wash/config.* sets where the build writes the component".to_string(),
                paths => format!("the build wrote {}; set `build.component_path` in .wash/config.*", join(paths)),
            },
            BuildError::NothingToRun(_) => "set `build.command` in .wash/config.*".to_string(),
            BuildError::NothingFound(_) => {
                "`build.component_path` in .wash/config.* sets where the build writes the component".to_string()
            }
            BuildError::Ambiguous { choose, .. } => {
                format!("choose one in .wash/config.yaml, such as:\n\nbuild:\n  {choose}")
            }
            BuildError::NoCargoArtifact => {
                "for a component that exports interfaces, add to Cargo.toml:\n\n[lib]\ncrate-type = [\"cdylib\"]".to_string()
            }
            BuildError::NotAComponent { hint: Some(hint), .. } => hint.clone(),
            _ => return Vec::new(),
        };
        vec![hint]
    }

    fn fault(&self) -> ErrorClass {
        match self {
            BuildError::Registry(error) => error.fault(),
            BuildError::Wit(error) => error.fault(),
            BuildError::MissingTool { .. }
            | BuildError::MissingTarget { .. }
            | BuildError::MissingPackages { .. } => ErrorClass::Environment,
            BuildError::Failed { status, .. } if is_not_found(*status) => ErrorClass::Environment,
            _ => ErrorClass::Input,
        }
    }
}

/// The tool that a command was in want of: the one that it begins with, or that its kind of project cannot do without.
fn not_found(command: &str, kind: Kind) -> Option<&'static str> {
    let here = Path::new("/");
    let first = command.split_whitespace().next().and_then(tools::known);
    let mut wanted = first
        .map(|tool| tool.name)
        .into_iter()
        .chain(tools::tool_of(kind));
    wanted.find(|tool| tools::locate(tool, here).is_none())
}

/// Whether it is what a shell answers when it finds no such program.
pub(super) fn is_not_found(status: ExitStatus) -> bool {
    status.code() == Some(127)
}

/// `ExitStatus` says `exit status: 3`, in the middle of a sentence too.
fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("with exit code {code}"),
        (None, Some(signal)) => format!("by signal {signal}"),
        (None, None) => "without a reason".to_string(),
    }
}

pub(super) fn join(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect::<Vec<_>>()
        .join(", ")
}

impl From<ProcessError> for BuildError {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Cancelled => Self::Cancelled,
            ProcessError::Spawn { command, source } => Self::Spawn { command, source },
        }
    }
}
