//! What the project that one stands in has: its components, their imports.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::{candidate, completer};
use crate::completion::line::Line;
use crate::component::Shape;
use crate::project::{self, Artifact, Overrides, Project, Purpose, SiblingSource};

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

/// What a component is: that of a file or of a project that is named, or that of the project here as it was last built.
pub(super) fn shape(line: &Line, named: Option<&str>) -> Option<Shape> {
    let base = line.base()?;
    let path = named.map_or(base.clone(), |named| base.join(named));
    let files = match path.is_dir() {
        true => built(&loaded(&path)?),
        false => vec![path],
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

/// What builds have left, the newest first.
fn built(project: &Project) -> Vec<PathBuf> {
    let dirs = match &project.build.artifact {
        Artifact::Path(path) => return vec![path.clone()],
        Artifact::Search(dirs) => dirs.clone(),
        // Only cargo knows, which is not asked: this is where it puts them unless told otherwise.
        Artifact::FromCargo => cargo_dirs(&project.root),
        Artifact::Image(_) => Vec::new(),
    };
    let entries = dirs
        .iter()
        .filter_map(|dir| fs::read_dir(dir).ok())
        .flatten();
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "wasm"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    // In a workspace, another package's is not meant.
    let own = project.name.replace('-', "_");
    let is_own = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.replace('-', "_").split('.').next() == Some(&own)
    };
    files.sort_by_key(|(time, path)| (is_own(path), *time));
    files.into_iter().rev().map(|(_, path)| path).collect()
}

fn cargo_dirs(root: &Path) -> Vec<PathBuf> {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(|dir| root.join(dir));
    let targets = root.ancestors().map(|dir| dir.join("target"));
    let target = set.into_iter().chain(targets).find(|dir| dir.is_dir());
    let target = target.unwrap_or_default();
    let triples = ["wasm32-wasip2", "wasm32-wasip1"].into_iter();
    triples
        .flat_map(|triple| ["debug", "release"].map(|profile| target.join(triple).join(profile)))
        .collect()
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
