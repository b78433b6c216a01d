//! What commands that look at components begin with: files, or a project with everything built.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;
use wash_common::advice;
use wash_common::advice::{Advice, ErrorClass, hinted};
use wash_common::shell::shell_quote;
use wash_component::Shape;
use wash_fetch::oci::{PullPolicy, Reference};

use super::{Globals, unless_cancelled, warn_about};
use crate::dev::once;
use crate::dev::once::Components;
use crate::plugin::{Store, guest, install};
use crate::project;
use crate::project::{Image, Overrides, Project, Sibling, SiblingSource};

/// What a command line names: the directory of a project, or component files.
pub enum Named {
    Project(PathBuf),
    Files(Vec<PathBuf>),
    /// In a registry, or in the cache.
    Image(Image),
    /// The component of an installed plugin, and what the plugin is called.
    Plugin(PathBuf, String),
}

/// Tells files and references from a project; without a path, it is the project of the current directory.
pub fn named(paths: &[PathBuf], globals: &Globals) -> anyhow::Result<Named> {
    if let [path] = paths
        && let Some(reference) = reference(path, globals)
    {
        return Ok(Named::Image(Image {
            reference,
            policy: PullPolicy::Always,
            insecure: false,
        }));
    }
    if let [path] = paths
        && let Some(plugin) = plugin(path, globals)?
    {
        return Ok(plugin);
    }
    for path in paths {
        readable(path, &globals.path(path)?)?;
    }
    let paths = paths.iter().map(|path| globals.path(path));
    let paths: Vec<PathBuf> = paths.collect::<anyhow::Result<_>>()?;
    match paths.as_slice() {
        [] => Ok(Named::Project(globals.here()?)),
        [path] if path.is_dir() => Ok(Named::Project(path.clone())),
        several => match several.iter().find(|path| path.is_dir()) {
            Some(dir) => Err(advice::usage(format_args!(
                "`{}` is a directory: name one project, or component files",
                dir.display()
            ))),
            None => Ok(Named::Files(paths)),
        },
    }
}

/// Something was named that is neither a file nor a directory.
#[derive(Debug, thiserror::Error)]
enum NotAFile {
    #[error(
        "`{0}` is a URL: expected a file, the directory of a project, or REGISTRY/REPOSITORY:TAG"
    )]
    Url(String),
    #[error("`{0}` is not a regular file")]
    Special(String),
}

impl Advice for NotAFile {
    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::Url(url) => match url.strip_prefix("file://") {
                Some(path) => format!("name the file by its path: {}", shell_quote(&[path])),
                None => format!("download it first: curl -fLO {}", shell_quote(&[url])),
            },
            Self::Special(_) => "write the component to a file first".to_owned(),
        }]
    }

    fn fault(&self) -> ErrorClass {
        ErrorClass::Usage
    }
}

/// Refuses what is there, or looks like something, and cannot be read as a file. What is missing is told elsewhere.
fn readable(named: &Path, path: &Path) -> anyhow::Result<()> {
    let text = named.to_string_lossy().into_owned();
    let is_url = ["file://", "http://", "https://"];
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            Err(hinted(NotAFile::Special(text)))
        }
        Err(_) if named == Path::new("-") => Err(hinted(NotAFile::Special(text))),
        Err(_) if is_url.iter().any(|scheme| text.starts_with(scheme)) => {
            Err(hinted(NotAFile::Url(text)))
        }
        _ => Ok(()),
    }
}

/// `plugin:NAME`, or the name of a plugin where no file is called so.
fn plugin(path: &Path, globals: &Globals) -> anyhow::Result<Option<Named>> {
    let text = path.to_str().unwrap_or_default();
    let (name, meant) = match text.strip_prefix("plugin:") {
        Some(name) => (name, true),
        None if globals.path(path)?.exists() => return Ok(None),
        None => (text, false),
    };
    let Some(store) = Store::of_user() else {
        return Ok(None);
    };
    let found = match meant {
        true => Some(install::find(&store, name).map_err(hinted)?),
        false => store.find(name).ok().flatten(),
    };
    let Some(manifest) = found else {
        return Ok(None);
    };
    // What was changed is not shown as what was installed.
    guest::bytes(&store, &manifest).map_err(hinted)?;
    let path = store.component_path(&manifest.digest);
    Ok(Some(Named::Plugin(path, manifest.name)))
}

