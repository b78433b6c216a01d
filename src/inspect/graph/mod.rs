//! A plan as a picture: components as boxes, what one has from another as arrows, the host at the bottom.
//!
//! [`Graph`] says what is in the picture. [`svg`] draws it, where `layout` says; [`dot`] leaves that to Graphviz.

mod dot;
mod layout;
mod svg;

use wash_common::units::size;

use super::names::together;
use super::view::{Plan, Provider};

pub use dot::dot;
pub use svg::svg;

/// What is in a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    /// A second line, smaller.
    pub detail: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What makes the host call a component.
    Driver,
    Member,
    /// A member that takes no part.
    Idle,
    Host,
    /// Stands for functions that trap.
    Stub,
    /// Stands for the providers that there are not.
    Missing,
}

/// An arrow from a component to the one it imports from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Indexes into [`Graph::nodes`].
    pub from: usize,
    pub to: usize,
    /// The interfaces, a line each.
    pub lines: Vec<String>,
}

/// The picture of a plan. Imports that only name types are not in it.
pub fn graph(plan: &Plan) -> Graph {
    let mut graph = Graph {
        nodes: Vec::new(),
        edges: Vec::new(),
    };
    for member in &plan.members {
        let detail = format!("{}, {}", member.role, size(member.size));
        let kind = if member.takes_part || plan.edges.is_empty() {
            Kind::Member
        } else {
            Kind::Idle
        };
        graph.node(&member.name, &detail, kind);
    }
    let mut imports = Vec::new();
    for import in plan.edges.iter().filter_map(|edge| {
        let to = match &edge.provider {
            Provider::Member { member, .. } => (member.as_str(), Kind::Member),
            Provider::Host { .. } => ("the host", Kind::Host),
            Provider::Runtime { .. } => ("the runtime", Kind::Host),
            Provider::Stub => ("stubs", Kind::Stub),
            Provider::Missing => ("no provider", Kind::Missing),
            Provider::Nobody => return None,
        };
        Some(((edge.member.as_str(), to), edge.import.as_str()))
    }) {
        // Several entries may need the same member.
        if !imports.contains(&import) {
            imports.push(import);
        }
    }
    for ((from, (to, kind)), line) in together(imports) {
        let from = graph.node(from, "", Kind::Member);
        let to = graph.node(to, "", kind);
        graph.line(from, to, line);
    }
    let driven = plan.exports.iter().filter_map(|export| {
        let driver = match export.driven_by? {
            "http" => "HTTP requests",
            "messages" => "messages",
            "plugin" => "wash",
            _ => "run",
        };
        Some(((driver, export.member.as_str()), export.export.as_str()))
    });
    for ((driver, member), line) in together(driven) {
        let from = graph.node(driver, "", Kind::Driver);
        let to = graph.node(member, "", Kind::Member);
        graph.line(from, to, line);
        if plan.entries.len() > 1 {
            let entries = plan.entries.iter().filter(|entry| entry.name == member);
            let which = match driver {
                "HTTP requests" => entries.flat_map(|entry| &entry.routes).collect(),
                "messages" => entries.flat_map(|entry| &entry.subscriptions).collect(),
                _ => Vec::new(),
            };
            for which in which {
                graph.line(from, to, which.clone());
            }
        }
    }
    graph
}

impl Graph {
    /// The node of that name, new if there is none yet. A component may have the name of something else.
    fn node(&mut self, name: &str, detail: &str, kind: Kind) -> usize {
        let group = |kind| match kind {
            Kind::Idle => Kind::Member,
            other => other,
        };
        let known = self
            .nodes
            .iter()
            .position(|node| node.name == name && group(node.kind) == group(kind));
        known.unwrap_or_else(|| {
            self.nodes.push(Node {
                name: name.to_string(),
                detail: detail.to_string(),
                kind,
            });
            self.nodes.len() - 1
        })
    }

    fn line(&mut self, from: usize, to: usize, line: String) {
        let same = |edge: &&mut Edge| (edge.from, edge.to) == (from, to);
        match self.edges.iter_mut().find(same) {
            Some(edge) if edge.lines.contains(&line) => {}
            Some(edge) => edge.lines.push(line),
            None => self.edges.push(Edge {
                from,
                to,
                lines: vec![line],
            }),
        }
    }
}
