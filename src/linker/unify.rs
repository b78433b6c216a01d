//! What wiring makes a resource the same one everywhere it is spoken of: found by trying it out.
//!
//! Wiring one interface to the provider of another may only move the difference to a third. So the suggestions are followed
//! until nothing differs, and told all at once, or not at all.

use super::planner::attempt;
use super::{LinkRequest, Member, Problem};

/// Problems that are looked into, and wires that are tried for each, at most.
const MAX_TRIES: usize = 8;

/// Completes what each problem with resources says about wiring.
pub(super) fn find_wires(request: &LinkRequest<'_>, problems: &mut [Problem]) {
    let mut tries = MAX_TRIES;
    for problem in problems {
        if let Problem::ResourceClash { member, wires, .. } = problem
            && !wires.is_empty()
            && tries > 0
        {
            tries -= 1;
            *wires = follow(request, member, wires.remove(0)).unwrap_or_default();
        }
    }
}

/// The wires of a member that leave no resource of it in doubt, beginning with `first`.
fn follow(
    request: &LinkRequest<'_>,
    member: &str,
    first: (String, String),
) -> Option<Vec<(String, String)>> {
    let mut members = request.members.to_vec();
    let mut wires: Vec<(String, String)> = Vec::new();
    let mut next = first;
    loop {
        let is_wired = |import: &str| wires.iter().any(|(known, _)| known == import);
        if wires.len() == MAX_TRIES || is_wired(&next.0) {
            return None;
        }
        wire(&mut members, member, &next.0, &next.1);
        wires.push(next);
        let problems = match attempt(&LinkRequest {
            members: &members,
            ..*request
        }) {
            Ok(_) => return Some(wires),
            Err(failure) => failure.problems,
        };
        let is_misfit = |problem: &Problem| matches!(problem, Problem::WiredMisfit { member: of, .. } if of == member);
        if problems.iter().any(is_misfit) {
            return None;
        }
        let clash = problems.into_iter().find_map(|problem| match problem {
            Problem::ResourceClash {
                member: of,
                import,
                wires,
                ..
            } if of == member => Some((import, wires)),
            _ => None,
        });
        let Some((import, suggested)) = clash else {
            return Some(wires);
        };
        // What was just wired stays: the interface that still differs comes from the same provider.
        let is_new = |(other, _): &(String, String)| wires.iter().all(|(known, _)| known != other);
        next = match suggested.into_iter().find(is_new) {
            Some(suggested) => suggested,
            None => (import, wires[0].1.clone()),
        };
    }
}

fn wire(members: &mut [Member], member: &str, import: &str, to: &str) {
    let Some(member) = members.iter_mut().find(|m| m.name == member) else {
        return;
    };
    let Ok(wire) = to.parse();
    member.wiring.insert(import.to_string(), wire);
}
