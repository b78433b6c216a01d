//! From a workload to what can run, or every reason why not. Touches no other workload.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use wash_component::{Unsupported, UnsupportedCode};
use wasmtime::Error;

use super::calls::Callee;
use super::engines::is_given_up;
use super::export::{Callable, callable};
use super::handler::ComponentHandler;
use super::instances::{Failure, InstanceConfig, START_TIMEOUT};
use super::messages::ComponentMessageHandler;
use super::optimize::{Optimization, Replace};
use super::service::Service;
use super::{Code, Engines, check, give_back_memory, linking, report};
use crate::activity::Activity;
use crate::capability;
use crate::capability::{Capabilities, Extensions, SetupContext};
use crate::events::Events;
use crate::host::StartTimings;
use crate::instance::MemberSetup;
use crate::messages::Receiving;
use crate::workload::{Drive, Entry, Member, Problem, Restart, Route, StartError, Workload};

/// A workload that can run, and does not yet.
pub(crate) struct Prepared {
    pub(crate) answering: Vec<Answering>,
    pub(crate) receiving: Vec<Receiving>,
    pub(crate) service: Option<Serving>,
    /// The entry whose exports are called by name.
    pub(crate) callee: Option<Callee>,
    pub(crate) activity: Arc<Activity>,
    /// What the capabilities keep for the whole workload.
    pub(crate) kept: Extensions,
    pub(crate) timings: StartTimings,
    /// What is to be done about quickly compiled code.
    pub(crate) optimization: Optimization,
}

/// An entry that answers HTTP requests.
pub(crate) struct Answering {
    pub(crate) routes: Vec<Route>,
    pub(crate) handler: Arc<ComponentHandler>,
}

/// The service.
pub(crate) struct Serving {
    pub(crate) name: String,
    pub(crate) restart: Restart,
    pub(crate) service: Service,
}

type Setups = Vec<Vec<Arc<MemberSetup>>>;

/// What preparing needs of a host.
pub(crate) struct Means<'a> {
    pub(crate) engines: &'a Arc<Engines>,
    pub(crate) capabilities: &'a Capabilities,
    pub(crate) events: &'a Events,
}

