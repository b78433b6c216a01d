//! What a plugin may be told of the place it runs in.

use std::path::Path;

use wash_runtime::capability::plugin::ProjectInfo;

use crate::commands::Globals;
use crate::plugin::grants::{Found, PROJECT, Surroundings};
use crate::plugin::manifest::Permission;
use crate::plugin::policy::Decisions;
use crate::project::{Project, Purpose};
use crate::{build, project};

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
    let left = build::left(project);
    let within = left.iter().find_map(|path| {
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
