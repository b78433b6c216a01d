//! What can be wrong with a workload as such, whatever its components are.

use std::time::Duration;

use crate::host::Problem;
use crate::host::workload::{Drive, Entry, Restart, Workload};

pub(super) fn workload(workload: &Workload) -> Vec<Problem> {
    let mut problems = Vec::new();
    if workload.entries.is_empty() {
        problems.push(problem(None, "a workload needs at least one entry"));
    }
    let services = named(workload, |drive| matches!(drive, Drive::Service { .. }));
    if services.len() > 1 {
        let services = services.join(", ");
        let message = format!("a workload has at most one service, but {services} are services");
        problems.push(problem(None, message));
    }
    let answering = named(workload, |drive| matches!(drive, Drive::Http { .. }));
    if answering.len() > 1 {
        let answering = answering.join(", ");
        let message = format!("requests can go to one entry only, but {answering} answer requests");
        problems.push(problem(None, message));
    }
    problems.extend(workload.entries.iter().flat_map(entry));
    problems
}

fn named(workload: &Workload, wanted: impl Fn(&Drive) -> bool) -> Vec<String> {
    let entries = workload.entries.iter();
    let wanted = entries.filter(|entry| wanted(&entry.drive));
    wanted.map(|entry| format!("`{}`", entry.name)).collect()
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
