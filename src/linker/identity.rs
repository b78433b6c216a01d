//! Whether a resource is the same one everywhere it is spoken of.
//!
//! Types of values are equal when they look equal. A resource is only ever equal to itself: when an app imports
//! `types` from one member and `store`, which uses a resource of `types`, from another, both must mean the resource
//! of the first.

use std::collections::HashSet;

use wash_component::{InterfaceName, Item, Origin, ResourceId, is_http_handler};

use super::fit::fits;
use super::suggestions::{HOST, STUB};
use super::{Difference, LinkPlan, Planned, Problem, Provider};

/// Who makes a resource: two are equal if these are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ResourceBuilder {
    /// An import of the composed component, and the resource's name in it.
    Host { import: usize, name: String },
    /// An instance of a member.
    Member { member: usize, resource: ResourceId },
    /// Nobody: an import that is a stub, and the resource's name in it. Members that lack the same interface lack the
    /// same resource.
    Stub { import: String, name: String },
}

/// Finds every resource that two sides of a connection do not mean alike. The plan has no circles.
pub(super) fn check(plan: &LinkPlan) -> Vec<Problem> {
    let mut problems = Vec::new();
    for edge in &plan.edges {
        let member = &plan.members[edge.member];
        let import = &member.shape.imports[&edge.import];
        let clash = |provider: &str,
                     resource: ResourceId,
                     here: &ResourceBuilder,
                     there: &ResourceBuilder| {
            let known = member.shape.types.resource(resource);
            let wire = match &known.origin {
                Origin::Import(other) if *other != edge.import => {
                    wire_text(plan, there).map(|wire| (other.clone(), wire))
                }
                _ => None,
            };
            Problem::ResourceClash {
                member: member.name.clone(),
                role: member.role,
                import: edge.import.clone(),
                provider: provider.to_string(),
                resource: known.name.clone(),
                here: maker_name(plan, here),
                there: maker_name(plan, there),
                wires: Vec::from_iter(wire),
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
                        problems.push(clash(&provider.name, expected, &here, &there));
                    }
                }
            }
            Provider::Host { import: served } => {
                for resource in member.shape.types.resources_of(&import.item) {
                    let here = maker(plan, edge.member, resource);
                    if !matches!(here, ResourceBuilder::Host { .. }) {
                        let name = member.shape.types.resource(resource).name.clone();
                        let there = ResourceBuilder::Host {
                            import: *served,
                            name,
                        };
                        problems.push(clash(HOST, resource, &here, &there));
                    }
                }
            }
            Provider::Nobody | Provider::Stub => {}
        }
    }
    problems.extend(shared(plan));
    problems.extend(hidden(plan));
    problems
}

/// Interfaces of the host that become one import although two members expect different things of them.
fn shared(plan: &LinkPlan) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, host) in plan
        .host
        .iter()
        .enumerate()
        .filter(|(_, host)| host.member.is_none())
    {
        let provider = Provider::Host { import: index };
        let mut users = plan
            .edges
            .iter()
            .filter(|edge| edge.provider == provider)
            .map(|edge| {
                let shape = &plan.members[edge.member].shape;
                (edge.member, &shape.imports[&edge.import].item)
            });
        let Some(first) = users.next() else { continue };
        for second in users {
            if let Err(difference) = agree(plan, first, second) {
                let name = |(member, _): (usize, _)| plan.members[member].name.clone();
                problems.push(Problem::SharedClash {
                    import: host.import.clone(),
                    members: (name(first), name(second)),
                    difference,
                });
            }
        }
    }
    problems
}

