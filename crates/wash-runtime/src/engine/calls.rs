//! Calls exported functions that were named by somebody: a program of calls in one fresh instance.

use std::future::poll_fn;

use wash_common::units;
use wash_component::call::value::Answer;
use wash_component::call::{Program, Step, Value};
use wasmtime::component::{Func, Instance, InstancePre, Val};
use wasmtime::{Result, Store, format_err};
use wasmtime_wasi::I32Exit;

use super::instances::{Export, InstanceConfig, Instances, NewInstance, START_TIMEOUT};
use super::pipes::Pipes;
use super::report::Report;
use super::{Model, vals};
use crate::activity::InFlightGuard;
use crate::instance::State;
use crate::instance::limits::Metered;

/// A component whose exports can be called.
pub(crate) struct Callee {
    instances: Instances<Everything>,
    model: Model,
}

/// Why there is no answer.
pub(crate) enum Failure {
    /// The guest called `exit` with this status.
    Exit(i32),
    Trap(Report),
}

/// What starts waits for something that does not come.
#[derive(Debug, thiserror::Error)]
#[error(
    "the component did not start within {}: its start waits for something",
    units::duration(START_TIMEOUT)
)]
struct StartTimedOut;

/// Nothing is looked up before it is known what will be called.
struct Everything;

impl Export for Everything {
    type Found = Instance;

    fn again(&self, _: &InstancePre<State>) -> Result<Self> {
        Ok(Self)
    }

    fn find(&self, _: &mut Store<State>, instance: &Instance) -> Result<Instance> {
        Ok(*instance)
    }
}

impl Callee {
    pub(super) fn new(pre: InstancePre<State>, model: Model, supplies: InstanceConfig) -> Self {
        Self {
            instances: Instances::new(pre, Everything, supplies),
            model,
        }
    }

    /// Counts a call from now on.
    pub(crate) fn flight(&self) -> InFlightGuard {
        self.instances.flight()
    }

    /// Runs a program, which was checked against this component. `None`: the last function answers nothing. Dropping this
    /// stops the guest where it waits, or at the next tick if it computes.
    ///
    /// When this returns, the instance is gone, and what it wrote to its output was printed.
    pub(crate) async fn call(
        &self,
        program: &Program,
        _flight: InFlightGuard,
    ) -> std::result::Result<Option<Value>, Failure> {
        let _permit = self.instances.permit().await;
        self.run(program)
            .await
            .map_err(|error| match error.downcast_ref() {
                Some(I32Exit(status)) => Failure::Exit(*status),
                None => Failure::Trap(self.instances.describe(&error)),
            })
    }

    async fn run(&self, program: &Program) -> Result<Option<Value>> {
        let NewInstance {
            export: instance,
            mut store,
            meter,
        } = tokio::time::timeout(START_TIMEOUT, self.instances.fresh(None))
            .await
            .map_err(|_| StartTimedOut)??;
        let mut run = Run {
            store: &mut store,
            instance,
            model: self.model,
            answers: Vec::new(),
        };
        Metered::new(meter, run.all(program))
            .await
            .map_err(|error| store.data().call.panics.explain(error))
    }
}

/// A program that runs.
struct Run<'a> {
    store: &'a mut Store<State>,
    instance: Instance,
    model: Model,
    /// Of the steps so far; `None` where there is none, or where it was given away.
    answers: Vec<Option<Val>>,
}

/// What a call is made with.
enum Arguments {
    Ready(Vec<Val>),
    /// An earlier call failed to answer with what was to be used, and this is its answer.
    Ended(usize),
}

impl Run<'_> {
    async fn all(&mut self, program: &Program) -> Result<Option<Value>> {
        for step in &program.steps {
            match self.arguments(step)? {
                Arguments::Ready(arguments) => self.step(step, &arguments).await?,
                Arguments::Ended(earlier) => {
                    self.answers.truncate(earlier + 1);
                    break;
                }
            }
        }
        let last = self.answers.pop().flatten();
        let pipes = match &last {
            Some(last) => Pipes::lay(&mut *self.store, last)?,
            None => Pipes::default(),
        };
        if self.model == Model::Async {
            let read = self.store.run_concurrent(async |accessor| {
                let read = pipes.read().await;
                // What it began and left to itself, such as the last lines it printed, is finished.
                poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
                read
            });
            let mut read = read.await??;
            let value = last.as_ref().map(|last| vals::value(last, &mut read));
            self.close(last).await?;
            return value.transpose();
        }
        let value = last
            .as_ref()
            .map(|last| vals::value(last, &mut Default::default()));
        self.close(last).await?;
        value.transpose()
    }

    async fn step(&mut self, step: &Step, arguments: &[Val]) -> Result<()> {
        let func = self.find(step)?;
        let results = func.ty(&*self.store).results().len();
        let mut results = vec![Val::Bool(false); results];
        func.call_async(&mut *self.store, arguments, &mut results)
            .await?;
        self.answers.push(results.pop());
        Ok(())
    }

    fn find(&mut self, step: &Step) -> Result<Func> {
        let store = &mut *self.store;
        let parent = match &step.interface {
            Some(interface) => Some(
                self.instance
                    .get_export_index(&mut *store, None, interface)
                    .ok_or_else(|| format_err!("no export `{interface}`"))?,
            ),
            None => None,
        };
        self.instance
            .get_export_index(&mut *store, parent.as_ref(), &step.function)
            .and_then(|index| self.instance.get_func(&mut *store, index))
            .ok_or_else(|| format_err!("no function `{}`", step.function))
    }

    fn arguments(&mut self, step: &Step) -> Result<Arguments> {
        let mut ended = None;
        let mut answer = |answer: &Answer| match take(&mut self.answers[answer.step], answer) {
            Some(val) => val,
            None => {
                ended = Some(answer.step);
                Val::Bool(false)
            }
        };
        let arguments = step
            .arguments
            .iter()
            .map(|value| vals::val(value, &mut answer));
        let arguments: Vec<Val> = arguments.collect();
        Ok(match ended {
            Some(step) => Arguments::Ended(step),
            None => Arguments::Ready(arguments),
        })
    }

    /// Lets go of the resources that are left, so that they end as they would anywhere.
    async fn close(&mut self, last: Option<Val>) -> Result<()> {
        let left = std::mem::take(&mut self.answers);
        for val in left.into_iter().flatten().chain(last).rev() {
            let mut resources = Vec::new();
            vals::resources(&val, &mut resources);
            for resource in resources {
                resource.resource_drop_async(&mut *self.store).await?;
            }
        }
        Ok(())
    }
}

/// What an earlier call answered, for an argument; `None` if it is not there.
fn take(kept: &mut Option<Val>, answer: &Answer) -> Option<Val> {
    let inner = match kept.as_ref()? {
        Val::Option(inner) | Val::Result(Ok(inner)) if answer.within => {
            inner.as_deref().cloned()?
        }
        _ if answer.within => return None,
        whole => whole.clone(),
    };
    if answer.given {
        *kept = None;
    }
    Some(inner)
}
