//! What the composed component exports, and which members are needed for that.

use super::near;
use super::{Exported, Exports, Lack, LinkRequest, Member, Problem, Role};
use crate::component::{Extern, is_http_handler};

/// The side that the host sees. Members are indexes into the ordered members.
#[derive(Default)]
pub(super) struct Outward {
    pub(super) exports: Vec<Exported>,
    /// The members that HTTP requests go through, if there are several.
    pub(super) chain: Vec<usize>,
    pub(super) problems: Vec<Problem>,
}

/// Chooses what is exported: the HTTP handler, the service, and on demand everything of the project.
pub(super) fn choose(request: &LinkRequest<'_>, members: &[&Member]) -> Outward {
    let mut outward = Outward::default();
    if request.http.is_empty() {
        outward.single_handler(members);
    } else {
        outward.handlers(request.http, members);
    }
    for (index, member) in members.iter().enumerate() {
        let runs = match request.service {
            Some(service) => member.name == service,
            // A command is run when there is nothing else to do with it.
            None => member.role == Role::Project && outward.exports.is_empty(),
        };
        if let Some(run) = member.shape.exports_run().filter(|_| runs) {
            outward.export(index, run);
        }
    }
    if request.exports == Exports::All {
        for (index, member) in with_role(members, Role::Project) {
            // Whoever stands in front of the project's handler must not be passed by.
            let behind = !outward.chain.is_empty() && outward.chain[0] != index;
            let hidden = |external: &Extern| {
                behind && external.interface.as_ref().is_some_and(is_http_handler)
            };
            let exports = member.shape.exports.iter();
            exports
                .filter(|(_, external)| !hidden(external))
                .for_each(|(name, _)| outward.export(index, name));
        }
    } else if outward.exports.is_empty() && outward.problems.is_empty() {
        let idle = members
            .iter()
            .find(|m| request.service.is_none_or(|service| m.name == service));
        outward
            .problems
            .extend(idle.map(|member| Problem::NothingToDrive {
                member: member.name.clone(),
                exports: member.shape.exports.keys().cloned().collect(),
                nearly: nearly_driven(member),
            }));
    }
    outward
}

/// An export that a host would drive if it were of another version.
fn nearly_driven(member: &Member) -> Option<String> {
    let nearly = |external: &Extern| {
        external.interface.as_ref().is_some_and(|interface| {
            matches!(
                interface.path().as_str(),
                "wasi:http/incoming-handler" | "wasi:http/handler"
            )
        })
    };
    let mut exports = member.shape.exports.iter();
    exports
        .find(|(_, external)| nearly(external))
        .map(|(name, _)| name.clone())
}

impl Outward {
    /// The members that are needed for their own sake: the project, and whoever is exported. If there is neither, all
    /// siblings.
    pub(super) fn roots(&self, members: &[&Member]) -> Vec<usize> {
        let is_root = |index: &usize| {
            members[*index].role == Role::Project
                || self
                    .exports
                    .iter()
                    .any(|exported| exported.member == *index)
        };
        let roots: Vec<_> = (0..members.len()).filter(is_root).collect();
        if roots.is_empty() {
            return with_role(members, Role::Sibling)
                .map(|(index, _)| index)
                .collect();
        }
        roots
    }

    fn export(&mut self, member: usize, export: &str) {
        let exported = Exported {
            member,
            export: export.to_string(),
        };
        if !self.exports.contains(&exported) {
            self.exports.push(exported);
        }
    }

    fn export_handler(&mut self, index: usize, member: &Member) {
        member
            .shape
            .http_exports()
            .for_each(|(name, _)| self.export(index, name));
    }

    /// The project answers requests, or else the single sibling that does.
    fn single_handler(&mut self, members: &[&Member]) {
        for role in [Role::Project, Role::Sibling] {
            let serving =
                with_role(members, role).filter(|(_, m)| m.shape.http_exports().next().is_some());
            match serving.collect::<Vec<_>>().as_slice() {
                [] => continue,
                [(index, member)] => self.export_handler(*index, member),
                several => self.problems.push(Problem::SeveralHandlers {
                    candidates: several
                        .iter()
                        .map(|(_, member)| member.name.clone())
                        .collect(),
                }),
            }
            return;
        }
    }

    /// The chain that the user asked for. Who provides what in it is found out with the other imports.
    fn handlers(&mut self, names: &[String], members: &[&Member]) {
        for (position, name) in names.iter().enumerate() {
            let Some(index) = members.iter().position(|m| m.name == *name) else {
                let nearest =
                    near::name(name, members.iter().map(|m| m.name.as_str())).map(str::to_string);
                self.problems.push(Problem::NoSuchHandler {
                    name: name.clone(),
                    nearest,
                });
                continue;
            };
            let shape = &members[index].shape;
            let imports = shape
                .imports
                .values()
                .any(|e| e.interface.as_ref().is_some_and(is_http_handler));
            let lacks = match (
                shape.http_exports().next().is_some(),
                imports || position + 1 == names.len(),
            ) {
                (false, _) => Some(Lack::Export),
                (_, false) => Some(Lack::Import),
                _ => None,
            };
            if let Some(lacks) = lacks {
                self.problems.push(Problem::NotAHandler {
                    member: name.clone(),
                    lacks,
                });
            }
            if position == 0 {
                self.export_handler(index, members[index]);
            }
            self.chain.push(index);
        }
    }
}

fn with_role<'a>(members: &[&'a Member], role: Role) -> impl Iterator<Item = (usize, &'a Member)> {
    members
        .iter()
        .copied()
        .enumerate()
        .filter(move |(_, m)| m.role == role)
}