/// Compares what two members both expect of an interface.
fn agree(plan: &LinkPlan, first: (usize, &Item), second: (usize, &Item)) -> Result<(), Difference> {
    let types = |member: usize| &plan.members[member].shape.types;
    let (Item::Instance(expected), Item::Instance(also)) = (first.1, second.1) else {
        return fits((types(first.0), first.1), (types(second.0), second.1)).map(|_| ());
    };
    for (name, item) in &expected.exports {
        let Some(other) = also.exports.get(name) else {
            continue;
        };
        let within = |mut difference: Difference| {
            difference
                .path
                .insert(0, format!("{} `{name}`", item.kind()));
            difference
        };
        let pairs = fits((types(first.0), item), (types(second.0), other)).map_err(within)?;
        for (a, b) in pairs {
            let (here, there) = (maker(plan, first.0, a), maker(plan, second.0, b));
            if here != there {
                return Err(within(Difference {
                    path: Vec::new(),
                    expected: format!(
                        "the resource `{}` of {}",
                        types(first.0).resource(a).name,
                        maker_name(plan, &here)
                    ),
                    found: format!("the one of {}", maker_name(plan, &there)),
                }));
            }
        }
    }
    Ok(())
}

/// Exports that speak of a resource which is neither the host's nor exported by name. What the host drives must speak of
/// the host's.
fn hidden(plan: &LinkPlan) -> Vec<Problem> {
    if !plan.needs_composing() {
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
            let driven = external.interface.as_ref().is_some_and(is_http_handler);
            if !matches!(maker, ResourceBuilder::Host { .. }) && (driven || !named.contains(&maker))
            {
                problems.push(Problem::HiddenResource {
                    member: plan.members[exported.member].name.clone(),
                    export: exported.export.clone(),
                    resource: shape.types.resource(resource).name.clone(),
                    maker: maker_name(plan, &maker),
                });
            }
        }
    }
    problems
}

pub(super) fn maker(plan: &LinkPlan, member: usize, resource: ResourceId) -> ResourceBuilder {
    let shape = &plan.members[member].shape;
    let known = shape.types.resource(resource);
    let Origin::Import(import) = &known.origin else {
        return ResourceBuilder::Member { member, resource };
    };
    let provider = plan
        .edges_of(member)
        .find(|edge| edge.import == *import)
        .map(|edge| &edge.provider);
    match provider {
        Some(Provider::Host { import }) => ResourceBuilder::Host {
            import: *plan.host[*import].same.get(&known.name).unwrap_or(import),
            name: known.name.clone(),
        },
        Some(Provider::Member {
            member: place,
            export,
        }) => {
            let provider = &plan.members[*place].shape;
            let item = match provider.exports.get(export).map(|e| &e.item) {
                Some(Item::Instance(instance)) => instance.exports.get(&known.name),
                item => item,
            };
            match item.and_then(|item| provider.types.named_resource(item)) {
                Some(found) => maker(plan, *place, found),
                None => ResourceBuilder::Member { member, resource },
            }
        }
        Some(Provider::Stub) => {
            let interface = shape.imports[import].interface.as_ref();
            let interface = interface.filter(|interface| interface.to_string() == *import);
            ResourceBuilder::Stub {
                import: interface.map_or_else(|| import.clone(), InterfaceName::family),
                name: known.name.clone(),
            }
        }
        Some(Provider::Nobody) | None => ResourceBuilder::Member { member, resource },
    }
}

/// How the config names the maker of a resource as a provider.
fn wire_text(plan: &LinkPlan, maker: &ResourceBuilder) -> Option<String> {
    match maker {
        ResourceBuilder::Host { .. } => Some("host".to_string()),
        ResourceBuilder::Member { member, .. } => {
            let Planned { name, role, .. } = &plan.members[*member];
            Some(role.wire_text(name))
        }
        ResourceBuilder::Stub { .. } => Some("stub".to_string()),
    }
}

fn maker_name(plan: &LinkPlan, maker: &ResourceBuilder) -> String {
    match maker {
        ResourceBuilder::Host { .. } => HOST.to_string(),
        ResourceBuilder::Member { member, .. } => format!("`{}`", plan.members[*member].name),
        ResourceBuilder::Stub { .. } => STUB.to_string(),
    }
}
