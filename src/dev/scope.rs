//! Which files belong to which unit of a project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use wash_common::process::Command;
use wash_runtime::capability::keyvalue::{KeyValue, KeyValueBackend};
use wash_runtime::capability::wasi::{Access, Directories, Volume};
use wash_runtime::workload::MemberSettings;

use super::cargo;
use super::glob::Glob;
use super::state::UnitName;
use super::watch::{Differences, Ignored, Targets, ignored_sources};
use crate::plugin::Store;
use crate::project::{Artifact, Project, SiblingSource};

/// Files that say what a project is, besides its config: its name and how it is built follow from them.
const PROJECT_FILES: [&str; 5] = [
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "componentize-py.toml",
    "go.mod",
];

/// What the last build of each unit says that it has read.
pub(super) type Inputs = BTreeMap<UnitName, BTreeSet<PathBuf>>;

/// The units of a project and where their sources are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    units: BTreeMap<UnitName, Sources>,
    /// What the projects and the installed plugins were read from: files, and directories for the files in them.
    config: BTreeSet<PathBuf>,
    /// Directories that the components write to while they run.
    written: BTreeSet<PathBuf>,
}

/// Where the sources of one unit are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sources {
    /// The root of its project, with all below it but the roots of other units.
    root: Option<PathBuf>,
    /// Directories that the build reads besides.
    others: BTreeSet<PathBuf>,
    /// Single files that the build reads besides.
    files: BTreeSet<PathBuf>,
    /// What `build.watch` names with wildcards.
    globs: Vec<Glob>,
    /// The component itself, where there is no build.
    component: Option<PathBuf>,
    /// The component that the build writes, where that is known.
    artifact: Option<PathBuf>,
    /// What the build writes.
    artifacts: BTreeSet<PathBuf>,
    artifact_dirs: BTreeSet<PathBuf>,
}

/// Changed files by what they mean.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    pub(super) config: BTreeSet<PathBuf>,
    pub(super) units: BTreeMap<UnitName, Differences>,
    /// Components that builds make, and that are there.
    pub(super) artifacts: BTreeMap<UnitName, PathBuf>,
}

impl Scope {
    /// Reads the manifests of cargo packages, for the packages that they depend on by path.
    pub(super) fn of(project: &Project, plugins: Option<&Store>, inputs: &Inputs) -> Self {
        let mut units = BTreeMap::from([(project.name.clone(), Sources::of(project))]);
        let mut config = config_of(project);
        config.extend(plugins.into_iter().flat_map(Store::sources));
        let siblings = project.dev.components.iter();
        let settings = siblings.map(|sibling| &sibling.settings);
        let mut written: BTreeSet<PathBuf> = settings
            .chain([&project.settings])
            .flat_map(written_by)
            .collect();
        written.extend(project.dev.blobstore.clone());
        for sibling in &project.dev.components {
            let sources = match &sibling.source {
                SiblingSource::File(path) => Sources::file(path),
                // It changes when the config does.
                SiblingSource::Image(_) => Sources::default(),
                SiblingSource::Project(project) => {
                    config.extend(config_of(project));
                    Sources::of(project)
                }
            };
            units.insert(sibling.name.clone(), sources);
        }
        let roots: Vec<PathBuf> = units.values().flat_map(Sources::roots).cloned().collect();
        let is_elsewhere = |file: &&PathBuf| !roots.iter().any(|root| file.starts_with(root));
        for (name, sources) in &mut units {
            let inputs = inputs.get(name).into_iter().flatten();
            sources.files.extend(inputs.filter(is_elsewhere).cloned());
        }
        Self {
            units,
            config,
            written,
        }
    }

    pub(super) fn targets(&self) -> Targets {
        let mut targets = Targets {
            files: self.config.clone(),
            except: self.written.clone(),
            ..Targets::default()
        };
        for sources in self.units.values() {
            targets.roots.extend(sources.roots().cloned());
            let files = sources.files.iter();
            let files = files.chain(&sources.component).chain(&sources.artifact);
            targets.files.extend(files.cloned());
            targets.except.extend(sources.artifacts.iter().cloned());
            targets
                .except_wasm_in
                .extend(sources.artifact_dirs.iter().cloned());
        }
        targets
    }

    pub(super) fn sort(&self, files: Differences) -> Sorted {
        let mut sorted = Sorted::default();
        for (file, difference) in files {
            for name in self.units_of(&file) {
                let unit = sorted.units.entry(name.clone()).or_default();
                unit.insert(file.clone(), difference);
            }
            for (name, sources) in &self.units {
                if sources.artifact.as_ref() == Some(&file) && !difference.after.is_missing() {
                    sorted.artifacts.insert(name.clone(), file.clone());
                }
            }
            if self.is_config(&file) {
                sorted.config.insert(file);
            }
        }
        sorted
    }

    /// Whether only a build has told of this file.
    pub(super) fn is_elsewhere(&self, file: &Path) -> bool {
        let targets = self.targets();
        !targets.roots.iter().any(|root| file.starts_with(root))
    }

