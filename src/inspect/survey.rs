//! A plan, or as much of one as there is, with everything that stands in its way.

use std::sync::Arc;

use crate::component::Shape;
use crate::linker::{self, Driven, Exports, LinkPlan, LinkRequest, Member, Problem};

/// What the linker makes of some components.
#[derive(Debug)]
pub struct Survey<'a> {
    pub request: LinkRequest<'a>,
    /// The plan. With problems it has every edge but those that are `missing`, and cannot be composed; `None` if there is
    /// not even that.
    pub plan: Option<LinkPlan>,
    /// Imports without a provider: member and import.
    pub missing: Vec<(String, String)>,
    /// Everything that is wrong, most important first.
    pub problems: Vec<Problem>,
}

/// Plans. Where there is no plan, leaves out what is in the way, until there is one of all the rest.
pub fn survey<'a>(request: LinkRequest<'a>) -> Survey<'a> {
    let failure = match linker::plan(&request) {
        Ok(plan) => {
            return Survey {
                request,
                plan: Some(plan),
                missing: Vec::new(),
                problems: Vec::new(),
            };
        }
        Err(failure) => failure,
    };
    let mut rest = Rest {
        members: request.members.to_vec(),
        driven: request.driven,
        exports: request.exports,
        missing: Vec::new(),
    };
    let mut in_the_way = failure.problems.clone();
    let plan = loop {
        // What is left out is never put back, so this ends.
        let left_out = in_the_way.iter().filter(|problem| rest.leave_out(problem));
        if left_out.count() == 0 {
            break None;
        }
        let attempt = linker::plan(&LinkRequest {
            members: &rest.members,
            driven: rest.driven,
            exports: rest.exports,
            ..request
        });
        match attempt {
            Ok(plan) => break Some(plan),
            Err(failure) => in_the_way = failure.problems,
        }
    };
    let plan = plan.map(|mut plan| {
        for planned in &mut plan.members {
            planned.shape = request.members[planned.index].shape.clone();
        }
        plan
    });
    Survey {
        request,
        plan,
        missing: rest.missing,
        problems: failure.problems,
    }
}

/// The members without what is in the way.
struct Rest<'a> {
    members: Vec<Member>,
    driven: Driven<'a>,
    exports: Exports,
    missing: Vec<(String, String)>,
}

impl Rest<'_> {
    /// Leaves out what a problem is about. `false`: that is not possible, or was done already.
    fn leave_out(&mut self, problem: &Problem) -> bool {
        match problem {
            Problem::Unmet { member, import, .. }
            | Problem::Tie { member, import, .. }
            | Problem::TypeClash { member, import, .. }
            | Problem::WiredMisfit { member, import, .. }
            | Problem::NoSuchProvider { member, import, .. }
            | Problem::ResourceClash { member, import, .. } => self.import(member, import),
            Problem::Cycle { path } => path
                .last()
                .is_some_and(|(member, import)| self.import(member, import)),
            Problem::NoSuchImport { member, import, .. } => self
                .member(member)
                .is_some_and(|member| member.wiring.remove(import).is_some()),
            Problem::HiddenResource { member, export, .. } => {
                self.shape(member, |shape| shape.exports.shift_remove(export).is_some())
            }
            // None of them is driven.
            Problem::SeveralHandlers { candidates } => {
                let mut left_out = false;
                for candidate in candidates {
                    left_out |= self.shape(candidate, |shape| {
                        let handlers: Vec<_> = shape
                            .http_exports()
                            .map(|(name, _)| name.to_string())
                            .collect();
                        handlers
                            .iter()
                            .fold(false, |_, name| shape.exports.shift_remove(name).is_some())
                    });
                }
                left_out
            }
            Problem::NothingToDrive { .. } => {
                std::mem::replace(&mut self.exports, Exports::All) != Exports::All
            }
            Problem::NotDriven { .. } | Problem::NoSuchDriven { .. } => {
                self.exports = Exports::All;
                self.automatic()
            }
            // The one that answers without them is found without a chain.
            Problem::NoSuchHandler { .. }
            | Problem::NotAHandler { .. }
            | Problem::BrokenChain { .. } => self.automatic(),
            Problem::SharedClash {
                import,
                members: (_, second),
                ..
            } => self.import(second, import),
            Problem::DuplicateName { .. } => false,
        }
    }

    fn automatic(&mut self) -> bool {
        std::mem::take(&mut self.driven) != Driven::Automatic
    }

    fn import(&mut self, member: &str, import: &str) -> bool {
        let left_out = self.shape(member, |shape| shape.imports.shift_remove(import).is_some());
        if left_out {
            self.missing.push((member.to_string(), import.to_string()));
        }
        left_out
    }

    fn shape(&mut self, member: &str, change: impl FnOnce(&mut Shape) -> bool) -> bool {
        self.member(member)
            .is_some_and(|member| change(Arc::make_mut(&mut member.shape)))
    }

    fn member(&mut self, name: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.name == name)
    }
}
