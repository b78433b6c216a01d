//! From a request to a plan: what is exported, who is needed for it, who provides what, and whether it all agrees.

use std::collections::BTreeMap;

use super::resolve::{self, Chosen, Resolution};
use super::{
    Edge, Exported, Exports, LeftOut, LinkFailure, LinkPlan, LinkRequest, Member, Planned, Problem,
    Provider, Role, cycles, grants, identity,
};

/// Finds the provider of every import, or everything that stands in the way.
///
/// The result does not depend on the order of the members. Plugins and shipped providers take part only when an import
/// needs them.
pub fn plan(request: &LinkRequest<'_>) -> Result<LinkPlan, LinkFailure> {
    let members = resolve::ordered(request);
    let mut problems = duplicates(&members);
    if !problems.is_empty() {
        // Every further message would be ambiguous.
        return Err(LinkFailure { problems });
    }
    let exports = exports(request, &members, &mut problems);
    let roots = roots(&members, &exports);
    let resolution = resolve::resolve(request, members, &roots);
    problems.extend(resolution.problems.iter().cloned());

    let plan = assemble(request, &resolution, exports);
    problems.extend(cycles::find(&plan));
    if problems.is_empty() {
        problems.extend(identity::check(&plan));
    }
    if problems.is_empty() {
        return Ok(plan);
    }
    problems.sort();
    problems.dedup();
    Err(LinkFailure { problems })
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

/// What is exported, as indexes into `members`.
fn exports(
    request: &LinkRequest<'_>,
    members: &[&Member],
    problems: &mut Vec<Problem>,
) -> Vec<Exported> {
    let mut exports = Vec::new();
    let mut add = |member: usize, export: &str| {
        let exported = Exported {
            member,
            export: export.to_string(),
        };
        if !exports.contains(&exported) {
            exports.push(exported);
        }
    };
    let with_role = |role: Role| {
        members
            .iter()
            .enumerate()
            .filter(move |(_, m)| m.role == role)
    };
    let serves_http =
        |(_, member): &(usize, &&Member)| member.shape.http_exports().next().is_some();

    let mut handlers: Vec<_> = with_role(Role::Project).filter(serves_http).collect();
    if handlers.is_empty() {
        handlers = with_role(Role::Sibling).filter(serves_http).collect();
    }
    match handlers.as_slice() {
        [] => {}
        [(index, member)] => member
            .shape
            .http_exports()
            .for_each(|(name, _)| add(*index, name)),
        several => problems.push(Problem::SeveralHandlers {
            candidates: several
                .iter()
                .map(|(_, member)| member.name.clone())
                .collect(),
        }),
    }
    let runs = |(_, member): &(usize, &&Member)| match request.service {
        Some(service) => member.name == service,
        // A command is run when there is nothing else to do with it.
        None => member.role == Role::Project && handlers.is_empty(),
    };
    for (index, member) in members.iter().enumerate().filter(runs) {
        if let Some(run) = member.shape.exports_run() {
            add(index, run);
        }
    }
    if request.exports == Exports::All {
        for (index, member) in with_role(Role::Project) {
            member
                .shape
                .exports
                .keys()
                .for_each(|name| add(index, name));
        }
    }
    if exports.is_empty()
        && handlers.is_empty()
        && request.exports == Exports::Driven
        && let Some(member) = members
            .iter()
            .find(|m| request.service.is_none_or(|service| m.name == service))
    {
        problems.push(Problem::NothingToDrive {
            member: member.name.clone(),
            exports: member.shape.exports.keys().cloned().collect(),
        });
    }
    exports
}

/// The members that are needed for their own sake.
fn roots(members: &[&Member], exports: &[Exported]) -> Vec<usize> {
    let is_root = |index: &usize| {
        members[*index].role == Role::Project
            || exports.iter().any(|exported| exported.member == *index)
    };
    let roots: Vec<_> = (0..members.len()).filter(is_root).collect();
    if !roots.is_empty() {
        return roots;
    }
    (0..members.len())
        .filter(|index| members[*index].role == Role::Sibling)
        .collect()
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
                Chosen::Host(_) => Provider::Host {
                    import: names.of[&(*member, choice.import)],
                },
                Chosen::Nobody => Provider::Nobody,
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
