//! Python projects: componentize-py with the world in `wit/` and the module `app`, or the only one there is.

use std::fs;
use std::path::{Path, PathBuf};

use wit_parser::UnresolvedPackageGroup;

use super::{Detected, Recipe};
use crate::project::{Artifact, Command, ProjectError};

/// The name in `[project]` of pyproject.toml.
pub(super) fn name(pyproject: &str) -> Option<String> {
    let pyproject: toml::Table = pyproject.parse().ok()?;
    Some(pyproject.get("project")?.get("name")?.as_str()?.to_string())
}

pub(super) fn recipe(
    root: &Path,
    detected: &Detected,
    artifact: Option<PathBuf>,
) -> Result<Recipe, ProjectError> {
    let fail = |reason: String| ProjectError::Python {
        root: root.to_path_buf(),
        reason,
    };
    let module = module(root).map_err(fail)?;
    let world = world(&root.join("wit")).map_err(fail)?;
    let artifact = artifact.unwrap_or_else(|| {
        root.join(format!(
            "{}.wasm",
            detected.name.as_deref().unwrap_or(&module)
        ))
    });
    let output = artifact.to_string_lossy();
    let argv = [
        "componentize-py",
        "-d",
        "wit",
        "-w",
        &world,
        "componentize",
        &module,
        "-o",
        &output,
    ];
    let command = Command::Argv(argv.map(String::from).into());
    Ok(Recipe {
        command,
        artifact: Artifact::Path(artifact),
        env: Vec::new(),
    })
}

fn module(root: &Path) -> Result<String, String> {
    if root.join("app.py").is_file() || root.join("app").join("__init__.py").is_file() {
        return Ok("app".to_string());
    }
    let entries = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let modules =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    let modules: Vec<String> = modules
        .filter_map(|path| path.file_stem()?.to_str().map(String::from))
        .filter(|name| name != "setup")
        .collect();
    match modules.as_slice() {
        [module] => Ok(module.clone()),
        [] => Err("there is no app.py".to_string()),
        _ => Err("there are several modules and none is app.py".to_string()),
    }
}

fn world(wit: &Path) -> Result<String, String> {
    if !wit.is_dir() {
        return Err("there is no wit directory with its world".to_string());
    }
    let package = UnresolvedPackageGroup::parse_dir(wit)
        .map_err(|error| format!("the WIT in `{}` is not valid: {error:#}", wit.display()))?;
    let worlds: Vec<&str> = package
        .main
        .worlds
        .iter()
        .map(|(_, world)| world.name.as_str())
        .collect();
    match worlds.as_slice() {
        [world] => Ok(world.to_string()),
        [] => Err(format!("the WIT in `{}` has no world", wit.display())),
        worlds => Err(format!(
            "the WIT in `{}` has several worlds: {}",
            wit.display(),
            worlds.join(", ")
        )),
    }
}
