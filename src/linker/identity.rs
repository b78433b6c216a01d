//! Whether a resource is the same one everywhere it is spoken of.
//!
//! Types of values are equal when they look equal. A resource is only ever equal to itself: when an app imports
//! `types` from one member and `store`, which uses a resource of `types`, from another, both must mean the resource
//! of the first.

use std::collections::HashSet;

use super::fit::fits;
use super::near::HOST;
use super::{LinkPlan, Problem, Provider};
use crate::component::{Item, Origin, ResourceId};

/// Who makes a resource: two are equal if these are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Maker {
    /// An import of the composed component, and the resource's name in it.
    Host { import: usize, name: String },
    /// An instance of a member.
    Member { member: usize, resource: ResourceId },
}

/// Finds every resource that two sides of a connection do not mean alike. The plan has no circles.
pub(super) fn check(plan: &LinkPlan) -> Vec<Problem> {
    let mut problems = Vec::new();
    for edge in &plan.edges {
        let member = &plan.members[edge.member];
        let import = &member.shape.imports[&edge.import];
        let clash = |provider: &str, resource: ResourceId, here: &Maker, there: &str| {
            Problem::ResourceClash {
                member: member.name.clone(),
                import: edge.import.clone(),
                provider: provider.to_string(),
                resource: member.shape.types.resource(resource).name.clone(),
                here: maker_name(plan, here),
                there: there.to_string(),
            }
        };
        match &edge.provider {
            Provider::Member {
                member: place,
                export,
            } => {
                let provider = &plan.members[*place];
                let export = &provider.shape.exports[export];
                let pairs = fits(
                    (&member.shape.types, &import.item),
                    (&provider.shape.types, &export.item),
                );
                let mut pairs: Vec<_> = pairs.unwrap_or_default().into_iter().collect();
                pairs.sort();
                for (expected, found) in pairs {
                    let (here, there) = (
                        maker(plan, edge.member, expected),
                        maker(plan, *place, found),
                    );
                    if here != there {
                        problems.push(clash(
                            &provider.name,
                            expected,
                            &here,
                            &maker_name(plan, &there),
                        ));
                    }
                }
            }
            Provider::Host { .. } => {
                for resource in member.shape.types.resources_of(&import.item) {
                    let here = maker(plan, edge.member, resource);
                    if !matches!(here, Maker::Host { .. }) {
                        problems.push(clash(HOST, resource, &here, HOST));
                    }
                }
            }
            Provider::Nobody => {}
        }
    }
    problems.extend(hidden(plan));
    problems
}

/// Exports that speak of a resource which is neither the host's nor exported by name.
fn hidden(plan: &LinkPlan) -> Vec<Problem> {
    if plan.members.len() == 1 {
        return Vec::new();
    }
    let exports = || {
        plan.exports.iter().map(|e| {
            (
                e,
                &plan.members[e.member].shape,
                &plan.members[e.member].shape.exports[&e.export],
            )
        })
    };
    let mut named = HashSet::new();
    for (exported, shape, external) in exports() {
        if let Item::Instance(instance) = &external.item {
            let resources = instance
                .exports
                .values()
                .filter_map(|item| shape.types.named_resource(item));
            named.extend(resources.map(|resource| maker(plan, exported.member, resource)));
        }
    }
    let mut problems = Vec::new();
    for (exported, shape, external) in exports() {
        for resource in shape.types.resources_of(&external.item) {
            let maker = maker(plan, exported.member, resource);
            if !matches!(maker, Maker::Host { .. }) && !named.contains(&maker) {
                problems.push(Problem::HiddenResource {
                    member: plan.members[exported.member].name.clone(),
                    export: exported.export.clone(),
                    resource: shape.types.resource(resource).name.clone(),
                });
            }
        }
    }
    problems
}

pub(super) fn maker(plan: &LinkPlan, member: usize, resource: ResourceId) -> Maker {
    let shape = &plan.members[member].shape;
    let known = shape.types.resource(resource);
    let Origin::Import(import) = &known.origin else {
        return Maker::Member { member, resource };
    };
    let provider = plan
        .edges_of(member)
        .find(|edge| edge.import == *import)
        .map(|edge| &edge.provider);
    match provider {
        Some(Provider::Host { import }) => Maker::Host {
            import: *import,
            name: known.name.clone(),
        },
        Some(Provider::Member {
            member: place,
            export,
        }) => {
            let provider = &plan.members[*place].shape;
            let Some(Item::Instance(instance)) = provider.exports.get(export).map(|e| &e.item)
            else {
                return Maker::Member { member, resource };
            };
            match instance
                .exports
                .get(&known.name)
                .and_then(|item| provider.types.named_resource(item))
            {
                Some(found) => maker(plan, *place, found),
                None => Maker::Member { member, resource },
            }
        }
        Some(Provider::Nobody) | None => Maker::Member { member, resource },
    }
}

fn maker_name(plan: &LinkPlan, maker: &Maker) -> String {
    match maker {
        Maker::Host { .. } => HOST.to_string(),
        Maker::Member { member, .. } => format!("`{}`", plan.members[*member].name),
    }
}
