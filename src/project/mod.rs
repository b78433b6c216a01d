//! A directory in, a [`Project`] out: the config file read, or the kind of project detected.
//!
//! Raw at the edge (`RawConfig` mirrors the file), resolved inside: absolute paths, and no `Option` that means
//! "default".

mod dotenv;
mod drive;
mod error;
mod exposure;
mod interfaces;
pub mod keys;
mod keyvalue;
pub(crate) mod language;
mod layers;
pub mod merged;
mod parse;
mod raw;
mod redact;
mod resolve;
mod settings;
mod setup;
mod siblings;
mod sockets;
pub mod starter;
mod table;
mod transport;
mod units;
mod value;
mod verdict;
mod wit;
pub mod yaml;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Component, Path, PathBuf};

use layers::Layers;
use raw::RawConfig;
use resolve::Resolver;
use table::Notes;
use wash_common::process::Command;
use wash_fetch::oci::{PullPolicy, Reference};
use wash_fetch::wit::Wit;
use wash_runtime::capability::sockets::PublishedPort;
use wash_runtime::workload::{Limits, MemberSettings};

pub use drive::{Routed, Service};
pub use error::ProjectError;
pub use setup::set_up_command;
pub use verdict::{Verdict, verdict, verdict_on};

/// What the command line and the environment say on top of the project's files.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub purpose: Purpose,
    /// `--address`.
    pub address: Option<String>,
    /// `--tls`: what `dev.tls` says.
    pub tls: Option<String>,
    /// `--config`: read this file instead of `.wash/config.*`.
    pub config: Option<PathBuf>,
    /// `--artifact-path`: where the build leaves the component, relative to the project.
    pub artifact: Option<String>,
    /// `--user-config`; by default `config.{yaml,yml,json,toml}` in `wash` in the user's config directory.
    pub user_config: Option<PathBuf>,
    /// `--skip-fetch`: a build takes the WIT packages as they are.
    pub skip_fetch: bool,
    /// `--offline`: nothing goes to the network.
    pub offline: bool,
    /// Variables of the environment, for those named `WASH_SECTION__KEY` and for `fromEnv`.
    pub env: BTreeMap<String, String>,
}

impl Overrides {
    /// For a project that this one names.
    fn of_sibling(&self) -> Self {
        Self {
            purpose: self.purpose,
            user_config: self.user_config.clone(),
            env: self.env.clone(),
            skip_fetch: self.skip_fetch,
            offline: self.offline,
            ..Self::default()
        }
    }
}

/// What a project is loaded for: `dev.command` and `dev.component_path` replace those of `build` in `wash dev`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    #[default]
    Build,
    Dev,
    /// Everything that `wash dev` links, but each component as `wash build` builds it.
    Compose,
}

/// A project, ready to be built and run.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The name of its component in logs, wiring and config.
    pub name: String,
    /// Absolute, without symlinks.
    pub root: PathBuf,
    /// The files the project was read from (config, files of variables), and directories of such files, existing or not: a change to
    /// one changes the project.
    pub sources: Vec<PathBuf>,
    pub build: Build,
    pub dev: Dev,
    /// Where its WIT packages come from.
    pub wit: Wit,
    /// Run-time settings of the project's own component.
    pub settings: MemberSettings,
    /// What messages its own component is given, if it takes any: subjects with NATS wildcards, none for all.
    pub subscriptions: Vec<String>,
    /// Explicit wiring of the project's own component: interface -> `NAME`, `NAME#EXPORT`, `plugin:NAME`, `host`, `stub` or
    /// `runtime`.
    pub imports: BTreeMap<String, String>,
    /// Things to tell the user that do not stop anything: unknown keys, keys that need what we do not have yet.
    pub warnings: Vec<Warning>,
}

