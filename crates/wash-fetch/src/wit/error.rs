//! Why WIT packages are not to be had, with what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use wash_common::advice::{Advice, ErrorClass};
use wash_common::atomic::WriteError;
use wash_common::sanitize;
use wit_parser::PackageName;

use super::diagnose::{Diagnostic, Place};
use super::lock::LockError;
use super::name::{NotAName, unversioned};

#[derive(Debug, thiserror::Error)]
pub enum WitError {
    #[error("no WIT in `{0}`")]
    NoWit(String),
    #[error("{0}")]
    Invalid(Box<Diagnostic>),
    #[error("cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("`{name}` is not a WIT package: {reason}")]
    NotWit { name: String, reason: String },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Name(#[from] NotAName),
    /// `wkg.toml`, or what the config says of registries and sources.
    #[error("{0}")]
    Settings(String),
    #[error("{}", Missing(.0))]
    Unresolved(Vec<Unresolved>),
    #[error("{message}")]
    Edit {
        message: String,
        hint: Option<String>,
    },
}

/// A package that nobody could give.
#[derive(Debug)]
pub struct Unresolved {
    pub package: PackageName,
    /// What refers to it.
    pub needed_by: Vec<Place>,
    /// Every place that was asked, with its answer.
    pub tried: Vec<String>,
    pub hints: Vec<String>,
    /// Of those who were asked, and did not answer; else the name is wrong.
    pub fault: ErrorClass,
}

impl From<Diagnostic> for WitError {
    fn from(diagnostic: Diagnostic) -> Self {
        WitError::Invalid(Box::new(diagnostic))
    }
}

struct Missing<'m>(&'m [Unresolved]);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, missing) in self.0.iter().enumerate() {
            let start = if index == 0 { "" } else { "\n" };
            write!(f, "{start}WIT package `{}` not found", missing.package)?;
            if let Some((first, others)) = missing.needed_by.split_first() {
                write!(f, "\n  needed by {first}")?;
                for place in others.iter().take(3) {
                    write!(f, ", {place}")?;
                }
                if others.len() > 3 {
                    write!(f, " and {} more", others.len() - 3)?;
                }
            }
            for tried in &missing.tried {
                write!(f, "\n  {}", sanitize::line(tried))?;
            }
        }
        Ok(())
    }
}

impl Advice for WitError {
    fn has_lines(&self) -> bool {
        // The parser of TOML shows the line that it means.
        matches!(
            self,
            WitError::Invalid(_) | WitError::Unresolved(_) | WitError::Settings(_)
        )
    }

    fn hints(&self) -> Vec<String> {
        match self {
            WitError::NoWit(dir) => vec![format!(
                "a WIT package is one or more `.wit` files in `{dir}`; `wit.wit_dir` in .wash/config.yaml names another directory; `wash wit init` creates one"
            )],
            WitError::Invalid(diagnostic) => diagnostic.hint.clone().into_iter().collect(),
            WitError::Lock(LockError::Malformed { .. }) => {
                vec!["delete the file, then run `wash wit fetch` to write it again".to_string()]
            }
            WitError::Unresolved(missing) => {
                let mut hints: Vec<String> = Vec::new();
                for hint in missing.iter().flat_map(|missing| &missing.hints) {
                    if !hints.contains(hint) {
                        hints.push(hint.clone());
                    }
                }
                hints.push(by_hand(missing));
                hints
            }
            WitError::Edit { hint, .. } => hint.clone().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn fault(&self) -> ErrorClass {
        match self {
            WitError::Unresolved(missing) => {
                let faults = missing.iter().map(|missing| missing.fault);
                faults.max().unwrap_or_default()
            }
            _ => ErrorClass::Input,
        }
    }
}

/// What to write where when you have the package.
fn by_hand(missing: &[Unresolved]) -> String {
    let lines = missing.iter().map(|missing| {
        let name = unversioned(&missing.package);
        format!("\"{name}\" = {{ path = \"PATH/TO/ITS/WIT\" }}")
    });
    let mut lines: Vec<_> = lines.collect();
    lines.dedup();
    format!(
        "if you have it in a directory, add to wkg.toml:\n\n[overrides]\n{}",
        lines.join("\n")
    )
}
