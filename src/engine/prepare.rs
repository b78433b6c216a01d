//! From a workload to a handler that can answer, or every reason why not. Touches no other workload.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::Error;
use wasmtime::component::Component;

use crate::capability;
use crate::console::Console;
use crate::host::workload::{Member, Workload};
use crate::host::{Problem, StartError, StartTimings};

use super::handler::ComponentHandler;
use super::serve::Entry;
use super::state::MemberSetup;
use super::{Code, Engines, linking, report};

/// Checks everything that can be checked with nothing running, then compiles, links, and tries the component out once.
pub(crate) async fn prepare(
    engines: &Arc<Engines>,
    console: &Console,
    workload: &Workload,
) -> Result<(ComponentHandler, StartTimings), StartError> {
    let name = || workload.name.clone();
    let started = Instant::now();
    let mut problems = check_members(&workload.members);
    problems.extend(linking::check_grants(workload));
    if !problems.is_empty() {
        return Err(StartError::Invalid {
            name: name(),
            problems,
        });
    }
    let load_error = |error: Error| StartError::Load {
        name: name(),
        reason: report::chain(&error),
    };
    let code = compile(engines, workload).await.map_err(load_error)?;
    let problems = linking::check_component(&code.component, &workload.grants);
    if !problems.is_empty() {
        return Err(StartError::Invalid {
            name: name(),
            problems,
        });
    }
    let members = set_up(&workload.members).map_err(|problems| StartError::Invalid {
        name: name(),
        problems,
    })?;
    let pre = linking::link(&code, workload).map_err(load_error)?;
    let Some(entry) = Entry::find(&pre).map_err(load_error)? else {
        return Err(StartError::Invalid {
            name: name(),
            problems: vec![no_entry(&code.component)],
        });
    };
    let engine = code.component.engine().clone();
    let ticker = Arc::clone(engines.ticker());
    let handler = ComponentHandler::new(
        engine,
        entry,
        members,
        workload.limits.clone(),
        console.clone(),
        ticker,
    );
    if let Err(error) = handler.try_out().await {
        let report = handler.describe(&error).text();
        return Err(StartError::Trap {
            name: name(),
            report,
        });
    }
    let timings = StartTimings {
        compile: code.took,
        cached: code.cached,
        link: started.elapsed().saturating_sub(code.took),
    };
    Ok((handler, timings))
}

async fn compile(engines: &Arc<Engines>, workload: &Workload) -> wasmtime::Result<Code> {
    let (engines, component) = (Arc::clone(engines), Arc::clone(&workload.component));
    match tokio::task::spawn_blocking(move || engines.load(&component)).await {
        Ok(code) => code,
        Err(panic) => Err(Error::new(panic).context("the compiler failed")),
    }
}

/// What is wrong with the settings of the members, all of it.
fn check_members(members: &[Member]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in members {
        let faults = capability::all()
            .into_iter()
            .flat_map(|capability| capability.validate(&member.settings));
        problems.extend(faults.map(|fault| fault.of(member)));
    }
    problems
}

fn set_up(members: &[Member]) -> Result<Vec<Arc<MemberSetup>>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut ready = Vec::new();
    for member in members {
        match capability::set_up(member) {
            Ok(setup) => ready.push(Arc::new(setup)),
            Err(fault) => problems.push(fault.of(member)),
        }
    }
    if problems.is_empty() {
        Ok(ready)
    } else {
        Err(problems)
    }
}

fn no_entry(component: &Component) -> Problem {
    let exports: Vec<_> = linking::exports(component)
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let exports = if exports.is_empty() {
        "nothing".to_owned()
    } else {
        exports.join(", ")
    };
    Problem {
        member: None,
        message: format!(
            "the component exports nothing that answers HTTP requests; it exports {exports}"
        ),
        hint: Some("export `wasi:http/incoming-handler@0.2` or `wasi:http/handler@0.3`".to_owned()),
    }
}

impl capability::Fault {
    fn of(self, member: &Member) -> Problem {
        Problem {
            member: Some(member.name.clone()),
            message: self.message,
            hint: self.hint,
        }
    }
}
