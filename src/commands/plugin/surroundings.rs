//! What a plugin may be told of the place it runs in.

use std::fs;
use std::path::{Path, PathBuf};

use crate::commands::Globals;
use crate::host::workload::ProjectInfo;
use crate::plugin::grants::{Found, PROJECT, Surroundings};
use crate::plugin::manifest::Permission;
use crate::plugin::policy::Decisions;
use crate::project::{self, Artifact, Project, Purpose};

/// Looks for the project only where the plugin may look at it.
pub(super) fn of(decisions: &Decisions, globals: &Globals) -> anyhow::Result<Surroundings> {
    let directory = globals.here()?;
    let wanted = |permission: &Permission| matches!(permission, Permission::Project(_));
    let project = match decisions.allowed.iter().any(wanted) {
        false => Err("it is not allowed".to_owned()),
        true => found(&directory, globals)?.map_err(|error| error.to_string()),
    };
    Ok(Surroundings { directory, project })
}

fn found(
    directory: &Path,
    globals: &Globals,
) -> anyhow::Result<Result<Found, project::ProjectError>> {
    let overrides = globals.overrides(Purpose::Dev)?;
    let root = project::find_root(directory);
    let project = root.and_then(|root| project::load(&root, &overrides));
    Ok(project.map(|project| Found {
        info: info(&project),
        root: project.root,
    }))
}

fn info(project: &Project) -> ProjectInfo {
    let siblings = project.dev.components.iter();
    let names = siblings.map(|sibling| sibling.name.clone());
    let artifact = match &project.build.artifact {
        Artifact::Path(path) => Some(path.clone()).filter(|path| path.is_file()),
        Artifact::FromCargo => newest(&project.root),
        // Found by building.
        Artifact::Search(_) | Artifact::Image(_) => None,
    };
    let within = artifact.and_then(|path| {
        let path = path.strip_prefix(&project.root).ok()?.to_str()?;
        Some(format!("{PROJECT}/{path}"))
    });
    ProjectInfo {
        name: project.name.clone(),
        path: project.root.display().to_string(),
        component: within,
        components: [project.name.clone()].into_iter().chain(names).collect(),
    }
}

/// What cargo left last, where it leaves components.
fn newest(root: &Path) -> Option<PathBuf> {
    let files = ["wasm32-wasip2", "wasm32-wasip1", "wasm32-unknown-unknown"]
        .iter()
        .flat_map(|target| ["release", "debug"].map(|p| root.join("target").join(target).join(p)))
        .flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten())
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "wasm"));
    let aged = files.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())));
    aged.max().map(|(_, path)| path)
}
