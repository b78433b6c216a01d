//! A plan, or as much of one as there is, with everything that stands in its way.

use crate::linker::{self, LinkPlan, LinkRequest, Member, Problem, Role};

/// What the linker makes of some components.
#[derive(Debug)]
pub struct Survey<'a> {
    pub request: LinkRequest<'a>,
    /// The plan. With problems it lacks what they are about, and cannot be composed; `None` if there is not even that.
    pub plan: Option<LinkPlan>,
    /// Everything that is wrong, most important first.
    pub problems: Vec<Problem>,
}

/// Plans, and keeps what was found out if that fails.
pub fn survey(request: LinkRequest<'_>) -> Survey<'_> {
    let (plan, problems) = match linker::plan(&request) {
        Ok(plan) => (Some(plan), Vec::new()),
        Err(failure) => (failure.draft.map(|draft| *draft), failure.problems),
    };
    Survey {
        request,
        plan,
        problems,
    }
}

impl Survey<'_> {
    /// The members in the order in which they are shown: those of the plan, or all.
    pub fn members(&self) -> Vec<(&Member, bool)> {
        let takes_part = |member: &Member| {
            self.plan
                .as_ref()
                .is_some_and(|plan| plan.members.iter().any(|p| p.name == member.name))
        };
        let mut members: Vec<_> = self
            .request
            .members
            .iter()
            .map(|member| (member, takes_part(member)))
            .filter(|(member, part)| *part || !matches!(member.role, Role::Plugin | Role::Shipped))
            .collect();
        members.sort_by(|(a, _), (b, _)| (a.role, &a.name).cmp(&(b.role, &b.name)));
        members
    }
}
