//! Decides who provides each import of a set of components, and composes them into one.
//!
//! Pure: shapes and names in, a plan and bytes out. Never sees wasmtime, tokio, files or config.

mod aliases;
mod candidates;
mod canonical_abi;
mod compose;
mod cycles;
mod exports;
mod facade;
mod failure;
mod fit;
mod grants;
mod identity;
mod index;
mod plan;
mod planner;
mod reexport;
mod remedy;
pub mod render;
mod resolve;
mod stub;
mod suggestions;
mod type_encoder;
mod unify;
mod wiring;
mod writer;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;

use wash_component::host_interface::HostInterface;
use wash_component::{Item, Shape, Types};

pub use compose::{ComposeError, compose};
pub use exports::answering;
pub use failure::{Difference, Fix, Lack, LinkFailure, NearMiss, Problem, Way};
pub use plan::{Edge, Exported, HostImport, LeftOut, LinkPlan, Planned, Provider, Reason};
pub use planner::plan;

/// The first difference that keeps an export from standing for an import.
pub fn difference(expected: (&Types, &Item), found: (&Types, &Item)) -> Option<Difference> {
    fit::fits(expected, found).err()
}

/// A component that takes part in linking.
#[derive(Debug, Clone)]
pub struct Member {
    /// Unique among the members; kebab-case names read best.
    pub name: String,
    pub role: Role,
    pub shape: Arc<Shape>,
    /// Explicit wiring from the project's config: interface (with or without version) to provider.
    pub wiring: BTreeMap<String, Wire>,
}

/// Where a member comes from; the order is the precedence when several could provide an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The project itself.
    Project,
    /// A component of `dev.components`. Ranks with `Project`.
    Sibling,
    /// A plugin the user installed. Takes part only when an import needs it.
    Plugin,
    /// A provider that `wash` ships. Takes part only when an import needs it and nobody else provides it.
    Shipped,
}

impl Role {
    /// How the config names a member of this role as a provider.
    fn wire_text(self, name: &str) -> String {
        match self {
            Role::Project | Role::Sibling => name.to_string(),
            Role::Plugin | Role::Shipped => format!("plugin:{name}"),
        }
    }
}

/// An explicit choice of provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    Member(WireTo),
    Plugin(WireTo),
    Host,
    /// Functions that trap when they are called.
    Stub,
    /// The host, or else the runtime that the composed component is made for.
    Runtime,
}

/// A provider by its name, and one of its exports where the names of both do not tell which is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireTo {
    pub name: String,
    pub export: Option<String>,
}

/// What separates a provider from its export in the text of a wire.
const EXPORT_MARK: char = '#';

impl FromStr for Wire {
    type Err = Infallible;

    /// Reads a wire as the config has it: `NAME`, `NAME#EXPORT`, `plugin:NAME`, `host`, `stub` or `runtime`.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let to = |text: &str| {
            let (name, export) = match text.split_once(EXPORT_MARK) {
                Some((name, export)) => (name, Some(export.to_string())),
                None => (text, None),
            };
            let name = name.to_string();
            WireTo { name, export }
        };
        Ok(match (text, text.strip_prefix("plugin:")) {
            ("host", _) => Wire::Host,
            ("stub", _) => Wire::Stub,
            ("runtime", _) => Wire::Runtime,
            (_, Some(plugin)) => Wire::Plugin(to(plugin)),
            (member, None) => Wire::Member(to(member)),
        })
    }
}

/// What to link.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinkRequest<'a> {
    /// In any order: the plan does not depend on it.
    pub members: &'a [Member],
    pub host: &'a [HostInterface],
    pub driven: Driven<'a>,
    pub exports: Exports,
    /// How many members the host can tell apart in one component, if there is a limit.
    pub max_members: Option<usize>,
    /// The composed component is for another runtime: what is wired to the runtime, and not served here, stays an import.
    pub other_runtime: bool,
    /// Link imports that nobody provides to functions that trap when they are called, instead of refusing.
    pub stub_missing: bool,
}

/// What is to be driven. Everything but [`Driven::Automatic`] is linked with what it needs and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Driven<'a> {
    /// What there is: the one member that answers requests, or else what the project exports. The project takes part,
    /// needed or not.
    #[default]
    Automatic,
    Http {
        /// The members through which requests go, in order and at least one: each but the last imports the handler that
        /// the next exports.
        chain: &'a [String],
        /// Where the config says so, for messages: `dev.http`.
        key: &'a str,
    },
    /// The `wasi:cli/run` of a member.
    Service(&'a str),
    /// The `wasmcloud:messaging/handler` of a member.
    Messages(&'a str),
    /// Nothing: what is exported is called by name. Only [`Exports::All`] exports anything then.
    Nothing,
}

/// What the composed component exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exports {
    /// What a host can drive: what was asked for, or the HTTP handler, or `wasi:cli/run`, or the handler of messages.
    #[default]
    Driven,
    /// Everything the project's component exports, besides.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wire_is_read_as_the_config_has_it() {
        let to = |name: &str, export: Option<&str>| WireTo {
            name: name.to_string(),
            export: export.map(str::to_string),
        };
        for (text, expected) in [
            ("host", Wire::Host),
            ("stub", Wire::Stub),
            ("runtime", Wire::Runtime),
            ("cache", Wire::Member(to("cache", None))),
            ("cache#first", Wire::Member(to("cache", Some("first")))),
            ("plugin:x", Wire::Plugin(to("x", None))),
            (
                "plugin:x#a:b/c@1.0.0",
                Wire::Plugin(to("x", Some("a:b/c@1.0.0"))),
            ),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }
}
