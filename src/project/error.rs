//! Why a directory is not a project that can be built.

use std::fmt;
use std::io;
use std::path::PathBuf;

use wash_common::advice::Advice;
use wash_common::sanitize;

use super::Warning;

#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error("directory `{}` does not exist", .0.display())]
    NoSuchDirectory(PathBuf),
    #[error("file `{}` does not exist", .0.display())]
    NoSuchFile(PathBuf),
    #[error("`{}` is a directory, expected a component", .0.display())]
    NotAFile(PathBuf),
    #[error("`{}` is not a regular file", .0.display())]
    NotRegular(PathBuf),
    #[error("cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("no project in `{}`{}", .start.display(), if *.searched_above { " or above it" } else { "" })]
    NotRecognised {
        start: PathBuf,
        searched_above: bool,
    },
    /// `unknown`: keys of its config that do not exist. One of them may have been meant to say it.
    #[error("no command to build the project in `{}`", .root.display())]
    NoBuild {
        root: PathBuf,
        unknown: Vec<Warning>,
    },
    #[error("`{}` has no script `{script}` to build the component", .file.display())]
    NoBuildScript { file: PathBuf, script: String },
    #[error("cannot determine how to build the Python component in `{}`: {reason}", .root.display())]
    Python { root: PathBuf, reason: String },
    /// Every problem of the config files, in the order of the file.
    #[error("{}", Problems(.0))]
    Invalid(Vec<Warning>),
    #[error("component `{name}` cannot be loaded from `{}`", .root.display())]
    Sibling {
        name: String,
        root: PathBuf,
        source: Box<ProjectError>,
    },
    #[error("projects are components of each other: {}", join(.0))]
    Cycle(Vec<PathBuf>),
}

impl Advice for ProjectError {
    fn has_lines(&self) -> bool {
        match self {
            ProjectError::Invalid(_) => true,
            ProjectError::Sibling { source, .. } => source.has_lines(),
            _ => false,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ProjectError::NoBuild { unknown, .. } if !unknown.is_empty() => {
                unknown.iter().map(spelled).collect()
            }
            ProjectError::NotRecognised { .. } | ProjectError::NoBuild { .. } => vec![
                "looked for .wash/config.yaml, .yml, .json or .toml, Cargo.toml, go.mod, package.json, pyproject.toml \
                 and componentize-py.toml; for another kind of project, set the build command in .wash/config.yaml:\n\n\
                 build:\n  command: make component.wasm\n  component_path: component.wasm"
                    .to_string(),
            ],
            ProjectError::NotRegular(_) => {
                vec!["save the component to a file first: it is read more than once".to_string()]
            }
            ProjectError::NotAFile(path) => vec![format!("for the project in it: wash -C {} dev", path.display())],
            ProjectError::NoBuildScript { script, .. } => vec![format!(
                "add a script `{script}` that writes a component, or set `build.command` and `build.component_path` in \
                 .wash/config.yaml"
            )],
            ProjectError::Python { .. } => vec![
                "set the command in .wash/config.yaml:\n\n\
                 build:\n  command: componentize-py -d wit -w WORLD componentize app -o app.wasm\n  \
                 component_path: app.wasm"
                    .to_string(),
            ],
            ProjectError::Invalid(problems) => {
                let hints = problems.iter().filter_map(|problem| problem.hint.clone());
                hints.collect::<indexmap::IndexSet<_>>().into_iter().collect()
            }
            ProjectError::Sibling { source, .. } => source.hints(),
            _ => Vec::new(),
        }
    }
}

/// A warning with its own hint, on one line.
fn spelled(warning: &Warning) -> String {
    match &warning.hint {
        Some(hint) => format!("{warning}: {hint}"),
        None => warning.to_string(),
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)
    }
}

/// One problem on one line; several as a list.
struct Problems<'p>(&'p [Warning]);

impl fmt::Display for Problems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [problem] => f.write_str(&sanitize::line(&problem.to_string())),
            problems => {
                write!(f, "the configuration has {} problems", problems.len())?;
                problems.iter().try_for_each(|problem| {
                    write!(f, "\n  {}", sanitize::line(&problem.to_string()))
                })
            }
        }
    }
}

fn join(roots: &[PathBuf]) -> String {
    roots
        .iter()
        .map(|root| format!("`{}`", root.display()))
        .collect::<Vec<_>>()
        .join(" -> ")
}
