//! Members that depend on each other in a cycle cannot be instantiated in any order.

use super::{LinkPlan, Problem, Provider};

/// The circles of a plan. Each is told once, beginning with its first member.
pub(super) fn find(plan: &LinkPlan) -> Vec<Problem> {
    let mut search = Search {
        plan,
        state: vec![State::New; plan.members.len()],
        path: Vec::new(),
        circles: Vec::new(),
    };
    for member in 0..plan.members.len() {
        search.visit(member);
    }
    search.circles
}

/// The members in an order in which each comes after all that it needs. The plan has no circles.
pub(super) fn providers_first(plan: &LinkPlan) -> Vec<usize> {
    fn visit(plan: &LinkPlan, member: usize, seen: &mut [bool], order: &mut Vec<usize>) {
        if std::mem::replace(&mut seen[member], true) {
            return;
        }
        for edge in plan.edges_of(member) {
            if let Provider::Member { member, .. } = edge.provider {
                visit(plan, member, seen, order);
            }
        }
        order.push(member);
    }
    let (mut seen, mut order) = (vec![false; plan.members.len()], Vec::new());
    for member in 0..plan.members.len() {
        visit(plan, member, &mut seen, &mut order);
    }
    order
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

struct Search<'a> {
    plan: &'a LinkPlan,
    state: Vec<State>,
    /// The way to the member being visited: each member, and the import by which it needs the next.
    path: Vec<(usize, &'a str)>,
    circles: Vec<Problem>,
}

impl Search<'_> {
    fn visit(&mut self, member: usize) {
        match self.state[member] {
            State::Done => return,
            State::Open => return self.circle(member),
            State::New => self.state[member] = State::Open,
        }
        for edge in self.plan.edges_of(member) {
            if let Provider::Member { member: next, .. } = edge.provider {
                self.path.push((member, &edge.import));
                self.visit(next);
                self.path.pop();
            }
        }
        self.state[member] = State::Done;
    }

    fn circle(&mut self, member: usize) {
        let start = self
            .path
            .iter()
            .position(|(at, _)| *at == member)
            .expect("an open member is on the path");
        let path = self.path[start..].iter();
        let path = path
            .map(|(at, import)| (self.plan.members[*at].name.clone(), import.to_string()))
            .collect();
        self.circles.push(Problem::Cycle { path });
    }
}