    /// The sources of projects that are ignored, with the project's root.
    pub(super) fn ignored_sources(&self) -> Vec<(PathBuf, Ignored)> {
        let roots = self
            .units
            .values()
            .filter_map(|sources| sources.root.as_ref());
        let ignored = roots.filter_map(|root| Some((root.clone(), ignored_sources(root)?)));
        ignored.collect()
    }

    fn is_config(&self, file: &Path) -> bool {
        let dir = file.parent();
        self.config.contains(file) || dir.is_some_and(|dir| self.config.contains(dir))
    }

    fn units_of<'a>(&'a self, file: &'a Path) -> impl Iterator<Item = &'a UnitName> {
        // The innermost root counts: a sibling may live inside the project.
        let roots = self
            .units
            .values()
            .filter_map(|sources| sources.root.as_deref());
        let innermost = roots
            .filter(|root| file.starts_with(root))
            .max_by_key(|root| root.as_os_str().len());
        let is_a_component = self
            .units
            .values()
            .any(|sources| sources.component.as_deref() == Some(file));
        let only_config = self.is_config(file) && !is_project_file(file);
        let belongs = move |sources: &Sources| {
            let below = sources.root.as_deref() == innermost && innermost.is_some();
            let besides = sources.others.iter().any(|dir| file.starts_with(dir))
                || sources.globs.iter().any(|glob| glob.has(file));
            match is_a_component {
                true => sources.component.as_deref() == Some(file),
                false => {
                    let named = sources.files.contains(file);
                    let listed = (below || besides) && !sources.artifacts.contains(file);
                    named || (listed && !only_config)
                }
            }
        };
        self.units
            .iter()
            .filter(move |(_, sources)| belongs(sources))
            .map(|(name, _)| name)
    }
}

/// A directory that can only be read holds what people edit.
fn written_by(settings: &MemberSettings) -> impl Iterator<Item = PathBuf> {
    let volumes = settings
        .get::<Directories>()
        .0
        .iter()
        .filter_map(|directory| {
            let writes = directory.access == Access::ReadWrite;
            match &directory.volume {
                Volume::HostPath { path, .. } => writes.then_some(path),
                Volume::Empty { .. } => None,
            }
        });
    let keys = match &settings.get::<KeyValue>().backend {
        Some(KeyValueBackend::Database(path) | KeyValueBackend::Files(path)) => Some(path),
        Some(KeyValueBackend::Memory) | None => None,
    };
    // The watcher knows them without `..` and links.
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    volumes.chain(keys).map(real)
}

fn config_of(project: &Project) -> BTreeSet<PathBuf> {
    let mut files: BTreeSet<PathBuf> = project.sources.iter().cloned().collect();
    if project.build.command != Command::None {
        files.extend(PROJECT_FILES.map(|file| project.root.join(file)));
    }
    files
}

fn is_project_file(file: &Path) -> bool {
    PROJECT_FILES
        .iter()
        .any(|name| file.file_name() == Some(name.as_ref()))
}

impl Sources {
    fn file(path: &Path) -> Self {
        Self {
            component: Some(path.to_path_buf()),
            ..Self::default()
        }
    }

    /// Directories that are watched with everything below them.
    fn roots(&self) -> impl Iterator<Item = &PathBuf> {
        let globs = self.globs.iter().map(|glob| &glob.dir);
        self.root.iter().chain(&self.others).chain(globs)
    }

    fn of(project: &Project) -> Self {
        match (&project.build.command, &project.build.artifact) {
            (Command::None, Artifact::Path(path)) => return Self::file(path),
            (Command::None, Artifact::Image(_)) => return Self::default(),
            _ => {}
        }
        let mut sources = Self {
            root: Some(project.root.clone()),
            ..Self::default()
        };
        match &project.build.artifact {
            // A core module is wrapped, and the component put beside it.
            Artifact::Path(path) => {
                sources.artifact = Some(path.clone());
                sources
                    .artifacts
                    .extend([path.clone(), path.with_extension("component.wasm")]);
            }
            Artifact::Search(dirs) => sources.artifact_dirs.extend(dirs.iter().cloned()),
            Artifact::FromCargo | Artifact::Image(_) => {}
        }
        let cargo::Outside { dirs, files } = cargo::outside(&project.root);
        sources.others = dirs;
        sources.files = files;
        let wit = cargo::resolve(&project.root, &project.wit.dir.to_string_lossy());
        if !wit.starts_with(&project.root) {
            sources.add(wit);
        }
        for path in &project.build.watch {
            let path = cargo::resolve(&project.root, &path.to_string_lossy());
            match Glob::of(&path) {
                Some(glob) => sources.globs.push(glob),
                None => sources.add(path),
            }
        }
        sources
    }

    /// A file or a directory that may not be there yet, and may be ignored.
    fn add(&mut self, path: PathBuf) {
        if !path.is_file() {
            self.others.insert(path.clone());
        }
        if !path.is_dir() {
            self.files.insert(path);
        }
    }
}

#[cfg(test)]
mod tests;
