//! What is known about an unmet import that helps to mend it.

use super::candidates::Import;
use super::{Fix, Member, NearMiss, Role, suggestions};

/// What in a member brought an import in. That it is the member's own code goes without saying.
pub(super) fn through(member: &Member, import: Import<'_>) -> Vec<String> {
    let itself = format!("its crate `{}`", member.name.replace('-', "_"));
    let brought = member.shape.about.brought.get(import.name);
    let brought = brought.into_iter().flatten();
    brought.filter(|by| **by != itself).cloned().collect()
}

/// What would mend an unmet import: building against what is there, or adding what is not.
pub(super) fn fixes(
    member: &Member,
    import: Import<'_>,
    near: &[NearMiss],
    members: &[&Member],
) -> Vec<Fix> {
    let same = near.iter().find_map(|miss| match miss {
        NearMiss::OtherName { provider, .. } => members.iter().find(|m| m.name == *provider),
        _ => None,
    });
    if let Some(provider) = same {
        return vec![Fix::Wire {
            member: member.name.clone(),
            role: member.role,
            import: import.name.to_string(),
            to: provider.role.wire_text(&provider.name),
        }];
    }
    let there = near.iter().find_map(|miss| match miss {
        NearMiss::OtherType {
            provider, export, ..
        }
        | NearMiss::OtherDraft {
            provider, export, ..
        }
        | NearMiss::OtherVersion { provider, export }
        | NearMiss::SimilarName { provider, export } => Some((provider, export)),
        NearMiss::SwitchedOff { .. }
        | NearMiss::OtherInterface { .. }
        | NearMiss::OtherName { .. } => None,
    });
    let Some((provider, export)) = there else {
        return vec![Fix::AddComponent {
            interface: import.name.to_string(),
            project: None,
        }];
    };
    let theirs = |m: &&Member| m.name == *provider && m.role <= Role::Sibling;
    let or = members
        .iter()
        .any(|m| provider != suggestions::HOST && theirs(m))
        .then(|| (provider.clone(), import.name.to_string()));
    vec![Fix::BuildAgainst {
        member: member.name.clone(),
        interface: export.clone(),
        or,
    }]
}
