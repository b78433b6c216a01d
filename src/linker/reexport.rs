//! Functions that leave the composed component as they came into it.
//!
//! The engine runs exports that a core module stands behind, and no others. What a member passes on from another member is
//! an export of that one; what it passes on from the host is not.

use wash_component::{Place, Reexport};

use super::{Exported, LinkPlan, Problem, Provider};

/// The exports of a plan that pass on what comes from the host.
pub(super) fn find(plan: &LinkPlan) -> Vec<Problem> {
    plan.exports
        .iter()
        .flat_map(|exported| of_export(plan, exported))
        .collect()
}

fn of_export(plan: &LinkPlan, exported: &Exported) -> impl Iterator<Item = Problem> {
    let member = &plan.members[exported.member];
    let reexports = member.shape.reexports.iter();
    let reexports = reexports.filter(|reexport| reexport.export.name == exported.export);
    reexports.filter_map(|reexport| {
        let (importer, import) = of_host(plan, exported.member, reexport)?;
        Some(Problem::Reexport {
            member: member.name.clone(),
            export: exported.export.clone(),
            importer: plan.members[importer].name.clone(),
            import: import.name.clone(),
        })
    })
}

/// The member that imports from the host what a member passes on, and the import.
fn of_host<'a>(
    plan: &'a LinkPlan,
    mut member: usize,
    mut reexport: &'a Reexport,
) -> Option<(usize, &'a Place)> {
    // Members that depend on each other in a cycle are a problem of its own.
    for _ in &plan.members {
        let import = &reexport.import;
        let mut edges = plan.edges_of(member);
        match &edges.find(|edge| edge.import == import.name)?.provider {
            Provider::Host { .. } => return Some((member, import)),
            Provider::Nobody | Provider::Stub => return None,
            Provider::Member {
                member: provider,
                export,
            } => {
                let reexports = &plan.members[*provider].shape.reexports;
                let passed_on = |reexport: &&Reexport| {
                    reexport.export.name == *export && reexport.export.path == import.path
                };
                reexport = reexports.iter().find(passed_on)?;
                member = *provider;
            }
        }
    }
    None
}

impl LinkPlan {
    /// Whether the one member of a plan exports, besides what the plan exports, what the engine does not run.
    pub(super) fn leaves_out_exports(&self) -> bool {
        let [member] = self.members.as_slice() else {
            return false;
        };
        let is_left_out = |name: &String| self.exports.iter().all(|e| e.export != *name);
        let mut reexports = member.shape.reexports.iter();
        let mut exports = member.shape.exports.iter();
        reexports.any(|reexport| is_left_out(&reexport.export.name))
            || exports.any(|(name, export)| !export.item.runs() && is_left_out(name))
    }
}
