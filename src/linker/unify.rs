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
    let mut next = Some(first);
    while let Some((import, to)) = next {
        if wires.len() == MAX_TRIES || wires.iter().any(|(known, _)| *known == import) {
            return None;
        }
        wire(&mut members, member, &import, &to);
        wires.push((import, to));
        let problems = match attempt(&LinkRequest {
            members: &members,
            ..*request
        }) {
            Ok(_) => return Some(wires),
            Err(failure) => failure.problems,
        };
        let mut clashes = problems.iter().filter_map(|problem| match problem {
            Problem::WiredMisfit { member: of, .. } if of == member => Some(None),
            Problem::ResourceClash {
                member: of, wires, ..
            } if of == member => Some(wires.first().cloned()),
            _ => None,
        });
        next = match clashes.next() {
            None => return Some(wires),
            Some(next) => Some(next?),
        };
    }
    None
}

fn wire(members: &mut [Member], member: &str, import: &str, to: &str) {
    let Some(member) = members.iter_mut().find(|m| m.name == member) else {
        return;
    };
    let Ok(wire) = to.parse();
    member.wiring.insert(import.to_string(), wire);
}
