//! What a project is written in, and how a project of that kind is built when its config does not say.

pub(crate) mod cargo;
mod go;
pub(crate) mod npm;
mod python;
mod world;

use std::path::{Path, PathBuf};

use wash_common::files;

use super::raw::RawBuild;
use super::{Artifact, Command, Kind, ProjectError, Purpose, layers};

/// The project files we recognise, in the order in which they decide.
const FILES: [(&str, Kind); 5] = [
    ("Cargo.toml", Kind::Cargo),
    ("go.mod", Kind::Go),
    ("package.json", Kind::Npm),
    ("pyproject.toml", Kind::Python),
    ("componentize-py.toml", Kind::Python),
];

/// The kind of a project, and the name its own files give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detected {
    pub(super) kind: Kind,
    pub(super) name: Option<String>,
}

pub(super) fn detect(root: &Path) -> Result<Option<Detected>, ProjectError> {
    let Some((file, kind)) = FILES.iter().find(|(file, _)| root.join(file).is_file()) else {
        return Ok(None);
    };
    let text = read(&root.join(file))?;
    let name = match kind {
        Kind::Cargo => cargo::name(&text),
        Kind::Go => go::name(&text),
        Kind::Npm => npm::name(&text),
        Kind::Python => python::name(&text),
        Kind::Custom | Kind::Prebuilt => None,
    };
    Ok(Some(Detected { kind: *kind, name }))
}

pub(super) fn has_project_file(dir: &Path) -> bool {
    FILES.iter().any(|(file, _)| dir.join(file).is_file())
}

/// How a build that the config does not spell out is run, and where it leaves the component.
pub(super) struct Recipe {
    pub(super) command: Command,
    pub(super) artifact: Artifact,
    pub(super) env: Vec<(&'static str, String)>,
}

/// `artifact` is where the config says the component is left, if it does.
pub(super) fn recipe(
    root: &Path,
    detected: &Detected,
    raw: &RawBuild,
    purpose: Purpose,
    artifact: Option<PathBuf>,
) -> Result<Recipe, ProjectError> {
    let custom = match detected.kind {
        Kind::Cargo => raw
            .rust
            .as_ref()
            .and_then(|rust| rust.custom_command.as_ref()),
        Kind::Go => raw
            .tinygo
            .as_ref()
            .and_then(|tinygo| tinygo.custom_command.as_ref()),
        Kind::Npm => raw
            .typescript
            .as_ref()
            .and_then(|typescript| typescript.custom_command.as_ref()),
        _ => None,
    };
    if let Some(custom) = custom.filter(|custom| !custom.value.is_empty()) {
        let dirs = match detected.kind {
            Kind::Cargo => cargo::output_dirs(root, raw.rust.as_ref()),
            _ => npm::output_dirs(root),
        };
        return Ok(Recipe {
            command: Command::Argv(custom.value.clone()),
            artifact: artifact.map_or(Artifact::Search(dirs), Artifact::Path),
            env: Vec::new(),
        });
    }
    match detected.kind {
        Kind::Cargo => Ok(cargo::recipe(root, raw.rust.as_ref(), purpose, artifact)),
        Kind::Go => Ok(go::recipe(root, detected, raw.tinygo.as_ref(), artifact)),
        Kind::Npm => npm::recipe(root, raw.typescript.as_ref(), artifact),
        Kind::Python => python::recipe(root, detected, artifact),
        _ if layers::has_config(root) => Err(ProjectError::NoBuild {
            root: root.to_path_buf(),
            unknown: Vec::new(),
        }),
        _ => Err(ProjectError::NotRecognised {
            start: root.to_path_buf(),
            searched_above: false,
        }),
    }
}

fn read(path: &Path) -> Result<String, ProjectError> {
    files::read_to_string(path).map_err(|source| ProjectError::Read {
        path: path.to_path_buf(),
        source,
    })
}
