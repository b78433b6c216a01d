//! Python projects: componentize-py with the world in `wit/` and the module `app`, or the only one there is.

use std::fs;
use std::path::{Path, PathBuf};

use wash_common::process::Command;

use super::world::only_world;
use super::{Detected, Recipe};
use crate::project::{Artifact, ProjectError};

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
    let world = only_world(&root.join("wit")).map_err(fail)?;
    let artifact = artifact.unwrap_or_else(|| {
        root.join(format!(
            "{}.wasm",
            detected.name.as_deref().unwrap_or(&module)
        ))
    });
    let output = artifact.to_string_lossy();
    let program = program(root);
    let argv = [
        program,
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

/// The project's own, in its virtual environment, or the one on the `PATH`.
fn program(root: &Path) -> &'static str {
    let own = [".venv/bin/componentize-py", "venv/bin/componentize-py"];
    let found = own.into_iter().find(|program| root.join(program).is_file());
    found.unwrap_or("componentize-py")
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
        [] => Err("app.py is missing".to_string()),
        _ => Err("it has several modules and none is app.py".to_string()),
    }
}