impl Project {
    /// Around a component that is there already: nothing is run, and nothing else is said.
    pub fn around(name: &str, root: &Path, artifact: Artifact) -> Self {
        Self {
            name: name.to_string(),
            root: root.to_path_buf(),
            sources: Vec::new(),
            build: Build {
                kind: Kind::Prebuilt,
                command: Command::None,
                env: BTreeMap::new(),
                watch: Vec::new(),
                artifact,
            },
            dev: Dev::default(),
            wit: Wit::default(),
            settings: MemberSettings::default(),
            subscriptions: Vec::new(),
            imports: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }
}

impl Project {
    /// The directory in which what components store is kept. A component that is there already lies in a project's
    /// `target`, say, which is cleaned now and then.
    pub fn keeps_in(&self) -> PathBuf {
        let is_project = |dir: &&Path| layers::has_config(dir) || language::has_project_file(dir);
        let mut above = self.root.ancestors();
        match (self.build.kind, &self.build.artifact) {
            (Kind::Prebuilt, Artifact::Path(_)) => above.find(is_project).unwrap_or(&self.root),
            _ => &self.root,
        }
        .to_path_buf()
    }
}

/// How the project's component comes to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    pub kind: Kind,
    pub command: Command,
    /// Added to the environment of the command.
    pub env: BTreeMap<String, String>,
    /// What it reads outside the project, or although it is ignored: absolute paths, also with wildcards.
    pub watch: Vec<PathBuf>,
    /// Where the command leaves the component.
    pub artifact: Artifact,
}

impl Build {
    /// The profile of a cargo build, as its target directory calls it. `None` where it cannot be told.
    pub fn profile(&self) -> Option<&str> {
        let (Kind::Cargo, Command::Argv(argv)) = (self.kind, &self.command) else {
            return None;
        };
        let mut words = argv.iter().map(String::as_str);
        if words.next() != Some("cargo") {
            return None;
        }
        let mut profile = "debug";
        while let Some(word) = words.next() {
            match word {
                "--release" | "-r" => profile = "release",
                "--profile" => profile = words.next()?,
                word => profile = word.strip_prefix("--profile=").unwrap_or(profile),
            }
        }
        Some(match profile {
            "dev" => "debug",
            profile => profile,
        })
    }
}

/// What the project is written in, so far as it matters for building and for advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Cargo,
    Npm,
    Python,
    Go,
    /// A build command from the config, in a directory we do not recognise.
    Custom,
    /// A component that is there already: `wash dev app.wasm`.
    Prebuilt,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Cargo => "cargo",
            Kind::Npm => "npm",
            Kind::Python => "python",
            Kind::Go => "go",
            Kind::Custom => "custom",
            Kind::Prebuilt => "prebuilt",
        }
    }

    /// What a project of this kind is.
    pub fn about(self) -> &'static str {
        match self {
            Kind::Cargo => "a Cargo package",
            Kind::Npm => "a JavaScript package",
            Kind::Python => "a Python project",
            Kind::Go => "a Go module",
            Kind::Custom => "with its own build command",
            Kind::Prebuilt => "an existing component",
        }
    }
}

/// How to find what was built.
#[derive(Debug, Clone, PartialEq)]
pub enum Artifact {
    Path(PathBuf),
    /// Ask cargo: the one component that the build's JSON messages name.
    FromCargo,
    /// The one `.wasm` file in these absolute directories, not below them.
    Search(Vec<PathBuf>),
    /// Pulled, not built.
    Image(Image),
}

/// Settings of `wash dev`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dev {
    pub address: Address,
    /// With the service, where that is none of the others.
    pub components: Vec<Sibling>,
    /// The components through which HTTP requests go, in order, the last one answers; empty when there is one only, or
    /// there are routes.
    pub http: Vec<String>,
    /// Without any, all requests go the same way.
    pub routes: Vec<Routed>,
    /// What the config makes the service.
    pub service: Option<Service>,
    /// Ports of the service that are open on the machine.
    pub service_ports: Vec<PublishedPort>,
    /// Of what the project's own component answers.
    pub limits: Limits,
    /// Where blobs are kept, instead of with the rest of the project's state: a directory for each container.
    pub blobstore: Option<PathBuf>,
    /// `None` serves plain HTTP.
    pub tls: Option<ServerTls>,
    /// Names that requests may be for, beside `localhost`, addresses and the hosts of routes: a name, `*.suffix`, or `*`.
    pub allowed_hosts: Vec<String>,
    /// Maximum concurrent connections to the server; more wait.
    pub max_connections: Option<NonZeroUsize>,
    /// Capabilities of the host that are switched off, and where that is said: the key, then the file and the line.
    pub off: BTreeMap<String, String>,
}

