//! What the project that one stands in has: its components, their imports.

use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use wash_component::Shape;
use wash_fetch::oci;

use super::{candidate, completer, registry};
use crate::completion::line::Line;
use crate::project::{Overrides, Project, Purpose, SiblingSource};
use crate::{build, project};

/// Larger components would take longer to read than anybody waits.
const LARGEST: u64 = 64 << 20;

/// Interfaces, and packages of them, that a component imports: the one that is named, or the project's.
pub fn interfaces() -> ArgValueCompleter {
    completer(|line, _| {
        let named = line.positionals.first().map(String::as_str);
        let Some(shape) = shape(line, named) else {
            return Vec::new();
        };
        let mut found: Vec<CompletionCandidate> = Vec::new();
        let names = shape
            .imports
            .values()
            .filter_map(|import| import.interface.as_ref());
        let mut packages = Vec::new();
        for name in names {
            let path = name.path();
            let package = path.split('/').next().unwrap_or_default().to_owned();
            if !packages.contains(&package) {
                found.push(candidate(&package, "Any interface of the package"));
                packages.push(package);
            }
            found.push(candidate(path, ""));
        }
        found
    })
}

/// Where the components of the project are, if not within it.
pub(super) fn components(line: &Line) -> Vec<CompletionCandidate> {
    let (Some(base), Some(project)) = (line.base(), here(line)) else {
        return Vec::new();
    };
    let siblings = project.dev.components.iter();
    let place = |source: &SiblingSource| match source {
        SiblingSource::File(path) => Some(path.clone()),
        SiblingSource::Project(project) => Some(project.root.clone()),
        SiblingSource::Image(_) => None,
    };
    siblings
        .filter_map(|sibling| {
            let path = relative(&base.canonicalize().ok()?, &place(&sibling.source)?)?;
            let help = format!("Component `{}` of the project", sibling.name);
            Some(candidate(path.to_str()?, help))
        })
        .collect()
}

/// The images that the project names.
pub(super) fn images(line: &Line) -> Vec<String> {
    let project = here(line);
    let siblings = project.iter().flat_map(|project| &project.dev.components);
    let images = siblings.filter_map(|sibling| match &sibling.source {
        SiblingSource::Image(image) => Some(image.reference.to_string()),
        _ => None,
    });
    images.collect()
}

/// What a component is: that of a file or of a project that is named, that of a reference as it was last used, or that
/// of the project here as it was last built.
pub(super) fn shape(line: &Line, named: Option<&str>) -> Option<Shape> {
    let base = line.base()?;
    let path = named.map_or(base.clone(), |named| base.join(named));
    let files = match named.and_then(|named| registry::meant(line, named)) {
        Some(reference) => oci::peek(&reference).into_iter().collect(),
        None if path.is_dir() => build::left(&loaded(&path)?),
        None => vec![path],
    };
    files.iter().find_map(|file| {
        let is_small = fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() < LARGEST);
        let bytes = is_small.then(|| fs::read(file).ok()).flatten()?;
        Shape::parse(&bytes).ok()
    })
}

/// The project that one stands in.
fn here(line: &Line) -> Option<Project> {
    loaded(&line.base()?)
}

fn loaded(dir: &Path) -> Option<Project> {
    let overrides = Overrides {
        purpose: Purpose::Dev,
        ..Overrides::default()
    };
    project::load(&project::find_root(dir).ok()?, &overrides).ok()
}

/// `path` as one would type it in `base`; both are absolute.
fn relative(base: &Path, path: &Path) -> Option<PathBuf> {
    let common = base
        .components()
        .zip(path.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = base.components().skip(common).map(|_| "..");
    let relative: PathBuf = up.collect();
    let relative = path
        .components()
        .skip(common)
        .fold(relative, |mut all, part| {
            all.push(part);
            all
        });
    (relative != Path::new("")).then_some(relative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_as_one_would_type_them() {
        for (path, typed) in [
            ("/a/b/c", Some("c")),
            ("/a/x/y", Some("../x/y")),
            ("/a", Some("..")),
            ("/a/b", None),
        ] {
            let relative = relative(Path::new("/a/b"), Path::new(path));
            assert_eq!(relative.as_deref(), typed.map(Path::new), "{path}");
        }
    }
}
