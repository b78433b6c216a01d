//! What can be wrong with a workload as such, whatever its components are.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::messages::Pattern;
use crate::workload::{Drive, Entry, Problem, Restart, Workload};

pub(super) fn workload(workload: &Workload) -> Vec<Problem> {
    let mut problems = Vec::new();
    if workload.entries.is_empty() {
        problems.push(problem(None, "a workload needs at least one entry"));
    }
    let services: Vec<_> = workload
        .entries
        .iter()
        .filter(|entry| matches!(entry.drive, Drive::Service { .. }))
        .map(|entry| format!("`{}`", entry.name))
        .collect();
    if services.len() > 1 {
        let services = services.join(", ");
        let message = format!("a workload has at most one service, but {services} are services");
        problems.push(problem(None, message));
    }
    problems.extend(routes(workload));
    problems.extend(workload.entries.iter().flat_map(entry));
    problems
}

/// Routes that lead to two entries, and entries that no route leads to.
fn routes(workload: &Workload) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut taken = BTreeMap::new();
    for entry in &workload.entries {
        let Drive::Http { routes } = &entry.drive else {
            continue;
        };
        if routes.is_empty() {
            problems.push(problem(Some(&entry.name), "no route leads to it"));
        }
        for route in routes {
            let host = route.host.as_ref().map(|host| host.to_ascii_lowercase());
            let key = (host, route.path.trim_end_matches('/'));
            if let Some(other) = taken.insert(key, &entry.name) {
                let message = format!("the route `{route}` leads to `{other}` already");
                problems.push(problem(Some(&entry.name), message));
            }
        }
    }
    problems
}

fn entry(entry: &Entry) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |message: &str| problems.push(problem(Some(&entry.name), message));
    if let Drive::Service {
        restart: Restart::OnFailure { first, most, .. },
    } = &entry.drive
    {
        if *first == Duration::ZERO {
            wrong(
                "the first wait before a restart is nothing; a service that fails at once would never rest",
            );
        }
        if first > most {
            wrong("the first wait before a restart is longer than the longest");
        }
    }
    if let Drive::Messages { subscriptions } = &entry.drive {
        for error in subscriptions
            .iter()
            .filter_map(|s| s.parse::<Pattern>().err())
        {
            wrong(&error.to_string());
        }
    }
    if entry.limits.concurrent_requests == 0 {
        wrong("the limit on what runs at the same time is 0, so nothing could run");
    }
    problems
}

fn problem(entry: Option<&str>, message: impl Into<String>) -> Problem {
    Problem {
        member: entry.map(str::to_owned),
        message: message.into(),
        hint: None,
    }
}