impl Means<'_> {
    /// Checks everything that can be checked with nothing running, then compiles, links, and tries each entry out once.
    /// What still tries to start when `superseded` is cancelled is given up.
    pub(crate) async fn prepare(
        &self,
        workload: &Workload,
        superseded: &CancellationToken,
    ) -> Result<Prepared, StartError> {
        let started = Instant::now();
        self.check(workload)?;
        let mut codes = Vec::new();
        let mut problems = Vec::new();
        for entry in &workload.entries {
            let code = self
                .compile(entry, superseded)
                .await
                .map_err(|error| match is_given_up(&error) {
                    true => Failure::GivenUp.of(workload, entry),
                    false => compile_error(workload, entry, &error),
                })?;
            problems.extend(linking::check_component(
                self.capabilities,
                &code,
                &entry.grants,
            ));
            match callable(&code.component, entry) {
                Ok(callable) => codes.push((code, callable)),
                Err(problem) => problems.push(problem),
            }
        }
        refuse(workload, problems)?;
        let (members, kept) = self.set_up(workload)?;

        let mut prepared = Prepared {
            answering: Vec::new(),
            receiving: Vec::new(),
            service: None,
            callee: None,
            activity: Arc::default(),
            kept,
            timings: StartTimings {
                cached: true,
                ..StartTimings::default()
            },
            optimization: Optimization::default(),
        };
        for ((entry, (code, callable)), members) in workload.entries.iter().zip(codes).zip(members)
        {
            prepared.timings.compile += code.took;
            prepared.timings.cached &= code.cached;
            prepared.timings.quick |= code.is_quick;
            let supplies = InstanceConfig {
                members,
                limits: entry.limits.clone(),
                directory: Arc::clone(self.engines.directory()),
                events: self.events.clone(),
                ticker: Arc::clone(self.engines.ticker()),
                activity: Arc::clone(&prepared.activity),
            };
            let callable = callable.as_ref();
            self.enter(&mut prepared, entry, &code, callable, supplies, superseded)
                .await
                .map_err(|failure| failure.of(workload, entry))?;
        }
        prepared.timings.link = started.elapsed().saturating_sub(prepared.timings.compile);
        Ok(prepared)
    }

    /// What is wrong with the settings of the members and with the grants, all of it.
    fn check(&self, workload: &Workload) -> Result<(), StartError> {
        let mut problems = check::workload(workload);
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

    async fn compile(
        &self,
        entry: &Entry,
        superseded: &CancellationToken,
    ) -> wasmtime::Result<Code> {
        let (engines, component) = (Arc::clone(self.engines), Arc::clone(&entry.component));
        let superseded = superseded.clone();
        // What answers one call is gone before the optimized code is there, which then never would be.
        let load = match entry.drive {
            Drive::Calls => Engines::load,
            _ => Engines::load_quickly,
        };
        let loading = tokio::task::spawn_blocking(move || {
            let code = load(&engines, &component, &superseded);
            // Reading a component takes several times its size, compiled or not.
            give_back_memory();
            code
        });
        match loading.await {
            Ok(code) => code,
            Err(panic) => Err(Error::new(panic).context("the compiler failed")),
        }
    }

    /// Of each entry, what its members were given, and what they have together.
    fn set_up(&self, workload: &Workload) -> Result<(Setups, Extensions), StartError> {
        let mut problems = Vec::new();
        let mut ready = Vec::new();
        let shared = Mutex::default();
        for entry in &workload.entries {
            let mut setups = Vec::new();
            for member in &entry.members {
                let context = SetupContext {
                    workload,
                    entry,
                    member,
                    shared: &shared,
                };
                match self.capabilities.set_up(&context) {
                    Ok(setup) => setups.push(Arc::new(setup)),
                    Err(fault) => problems.push(fault.of(member)),
                }
            }
            ready.push(setups);
        }
        refuse(workload, problems)?;
        let shared = shared.into_inner();
        Ok((ready, shared.unwrap_or_else(PoisonError::into_inner)))
    }

    /// Links an entry, tries it out once, and adds it to what is prepared.
    async fn enter(
        &self,
        prepared: &mut Prepared,
        entry: &Entry,
        code: &Code,
        callable: Option<&Callable>,
        supplies: InstanceConfig,
        superseded: &CancellationToken,
    ) -> Result<(), Failure> {
        let pre = linking::link(self.capabilities, code, entry).map_err(Failure::Load)?;
        let Some(Callable { name, preview }) = callable else {
            // The first call tells whether it starts.
            prepared.callee = Some(Callee::new(pre, code.model, supplies));
            return Ok(());
        };
        let instances: Arc<dyn Replace> = match &entry.drive {
            Drive::Http { routes } => {
                let handler =
                    ComponentHandler::new(pre, *preview, supplies).map_err(Failure::Load)?;
                handler.try_out(superseded).await?;
                let instances = handler.instances();
                prepared.answering.push(Answering {
                    routes: routes.clone(),
                    handler: Arc::new(handler),
                });
                instances
            }
            Drive::Messages { subscriptions } => {
                let handler = ComponentMessageHandler::new(entry.name.clone(), pre, name, supplies)
                    .map_err(Failure::Load)?;
                handler.try_out(superseded).await?;
                let instances = handler.instances();
                prepared.receiving.push(Receiving {
                    subscriptions: subscriptions
                        .iter()
                        .map(|text| text.parse().expect("the checks found it to be one"))
                        .collect(),
                    queued: entry.limits.queued_messages,
                    memory: entry.limits.memory,
                    handler: Arc::new(handler),
                });
                instances
            }
            Drive::Service { restart } => {
                let service = Service::new(pre, *preview, supplies).map_err(Failure::Load)?;
                service.try_out(superseded).await?;
                let instances = service.instances();
                prepared.service = Some(Serving {
                    name: entry.name.clone(),
                    restart: restart.clone(),
                    service,
                });
                instances
            }
            Drive::Calls => unreachable!("nothing is looked up for it"),
        };
        if code.is_quick {
            prepared.optimization.add(entry, instances);
        }
        Ok(())
    }
}

impl Failure {
    fn of(self, workload: &Workload, entry: &Entry) -> StartError {
        match self {
            Self::TooLate => StartError::TooLate {
                name: workload.name.clone(),
                component: entry.name.clone(),
                limit: START_TIMEOUT,
            },
            Self::GivenUp => StartError::GivenUp {
                name: workload.name.clone(),
            },
            Self::Load(error) => load_error(workload, &error),
            Self::Trap(report) => StartError::Trap {
                name: workload.name.clone(),
                report: report.text(),
            },
        }
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

/// Why an entry does not compile; a member that cannot run is told of as it is by a plan.
fn compile_error(workload: &Workload, entry: &Entry, error: &Error) -> StartError {
    let Some(found) = error.downcast_ref::<UnsupportedCode>() else {
        return load_error(workload, error);
    };
    let member = found.member.as_ref().unwrap_or(&entry.name);
    StartError::Invalid {
        name: workload.name.clone(),
        problems: vec![Problem {
            member: None,
            message: format!("component `{member}` cannot run: {}", found.unsupported),
            hint: Some(Unsupported::HINT.to_owned()),
        }],
    }
}

fn load_error(workload: &Workload, error: &Error) -> StartError {
    StartError::Load {
        name: workload.name.clone(),
        reason: report::chain(error),
    }
}

impl capability::SettingsError {
    fn of(self, member: &Member) -> Problem {
        Problem {
            member: Some(member.name.clone()),
            message: self.message,
            hint: self.hint,
        }
    }
}
