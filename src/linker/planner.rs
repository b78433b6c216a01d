//! From a request to a plan: who provides what, and whether it all agrees.

use std::collections::BTreeMap;

use super::resolve::{Chosen, Resolution};
use super::{
    Edge, Exported, LeftOut, LinkFailure, LinkPlan, LinkRequest, Member, Planned, Problem,
    Provider, cycles, exports, grants, identity, reexport, resolve, unify,
};

/// Finds the provider of every import, or everything that stands in the way.
///
/// The result does not depend on the order of the members. Plugins and shipped providers take part only when an import
/// needs them.
pub fn plan(request: &LinkRequest<'_>) -> Result<LinkPlan, LinkFailure> {
    let mut planned = attempt(request);
    if let Err(failure) = &mut planned {
        unify::find_wires(request, &mut failure.problems);
    }
    planned
}

/// Plans; what is suggested against resources that are not the same is not tried out.
pub(super) fn attempt(request: &LinkRequest<'_>) -> Result<LinkPlan, LinkFailure> {
    let members = resolve::ordered(request);
    let mut problems = duplicates(&members);
    if !problems.is_empty() {
        // Every further message would be ambiguous.
        return Err(LinkFailure {
            problems,
            draft: None,
        });
    }
    let outward = exports::choose(request, &members);
    let resolution = resolve::resolve(request, members, &outward.roots, &outward.chain);
    problems.extend(outward.problems);
    problems.extend(resolution.problems.iter().cloned());

    let plan = assemble(request, &resolution, outward.exports);
    problems.extend(plan.members.iter().filter_map(|member| {
        let unsupported = member.shape.unsupported.clone()?;
        Some(Problem::Unsupported {
            member: member.name.clone(),
            unsupported,
        })
    }));
    problems.extend(cycles::find(&plan));
    problems.extend(unlinkable_exports(&plan));
    problems.extend(reexport::find(&plan));
    problems.extend(too_many(request, &plan));
    // Without a provider for each import, nothing is known of the resources that come from there.
    let is_complete = |problem: &Problem| {
        problem.is_about_driving()
            || problem.is_about_exports()
            || matches!(
                problem,
                Problem::NothingToDrive { .. }
                    | Problem::SeveralHandlers { .. }
                    | Problem::TooManyMembers { .. }
            )
    };
    if problems.iter().all(is_complete) {
        problems.extend(identity::check(&plan));
    }
    if problems.is_empty() {
        return Ok(plan);
    }
    problems.sort();
    problems.dedup();
    let draft = Some(Box::new(without(plan, &problems)));
    Err(LinkFailure { problems, draft })
}

/// Takes out what problems are about, as far as it was planned.
fn without(mut plan: LinkPlan, problems: &[Problem]) -> LinkPlan {
    let LinkPlan {
        members,
        edges,
        exports,
        host,
        ..
    } = &mut plan;
    for problem in problems {
        match problem {
            Problem::ResourceClash { member, import, .. } => {
                edges.retain(|e| (&members[e.member].name, &e.import) != (member, import));
            }
            Problem::Cycle { path } => {
                let last = path.last().map(|(member, import)| (member, import));
                edges.retain(|e| Some((&members[e.member].name, &e.import)) != last);
            }
            Problem::SharedClash {
                import,
                members: (_, second),
                ..
            } => edges.retain(|e| match e.provider {
                Provider::Host { import: served } => {
                    (&members[e.member].name, &host[served].import) != (second, import)
                }
                _ => true,
            }),
            Problem::HiddenResource { member, export, .. }
            | Problem::Reexport { member, export, .. }
            | Problem::Unlinkable {
                member,
                name: export,
                verb: "exports",
                ..
            } => {
                exports.retain(|e| (&members[e.member].name, &e.export) != (member, export));
            }
            // The others are about what was never planned.
            _ => {}
        }
    }
    plan
}

fn too_many(request: &LinkRequest<'_>, plan: &LinkPlan) -> Option<Problem> {
    let count = plan.members.len();
    let max = request.max_members.filter(|max| count > *max)?;
    Some(Problem::TooManyMembers { count, max })
}

/// What a composed component cannot export. A member that is not composed has its exports as they are, and the engine runs
/// most.
fn unlinkable_exports(plan: &LinkPlan) -> Vec<Problem> {
    let is_composed = plan.needs_composing();
    let unlinkable = |exported: &Exported| {
        let member = &plan.members[exported.member];
        let item = &member.shape.exports[&exported.export].item;
        let kind = resolve::unlinkable(&member.shape.types, item)?;
        if !is_composed && item.runs() {
            return None;
        }
        Some(Problem::Unlinkable {
            member: member.name.clone(),
            verb: "exports",
            name: exported.export.clone(),
            kind,
        })
    };
    plan.exports.iter().filter_map(unlinkable).collect()
}

fn duplicates(members: &[&Member]) -> Vec<Problem> {
    let mut names: Vec<_> = members.iter().map(|m| &m.name).collect();
    names.sort();
    let repeated = names
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0].clone());
    let mut problems: Vec<_> = repeated
        .map(|name| Problem::DuplicateName { name })
        .collect();
    problems.dedup();
    problems
}

fn assemble(
    request: &LinkRequest<'_>,
    resolution: &Resolution<'_>,
    exports: Vec<Exported>,
) -> LinkPlan {
    // From places among all members to places among those that take part.
    let places: BTreeMap<usize, usize> = resolution
        .choices
        .keys()
        .enumerate()
        .map(|(place, member)| (*member, place))
        .collect();
    let planned = |member: &Member| Planned {
        name: member.name.clone(),
        role: member.role,
        shape: member.shape.clone(),
        index: request
            .members
            .iter()
            .position(|m| m.name == member.name)
            .expect("names are unique and come from the request"),
    };
    let mut plan = LinkPlan {
        members: resolution
            .choices
            .keys()
            .map(|member| planned(resolution.members[*member]))
            .collect(),
        edges: Vec::new(),
        exports: exports
            .into_iter()
            .map(|e| Exported {
                member: places[&e.member],
                export: e.export,
            })
            .collect(),
        host: Vec::new(),
        left_out: Vec::new(),
    };
    for (index, member) in resolution.members.iter().enumerate() {
        if !places.contains_key(&index) {
            let exports = member.shape.exports.keys().cloned().collect();
            plan.left_out.push(LeftOut {
                name: member.name.clone(),
                role: member.role,
                exports,
            });
        }
    }

    let names = grants::name(&plan.members, resolution);
    plan.host = names.imports;
    for (member, choices) in &resolution.choices {
        for choice in choices {
            let provider = match choice.provider {
                Chosen::Member { member, export } => Provider::Member {
                    member: places[&member],
                    export: export.to_string(),
                },
                Chosen::Host(_) | Chosen::Runtime => Provider::Host {
                    import: names.of[&(*member, choice.import)],
                },
                Chosen::Nobody => Provider::Nobody,
                Chosen::Stub => Provider::Stub,
            };
            plan.edges.push(Edge {
                member: places[member],
                import: choice.import.to_string(),
                provider,
                reason: choice.reason.clone(),
            });
        }
    }
    plan
}
