//! A plan and the bytes of its members in, one component out.

use wac_graph::types::{Package, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use super::{LinkPlan, Provider};

/// A valid plan did not compose: a bug of `wash`, or bytes that are not those the plan was made from.
#[derive(Debug, thiserror::Error)]
#[error("a valid plan did not compose, which is a bug in wash: {reason}")]
pub struct ComposeError {
    pub reason: String,
}

/// Composes the members of a plan into one component. `bytes` has those of each of [`LinkPlan::members`], in order.
///
/// A plan with a single member needs no composition: its bytes come back as they are. The result is not validated: the
/// engine does that when it compiles it.
pub fn compose(plan: &LinkPlan, bytes: &[&[u8]]) -> Result<Vec<u8>, ComposeError> {
    if bytes.len() != plan.members.len() {
        return Err(ComposeError { reason: format!("{} members came with {} files", plan.members.len(), bytes.len()) });
    }
    if let [single] = bytes {
        return Ok(single.to_vec());
    }
    let mut composition = Composition { plan, graph: CompositionGraph::new(), instances: Vec::new() };
    for (member, bytes) in bytes.iter().enumerate() {
        composition.instantiate(member, bytes)?;
    }
    for edge in 0..plan.edges.len() {
        composition.connect(edge)?;
    }
    composition.export()?;
    let options = EncodeOptions { validate: false, ..EncodeOptions::default() };
    composition.graph.encode(options).map_err(|e| reason("encoding", e))
}

struct Composition<'a> {
    plan: &'a LinkPlan,
    graph: CompositionGraph,
    /// Instance and type of each member.
    instances: Vec<(NodeId, WorldId)>,
}

impl Composition<'_> {
    fn instantiate(&mut self, member: usize, bytes: &[u8]) -> Result<(), ComposeError> {
        let name = &self.plan.members[member].name;
        let package = Package::from_bytes(name, None, bytes, self.graph.types_mut()).map_err(|e| reason(name, e))?;
        let world = package.ty();
        let package = self.graph.register_package(package).map_err(|e| reason(name, e))?;
        self.instances.push((self.graph.instantiate(package), world));
        Ok(())
    }

    /// Connects an import with its provider. Shared imports of the host are left open: what is left open is imported
    /// under its own name, versions of one track as one.
    fn connect(&mut self, edge: usize) -> Result<(), ComposeError> {
        let edge = &self.plan.edges[edge];
        let (instance, world) = self.instances[edge.member];
        let argument = match &edge.provider {
            Provider::Member { member, export } => {
                self.graph.alias_instance_export(self.instances[*member].0, export).map_err(|e| reason(export, e))?
            }
            Provider::Host { import } => {
                let host = &self.plan.host[*import];
                if host.member.is_none() {
                    return Ok(());
                }
                let kind = self.graph.types()[world].imports.get(&edge.import).copied();
                let kind = kind.ok_or_else(|| ComposeError { reason: format!("`{}`: the component has no such import", edge.import) })?;
                self.graph.import(&host.import, kind).map_err(|e| reason(&host.import, e))?
            }
            Provider::Nobody => return Ok(()),
        };
        self.graph
            .set_instantiation_argument(instance, &edge.import, argument)
            .map_err(|e| reason(&edge.import, e))
    }

    fn export(&mut self) -> Result<(), ComposeError> {
        for exported in &self.plan.exports {
            let instance = self.instances[exported.member].0;
            let item = self.graph.alias_instance_export(instance, &exported.export).map_err(|e| reason(&exported.export, e))?;
            self.graph.export(item, &exported.export).map_err(|e| reason(&exported.export, e))?;
        }
        Ok(())
    }
}

fn reason(at: &str, error: impl Into<anyhow::Error>) -> ComposeError {
    ComposeError { reason: format!("`{at}`: {:#}", error.into()) }
}
