//! What is stored of an installed plugin: everything that listing, help, parsing and completion need, so that none of
//! them runs it.
//!
//! Texts were checked and cleaned at the installation (`plugin::describe`); whoever prints them need not do it again.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wash_fetch::oci::Digest;

/// The form of the stored file. A manifest of another form is not read.
pub const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// What it is called here, which `--name` may have chosen.
    pub name: String,
    pub version: Option<String>,
    pub summary: String,
    /// Of the component. Another one is never run under this name.
    #[serde(with = "digest")]
    pub digest: Digest,
    /// Bytes of the component.
    pub size: u64,
    pub source: Source,
    /// When, as RFC 3339 writes it.
    pub installed: String,
    pub runs: Runs,
    /// Commands and groups, each after the group that holds it.
    pub commands: Vec<Command>,
    pub hooks: Vec<HookPoint>,
    /// How `hook` is to be called, if there are hooks.
    #[serde(default)]
    pub async_hooks: bool,
    /// Whether it exports `complete`.
    pub completes: bool,
    /// The interfaces that it imports, with their versions.
    pub imports: Vec<String>,
    /// The interfaces that it offers to `wash dev`.
    pub provides: Vec<String>,
    pub wants: Vec<Want>,
}

/// Where a plugin came from, to be looked at again by `upgrade`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    File(#[serde(serialize_with = "crate::report::serialize_path")] PathBuf),
    /// A project, which is built first.
    Project(#[serde(serialize_with = "crate::report::serialize_path")] PathBuf),
    /// A reference to a registry.
    Image(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Project(path) => path.display().fmt(f),
            Self::Image(reference) => reference.fmt(f),
        }
    }
}

/// How its commands are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runs {
    /// `wash:plugin/runner`
    Commands,
    /// `wash:plugin/async-runner`
    AsyncCommands,
    /// `wasi:cli/run`: its one command takes its arguments as they are written.
    Program,
    /// It adds no commands.
    Nothing,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The words after `wash`. The first may have been chosen by `--as`.
    pub path: Vec<String>,
    /// The path as the plugin has it.
    pub described: Vec<String>,
    pub summary: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// It only holds others.
    #[serde(default)]
    pub group: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    pub name: String,
    pub summary: String,
    pub kind: ValueKind,
    pub count: Count,
    pub default: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    One,
    AtMostOne,
    AtLeastOne,
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    pub name: String,
    pub short: Option<char>,
    pub summary: String,
    /// `None` for a switch.
    pub kind: Option<ValueKind>,
    pub required: bool,
    pub repeated: bool,
    pub default: Option<String>,
}

/// What is accepted as a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    Text,
    /// Text, for which the plugin knows candidates.
    Completed,
    Integer {
        least: Option<i64>,
        most: Option<i64>,
    },
    Number,
    Boolean,
    OneOf(Vec<Choice>),
    /// With one of these extensions; none allows any.
    File(Vec<String>),
    Directory,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub value: String,
    pub summary: String,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum HookPoint {
    BeforeBuild,
    AfterBuild,
    BeforeDev,
    AfterDev,
    BeforePush,
    AfterPush,
}

impl HookPoint {
    pub const ALL: [Self; 6] = [
        Self::BeforeBuild,
        Self::AfterBuild,
        Self::BeforeDev,
        Self::AfterDev,
        Self::BeforePush,
        Self::AfterPush,
    ];

    /// As it is written in WIT: `before-build`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeBuild => "before-build",
            Self::AfterBuild => "after-build",
            Self::BeforeDev => "before-dev",
            Self::AfterDev => "after-dev",
            Self::BeforePush => "before-push",
            Self::AfterPush => "after-push",
        }
    }
}

/// Something that a plugin asks to be allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    pub what: Permission,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Absolute, or beginning with `~/`.
    Directory {
        path: String,
        access: Access,
    },
    Host(String),
    Environment(String),
    /// A program and the arguments that it must begin with.
    Program(Vec<String>),
    Project(Access),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

impl Manifest {
    /// The words that it adds after `wash`.
    pub fn top_level(&self) -> impl Iterator<Item = &Command> {
        self.commands
            .iter()
            .filter(|command| command.path.len() == 1)
    }

    /// The command with this path.
    pub fn command(&self, path: &[String]) -> Option<&Command> {
        self.commands.iter().find(|command| command.path == path)
    }
}

mod digest {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use wash_fetch::oci::Digest;

    pub(super) fn serialize<S: Serializer>(
        digest: &Digest,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        digest.as_str().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
