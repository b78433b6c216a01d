//! From a workload to what can run, or every reason why not. Touches no other workload.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wasmtime::Error;
use wasmtime::component::Component;

use crate::capability::{self, Capabilities, ForWhom};
use crate::console::Console;
use crate::host::workload::{Drive, Entry, Member, Route, Workload};
use crate::host::{Problem, StartError, StartTimings};

use super::handler::ComponentHandler;
use super::serve::Entry as HttpEntry;
use super::state::MemberSetup;
use super::{Code, Engines, linking, report};

/// A workload that can run, and does not yet.
pub(crate) struct Prepared {
    pub(crate) handlers: Vec<Answering>,
    pub(crate) timings: StartTimings,
}

/// An entry that answers HTTP requests.
pub(crate) struct Answering {
    #[expect(dead_code, reason = "there is one entry, which answers everything")]
    pub(crate) routes: Vec<Route>,
    pub(crate) handler: Arc<ComponentHandler>,
}

/// What preparing needs of a host.
pub(crate) struct Means<'a> {
    pub(crate) engines: &'a Arc<Engines>,
    pub(crate) capabilities: &'a Capabilities,
    pub(crate) console: &'a Console,
}

impl Means<'_> {
    /// Checks everything that can be checked with nothing running, then compiles, links, and tries each entry out once.
    pub(crate) async fn prepare(&self, workload: &Workload) -> Result<Prepared, StartError> {
        let started = Instant::now();
        self.check(workload)?;
        let mut codes = Vec::new();
        let mut problems = Vec::new();
        for entry in &workload.entries {
            let code = self
                .compile(entry)
                .await
                .map_err(|error| load_error(workload, &error))?;
            problems.extend(linking::check_component(
                self.capabilities,
                &code.component,
                &entry.grants,
            ));
            codes.push(code);
        }
        refuse(workload, problems)?;
        let members = self.set_up(workload)?;

        let mut handlers = Vec::new();
        let mut compile = Duration::ZERO;
        let mut cached = true;
        for ((entry, code), members) in workload.entries.iter().zip(codes).zip(members) {
            compile += code.took;
            cached &= code.cached;
            handlers.push(self.entry(workload, entry, &code, members).await?);
        }
        let timings = StartTimings {
            compile,
            cached,
            link: started.elapsed().saturating_sub(compile),
        };
        Ok(Prepared { handlers, timings })
    }

    /// What is wrong with the settings of the members and with the grants, all of it.
    fn check(&self, workload: &Workload) -> Result<(), StartError> {
        let mut problems = Vec::new();
        for entry in &workload.entries {
            for member in &entry.members {
                let faults = self
                    .capabilities
                    .iter()
                    .flat_map(|capability| capability.validate(&member.settings));
                problems.extend(faults.map(|fault| fault.of(member)));
            }
            problems.extend(linking::check_grants(self.capabilities, entry));
        }
        refuse(workload, problems)
    }

    async fn compile(&self, entry: &Entry) -> wasmtime::Result<Code> {
        let (engines, component) = (Arc::clone(self.engines), Arc::clone(&entry.component));
        match tokio::task::spawn_blocking(move || engines.load(&component)).await {
            Ok(code) => code,
            Err(panic) => Err(Error::new(panic).context("the compiler failed")),
        }
    }

    /// Of each entry, what its members were given.
    fn set_up(&self, workload: &Workload) -> Result<Vec<Vec<Arc<MemberSetup>>>, StartError> {
        let mut problems = Vec::new();
        let mut ready = Vec::new();
        let shared = Mutex::default();
        for entry in &workload.entries {
            let mut setups = Vec::new();
            for member in &entry.members {
                let for_whom = ForWhom {
                    workload,
                    entry,
                    member,
                    shared: &shared,
                };
                match self.capabilities.set_up(&for_whom) {
                    Ok(setup) => setups.push(Arc::new(setup)),
                    Err(fault) => problems.push(fault.of(member)),
                }
            }
            ready.push(setups);
        }
        refuse(workload, problems)?;
        Ok(ready)
    }

    async fn entry(
        &self,
        workload: &Workload,
        entry: &Entry,
        code: &Code,
        members: Vec<Arc<MemberSetup>>,
    ) -> Result<Answering, StartError> {
        let pre = linking::link(self.capabilities, code, entry)
            .map_err(|error| load_error(workload, &error))?;
        let found = HttpEntry::find(&pre).map_err(|error| load_error(workload, &error))?;
        let (Some(found), Drive::Http { routes }) = (found, &entry.drive) else {
            refuse(workload, vec![no_entry(&code.component)])?;
            unreachable!("a problem is a refusal");
        };
        let handler = ComponentHandler::new(
            code.component.engine().clone(),
            found,
            members,
            entry.limits.clone(),
            self.console.clone(),
            Arc::clone(self.engines.ticker()),
        );
        if let Err(error) = handler.try_out().await {
            return Err(StartError::Trap {
                name: workload.name.clone(),
                report: handler.describe(&error).text(),
            });
        }
        Ok(Answering {
            routes: routes.clone(),
            handler: Arc::new(handler),
        })
    }
}

fn refuse(workload: &Workload, mut problems: Vec<Problem>) -> Result<(), StartError> {
    // A member of several entries has the same fault in each.
    let mut seen = Vec::new();
    problems.retain(|problem| {
        let new = !seen.contains(problem);
        seen.extend(new.then(|| problem.clone()));
        new
    });
    if problems.is_empty() {
        return Ok(());
    }
    Err(StartError::Invalid {
        name: workload.name.clone(),
        problems,
    })
}

fn load_error(workload: &Workload, error: &Error) -> StartError {
    StartError::Load {
        name: workload.name.clone(),
        reason: report::chain(error),
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
