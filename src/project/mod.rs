//! A directory in, a [`Project`] out: the config file read, or the kind of project detected.
//!
//! Raw at the edge (`RawConfig` mirrors the file), resolved inside: absolute paths, and no `Option` that means
//! "default".

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::host::workload::{Limits, MemberSettings};

/// A project, ready to be built and run.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The name of its component in logs, wiring and config.
    pub name: String,
    /// Absolute, without symlinks.
    pub root: PathBuf,
    /// The files the project was read from (config, `.env`), existing or not: a change to one changes the project.
    pub sources: Vec<PathBuf>,
    pub build: Build,
    pub dev: Dev,
    /// What the project's own component is given at run time.
    pub settings: MemberSettings,
    /// Explicit wiring of the project's own component: interface -> `NAME`, `plugin:NAME`, `host` or `stub`.
    pub imports: BTreeMap<String, String>,
    /// Things to tell the user that do not stop anything: unknown keys, keys that need what we do not have yet.
    pub warnings: Vec<Warning>,
}

/// How the project's component comes to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    pub kind: Kind,
    pub command: Command,
    /// Added to the environment of the command.
    pub env: BTreeMap<String, String>,
    /// Where the command leaves the component.
    pub artifact: Artifact,
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

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Run by the shell: `sh -c`.
    Shell(String),
    /// Program and arguments.
    Argv(Vec<String>),
    /// Nothing to run.
    None,
}

/// How to find what was built.
#[derive(Debug, Clone, PartialEq)]
pub enum Artifact {
    Path(PathBuf),
    /// Ask cargo: the one component that the build's JSON messages name.
    FromCargo,
}

/// Settings of `wash dev`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dev {
    pub address: Address,
    pub components: Vec<Sibling>,
    pub limits: Limits,
}

/// Where to listen, and whether somebody asked for it: only an address nobody asked for may be replaced by the next
/// free port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub socket: SocketAddr,
    pub requested: bool,
}

/// A component of `dev.components`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sibling {
    pub name: String,
    pub source: SiblingSource,
    pub settings: MemberSettings,
    pub imports: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SiblingSource {
    /// An absolute path of a component.
    File(PathBuf),
    /// Another project, built and watched as well.
    Project(Box<Project>),
}

/// Something in the project's files that the user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub file: PathBuf,
    pub line: Option<usize>,
    pub message: String,
    pub hint: Option<String>,
}