/// How the server does HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    pub certificate: Certificate,
    /// A file in PEM, absolute: clients must show a certificate that one of these authorities has signed.
    pub client_authorities: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// Made by `wash`, and kept with the project's state.
    SelfSigned,
    /// Absolute paths of files in PEM.
    Files { certificate: PathBuf, key: PathBuf },
}

impl ServerTls {
    /// The user's own files.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let own = match &self.certificate {
            Certificate::SelfSigned => [None, None],
            Certificate::Files { certificate, key } => [Some(certificate), Some(key)],
        };
        own.into_iter().flatten().chain(&self.client_authorities)
    }
}

/// Where to listen, and whether somebody asked for it: only an address nobody asked for may be replaced by the next
/// free port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub socket: SocketAddr,
    pub requested: bool,
    /// Both addresses of `localhost`, of which `socket` is one.
    pub localhost: bool,
}

impl Default for Address {
    fn default() -> Self {
        Self {
            socket: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            requested: false,
            localhost: false,
        }
    }
}

/// A component of `dev.components`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sibling {
    pub name: String,
    pub source: SiblingSource,
    pub settings: MemberSettings,
    /// As [`Project::subscriptions`].
    pub subscriptions: Vec<String>,
    pub imports: BTreeMap<String, String>,
    /// Of what it answers, or runs, as the one that is driven.
    pub limits: Limits,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SiblingSource {
    /// An absolute path of a component.
    File(PathBuf),
    /// Another project, built and watched as well.
    Project(Box<Project>),
    Image(Image),
}

/// A component in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub reference: Reference,
    pub policy: PullPolicy,
    /// The registry may be one without TLS.
    pub insecure: bool,
}

/// Something in the project's files that the user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub file: PathBuf,
    pub line: Option<usize>,
    pub message: String,
    pub hint: Option<String>,
    /// Program and arguments of what mends it and can do no harm. The hint says the same.
    pub mend: Option<Vec<String>>,
}

/// The project that `start` lies in.
///
/// That is `start` itself if it has a `.wash/config.*` or a project file we recognise; else the nearest directory
/// above with a config, else the nearest with a project file.
pub fn find_root(start: &Path) -> Result<PathBuf, ProjectError> {
    let start = directory(start)?;
    let is_root = |dir: &&Path| layers::has_config(dir) || language::has_project_file(dir);
    let above = || start.ancestors().skip(1);
    Some(start.as_path())
        .filter(is_root)
        .or_else(|| above().find(|dir| layers::has_config(dir)))
        .or_else(|| above().find(|dir| language::has_project_file(dir)))
        .map(Path::to_path_buf)
        .ok_or_else(|| ProjectError::NotRecognised {
            start: start.clone(),
            searched_above: true,
        })
}

/// Reads the project in `dir`. Every problem of its config files is told at once.
pub fn load(dir: &Path, overrides: &Overrides) -> Result<Project, ProjectError> {
    load_below(dir, overrides, &[])
}

/// What would be there without any config: `None` where nothing says how it is built, or more than one thing.
pub fn detected(dir: &Path) -> Result<Option<Project>, ProjectError> {
    let root = directory(dir)?;
    let (notes, overrides) = (Notes::default(), Overrides::default());
    let resolver = Resolver {
        root: &root,
        overrides: &overrides,
        notes: &notes,
        parents: &[],
    };
    Ok(resolver.project(RawConfig::default(), Vec::new()).ok())
}

/// The config files that a directory may have, the first that is there is read.
pub fn config_files(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    layers::files_in(&dir.join(".wash"))
}

/// Where the user's config file is, or would be: the first that is there.
pub fn user_config_file(overrides: &Overrides) -> Option<PathBuf> {
    layers::user_file(overrides)
}

fn load_below(
    dir: &Path,
    overrides: &Overrides,
    parents: &[PathBuf],
) -> Result<Project, ProjectError> {
    let root = directory(dir)?;
    let seen = parents.contains(&root);
    let parents: Vec<PathBuf> = parents.iter().cloned().chain([root.clone()]).collect();
    if seen {
        return Err(ProjectError::Cycle(parents));
    }
    let notes = Notes::default();
    let Layers { config, sources } = layers::read(Some(&root), overrides, &notes)?;
    let raw = RawConfig::read(&notes, config);
    let resolver = Resolver {
        root: &root,
        overrides,
        notes: &notes,
        parents: &parents,
    };
    // What is wrong in the files comes first: it may be the reason why the rest cannot be resolved.
    match resolver.project(raw, sources) {
        Err(_) if !notes.problems.borrow().is_empty() => {
            Err(ProjectError::Invalid(sorted(notes.problems.into_inner())))
        }
        Err(ProjectError::NoBuild { root, .. }) => Err(ProjectError::NoBuild {
            root,
            unknown: sorted(notes.unknown.into_inner()),
        }),
        Err(error) => Err(error),
        Ok(project) => checked(project, notes),
    }
}

