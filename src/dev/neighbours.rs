//! Projects beside a project that export what it lacks: for the hint that says what to add.

use std::path::Path;

use wash_common::contain::contain;
use wash_component::InterfaceName;
use wit_parser::{Resolve, WorldItem};

use crate::linker::{Fix, Problem};
use crate::project;

/// How many directories beside a project are looked at.
const MAX_DIRECTORIES: usize = 100;

/// Names the projects beside `root` that export what problems say is missing.
pub fn suggest(problems: &mut [Problem], root: &Path) {
    let fixes = problems.iter_mut().filter_map(|problem| match problem {
        Problem::Unmet { fixes, .. } => Some(fixes),
        _ => None,
    });
    for fix in fixes.flatten() {
        if let Fix::AddComponent { interface, project } = fix
            && let Ok(interface) = interface.parse()
        {
            *project = exporting(root, &interface);
        }
    }
}

/// The path of a project beside `root` whose WIT exports an interface.
fn exporting(root: &Path, interface: &InterfaceName) -> Option<String> {
    let beside = std::fs::read_dir(root.parent()?).ok()?;
    let mut names: Vec<_> = beside
        .take(MAX_DIRECTORIES)
        .flatten()
        .map(|entry| entry.path())
        .filter(|dir| dir != root && dir.join("wit").is_dir())
        .collect();
    names.sort();
    let mut found = names.iter().filter(|dir| {
        project::find_root(dir).is_ok_and(|of| of == **dir) && exports(&dir.join("wit"), interface)
    });
    let name = found.next()?.file_name()?.to_str()?;
    Some(format!("../{name}"))
}

/// Whether a world of a package exports an interface. A package that cannot be read exports nothing.
fn exports(wit: &Path, interface: &InterfaceName) -> bool {
    let read = || {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(wit).ok()?;
        let worlds = resolve.packages[package].worlds.values();
        let exports = worlds.flat_map(|world| resolve.worlds[*world].exports.values());
        let mut names = exports.filter_map(|item| match item {
            WorldItem::Interface { id, .. } => resolve.id_of(*id)?.parse::<InterfaceName>().ok(),
            _ => None,
        });
        Some(names.any(|name| name.compatible(interface)))
    };
    contain("wit-parser", read).ok().flatten().unwrap_or(false)
}