/// What cannot be meant as a file may be a reference to a registry.
pub fn reference(path: &Path, globals: &Globals) -> Option<Reference> {
    Reference::meant(path, |path| {
        globals.path(path).is_ok_and(|path| path.exists())
    })
}

/// The project that a path lies in, or one around the given files.
pub fn project(named: Named, overrides: &Overrides) -> anyhow::Result<Project> {
    let project = match named {
        Named::Project(start) => {
            // A config file from elsewhere makes a project of any directory.
            let root = match overrides.config {
                Some(_) => start,
                None => project::find_root(&start).map_err(hinted)?,
            };
            project::load(&root, overrides).map_err(hinted)?
        }
        Named::Files(files) => around(files, overrides)?,
        Named::Plugin(path, name) => Project {
            name,
            ..project::prebuilt(&path, overrides).map_err(hinted)?
        },
        Named::Image(image) => {
            let here = std::env::current_dir()?;
            project::image(image, &here, overrides).map_err(hinted)?
        }
    };
    warn_about(&project);
    Ok(project)
}

/// One file is the project, the others are its siblings.
fn around(mut files: Vec<PathBuf>, overrides: &Overrides) -> anyhow::Result<Project> {
    // What cannot be read is told when it is its turn.
    let shape = |file: &PathBuf| {
        let bytes = wash_common::files::read(file).unwrap_or_default();
        Shape::parse(&bytes).unwrap_or_default()
    };
    let first = match files.as_slice() {
        [_] => 0,
        several => foremost(&several.iter().map(shape).collect::<Vec<_>>()),
    };
    let main = files.remove(first);
    let mut project = project::prebuilt(&main, overrides).map_err(hinted)?;
    let mut names = BTreeSet::from([project.name.clone()]);
    for file in files {
        let sibling = project::prebuilt(&file, overrides).map_err(hinted)?;
        let mut name = sibling.name.clone();
        while !names.insert(name.clone()) {
            name.push_str("-2");
        }
        project.dev.components.push(Sibling {
            name,
            source: SiblingSource::File(file),
            settings: sibling.settings,
            subscriptions: Vec::new(),
            limits: sibling.dev.limits,
            imports: sibling.imports,
        });
    }
    Ok(project)
}

/// The one that a host can drive; else the first that no other imports anything from.
fn foremost(shapes: &[Shape]) -> usize {
    let is_driven =
        |shape: &Shape| shape.http_exports().next().is_some() || shape.exports_run().is_some();
    let is_needed = |provider: &Shape| {
        let exports = provider.exports.values();
        let mut exports = exports.filter_map(|export| export.interface.as_ref());
        exports.any(|export| {
            let others = shapes
                .iter()
                .filter(|other| !std::ptr::eq(*other, provider));
            let mut imports = others.flat_map(|other| other.imports.values());
            imports.any(|import| {
                import
                    .interface
                    .as_ref()
                    .is_some_and(|i| i.compatible(export))
            })
        })
    };
    let driven = shapes.iter().position(is_driven);
    driven
        .or_else(|| shapes.iter().position(|shape| !is_needed(shape)))
        .unwrap_or_default()
}

/// Builds everything, until it is done or somebody stops it.
pub async fn build(
    project: Project,
    stub_missing: bool,
    globals: &Globals,
) -> anyhow::Result<Components> {
    let cancel = CancellationToken::new();
    let building = once::build(project, stub_missing, globals.tool_output(), cancel.clone());
    unless_cancelled(&cancel, building).await?.map_err(hinted)
}