/// A project around a component that is there already. Of the config files only the user's applies to it.
pub fn prebuilt(path: &Path, overrides: &Overrides) -> Result<Project, ProjectError> {
    // A pipe or a terminal would have to be read more than once.
    let is_special = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
    if fs::metadata(path).is_ok_and(is_special) {
        return Err(ProjectError::NotRegular(path.to_path_buf()));
    }
    let none = |_| ProjectError::NoSuchFile(path.to_path_buf());
    let real = path.canonicalize().map_err(none)?;
    if real.is_dir() {
        return Err(ProjectError::NotAFile(real));
    }
    // A link keeps its name: it may be pointed elsewhere while a session runs.
    let path = match path.components().any(|part| part == Component::ParentDir) {
        true => real,
        false => std::path::absolute(path).unwrap_or(real),
    };
    let root = path.parent().unwrap_or(Path::new("/")).to_path_buf();
    let name = resolve::name_of(&path);
    as_user_says(
        Project::around(&name, &root, Artifact::Path(path)),
        overrides,
    )
}

/// A project around a component in a registry. What it keeps, it keeps in `root`.
pub fn image(image: Image, root: &Path, overrides: &Overrides) -> Result<Project, ProjectError> {
    let name = image.reference.name().to_string();
    let project = Project::around(&name, &directory(root)?, Artifact::Image(image));
    as_user_says(project, overrides)
}

fn as_user_says(project: Project, overrides: &Overrides) -> Result<Project, ProjectError> {
    let notes = Notes::default();
    let Layers { config, sources } = layers::read(None, overrides, &notes)?;
    let raw = RawConfig::read(&notes, config);
    let resolver = Resolver {
        root: &project.root.clone(),
        overrides,
        notes: &notes,
        parents: &[],
    };
    let project = resolver.given(project, raw, sources);
    checked(project, notes)
}

/// What a directory's config says of WIT packages, and the directory that it is said for: also one that is no project
/// otherwise, but a WIT package alone.
pub fn wit(
    start: &Path,
    overrides: &Overrides,
) -> Result<(PathBuf, Wit, Vec<Warning>), ProjectError> {
    let start = directory(start)?;
    let root = match start.join(Wit::default().dir).is_dir() {
        true => start,
        false => find_root(&start).unwrap_or(start),
    };
    let notes = Notes::default();
    let Layers { config, .. } = layers::read(Some(&root), overrides, &notes)?;
    let raw = RawConfig::read(&notes, config);
    let sibling_paths = raw.dev.sibling_paths();
    let wit = Wit {
        offline: overrides.offline,
        ..raw.wit.with_siblings(&root, &sibling_paths)
    };
    let problems = notes.problems.into_inner();
    match problems.is_empty() {
        true => Ok((root, wit, sorted(notes.warnings.into_inner()))),
        false => Err(ProjectError::Invalid(sorted(problems))),
    }
}

fn checked(mut project: Project, notes: Notes) -> Result<Project, ProjectError> {
    let problems = notes.problems.into_inner();
    if !problems.is_empty() {
        return Err(ProjectError::Invalid(sorted(problems)));
    }
    project.warnings = sorted(notes.warnings.into_inner());
    Ok(project)
}

/// In the order of the files, so that people can go through them from top to bottom. What several components share is
/// read for each of them, and told once.
fn sorted(all: Vec<Warning>) -> Vec<Warning> {
    let mut found: Vec<Warning> = Vec::new();
    for note in all {
        if !found.contains(&note) {
            found.push(note);
        }
    }
    found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    found
}

/// Absolute, without symlinks.
fn directory(dir: &Path) -> Result<PathBuf, ProjectError> {
    let real = dir.canonicalize().ok().filter(|real| real.is_dir());
    real.ok_or_else(|| ProjectError::NoSuchDirectory(dir.to_path_buf()))
}
