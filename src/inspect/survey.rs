//! A plan, or as much of one as there is, with everything that stands in its way.

use crate::linker;
use crate::linker::{Driven, Exports, LinkFailure, LinkPlan, LinkRequest, Problem};

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
    let (mut plan, mut problems) = parts(linker::plan(&request));
    let undecided = |problem: &Problem| {
        matches!(
            problem,
            Problem::NothingToDrive { .. } | Problem::SeveralHandlers { .. }
        )
    };
    if problems
        .iter()
        .any(|p| p.is_about_driving() || undecided(p))
    {
        // Whatever is wrong with what is driven, there are components to look at.
        let undriven = LinkRequest {
            driven: Driven::Automatic,
            exports: Exports::All,
            ..request
        };
        let more;
        (plan, more) = parts(linker::plan(&undriven));
        // What only stands in the way of exports that nobody asked for is no problem.
        let is_new = |problem: &Problem| {
            !problem.is_about_driving() && !undecided(problem) && !problem.is_about_exports()
        };
        problems.extend(more.into_iter().filter(is_new));
        problems.sort();
        problems.dedup();
    }
    Survey {
        request,
        plan,
        problems,
    }
}

fn parts(planned: Result<LinkPlan, LinkFailure>) -> (Option<LinkPlan>, Vec<Problem>) {
    match planned {
        Ok(plan) => (Some(plan), Vec::new()),
        Err(failure) => (failure.draft.map(|draft| *draft), failure.problems),
    }
}
