//! The outcome of planning: plain data that `compose` follows and people read.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;
use wash_component::host_interface::Scope;
use wash_component::{InterfaceName, Shape};

use super::Role;

/// Who provides each import, and why.
#[derive(Debug, Clone)]
pub struct LinkPlan {
    /// The members that take part: the project, then the others by role and name.
    pub members: Vec<Planned>,
    /// One for each import of each member, in the order of members and of their imports.
    pub edges: Vec<Edge>,
    /// What the composed component exports.
    pub exports: Vec<Exported>,
    /// What the composed component imports from the host. Imports that only name types are not among them: nobody
    /// needs to serve those.
    pub host: Vec<HostImport>,
    /// Members that do not take part, by role and name.
    pub left_out: Vec<LeftOut>,
}

/// A member that takes part.
#[derive(Debug, Clone)]
pub struct Planned {
    pub name: String,
    pub role: Role,
    pub shape: Arc<Shape>,
    /// Where it stands in [`LinkRequest::members`](super::LinkRequest::members).
    pub index: usize,
}

/// One import and its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Index into [`LinkPlan::members`].
    pub member: usize,
    /// The import's name in that member.
    pub import: String,
    pub provider: Provider,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// An export of another member.
    Member {
        /// Index into [`LinkPlan::members`].
        member: usize,
        /// The export's name in that member.
        export: String,
    },
    /// The host.
    Host {
        /// Index into [`LinkPlan::host`].
        import: usize,
    },
    /// Nobody: the import only names types.
    Nobody,
    /// Nobody: its functions trap when they are called, with a message that names them and the caller.
    Stub,
}

/// Why an import has its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The project's config says so.
    Wired,
    /// It is the next in the chain of HTTP handlers.
    Chain,
    /// The project or a sibling exports it.
    Sibling,
    /// An installed plugin exports it.
    Plugin,
    /// A provider that `wash` ships exports it, and nobody else has it.
    Shipped,
    /// It is WASI, which comes from the host.
    Wasi,
    /// A capability of the host serves it.
    Capability(&'static str),
    /// It only names types.
    OnlyTypes,
    /// Nobody provides it, and the user asked to go on without it.
    Missing,
}

/// An export of the composed component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Index into [`LinkPlan::members`].
    pub member: usize,
    /// The export's name, in the member and in the composed component.
    pub export: String,
}

/// An import of the composed component that the host must serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostImport {
    /// Its name in the composed component: the interface's own, or a plain one such as
    /// `blob-wasi-filesystem-preopens` where each member has its own.
    pub import: String,
    /// The interface to serve under that name, as the members import it; the highest version where they share it. `None`
    /// for what has no such name, which only another runtime serves.
    pub interface: Option<InterfaceName>,
    pub scope: Scope,
    /// The member it belongs to, an index into [`LinkPlan::members`]; `None` if it is shared.
    pub member: Option<usize>,
    /// What serves it; `None` where it is left to the runtime that the composed component is made for.
    pub capability: Option<&'static str>,
    /// Its resources that an import before it, of the same interface for another member, has as well: which one that is,
    /// an index into [`LinkPlan::host`]. They are the same, so that members can lend each other what they were granted.
    pub same: BTreeMap<String, usize>,
}

impl HostImport {
    /// The version of its interface.
    pub fn version(&self) -> Option<&Version> {
        self.interface
            .as_ref()
            .and_then(|interface| interface.version.as_ref())
    }
}

/// A member that does not take part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub name: String,
    pub role: Role,
    /// What it exports, and nothing imports.
    pub exports: Vec<String>,
}

impl LinkPlan {
    /// Whether there is anything to write: several members, stubs, or exports to be left out. Otherwise the one member runs
    /// as it is.
    pub fn needs_composing(&self) -> bool {
        self.members.len() > 1
            || self.edges.iter().any(|e| e.provider == Provider::Stub)
            || self.leaves_out_exports()
    }

    /// The edges of one member.
    pub fn edges_of(&self, member: usize) -> impl Iterator<Item = &Edge> {
        // They stand together; looking through all of them for each resource would cost the square of their number.
        let first = self.edges.partition_point(|edge| edge.member < member);
        self.edges[first..]
            .iter()
            .take_while(move |edge| edge.member == member)
    }
}
