//! Runs a service: one instance that goes on for as long as it likes.
//!
//! The limit on CPU time is on each stretch of computing, as everywhere: it begins anew whenever the guest waits for
//! something, so that a service may run for days, and one that computes without ever waiting is stopped.

use std::future::poll_fn;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Result, Store};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::{p2, p3};

use super::instances::{Export, Failure, InstanceConfig, Instances, NewInstance};
use super::report::Report;
use crate::capability::Preview;
use crate::instance::State;
use crate::instance::limits::Metered;

/// A component that is ready to run.
pub(crate) struct Service {
    instances: Arc<Instances<Run>>,
}

/// `wasi:cli/run`, looked up once.
pub(super) enum Run {
    P2(p2::bindings::CommandIndices),
    P3(p3::bindings::CommandIndices),
}

pub(super) enum Command {
    P2(p2::bindings::Command),
    P3(p3::bindings::Command),
}

impl Service {
    pub(super) fn new(
        pre: InstancePre<State>,
        preview: Preview,
        supplies: InstanceConfig,
    ) -> Result<Self> {
        let run = Run::new(&pre, preview)?;
        Ok(Self {
            instances: Arc::new(Instances::new(pre, run, supplies)),
        })
    }

    pub(super) fn instances(&self) -> Arc<Instances<Run>> {
        Arc::clone(&self.instances)
    }

    /// Runs the service in a fresh instance until it ends. Dropping this stops it where it waits, or at the next tick
    /// if it computes; the guest is not told.
    pub(crate) async fn run(&self) -> std::result::Result<(), Report> {
        match self.call().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(())) => Err(Report::plain("`run` returned an error")),
            Err(error) => match error.downcast_ref() {
                Some(I32Exit(0)) => Ok(()),
                // Where it was called from is as good as never what went wrong.
                Some(I32Exit(status)) => {
                    Err(Report::plain(format!("it exited with status {status}")))
                }
                None => Err(self.instances.describe(&error)),
            },
        }
    }

    /// When this returns, the instance is gone, and what it wrote to its output was printed.
    async fn call(&self) -> Result<std::result::Result<(), ()>> {
        let NewInstance {
            export,
            mut store,
            meter,
        } = self.instances.fresh(None).await?;
        Metered::new(meter, export.run(&mut store))
            .await
            .map_err(|error| store.data().call.panics.explain(error))
    }

    pub(super) async fn try_out(
        &self,
        superseded: &CancellationToken,
    ) -> std::result::Result<(), Failure> {
        self.instances.try_out(superseded).await
    }
}

impl Run {
    fn new(pre: &InstancePre<State>, preview: Preview) -> Result<Self> {
        Ok(match preview {
            Preview::P2 => Self::P2(p2::bindings::CommandIndices::new(pre)?),
            Preview::P3 => Self::P3(p3::bindings::CommandIndices::new(pre)?),
        })
    }
}

impl Command {
    async fn run(&self, store: &mut Store<State>) -> Result<std::result::Result<(), ()>> {
        match self {
            Self::P2(command) => command.wasi_cli_run().call_run(store).await,
            Self::P3(command) => {
                store
                    .run_concurrent(async |accessor| {
                        let answer = command.wasi_cli_run().call_run(accessor).await?;
                        // What it began and left to itself, such as the last lines it printed, is finished.
                        poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
                        Ok(answer)
                    })
                    .await?
            }
        }
    }
}

impl Export for Run {
    type Found = Command;

    fn again(&self, pre: &InstancePre<State>) -> Result<Self> {
        let preview = match self {
            Self::P2(_) => Preview::P2,
            Self::P3(_) => Preview::P3,
        };
        Self::new(pre, preview)
    }

    fn find(&self, store: &mut Store<State>, instance: &Instance) -> Result<Command> {
        Ok(match self {
            Self::P2(indices) => Command::P2(indices.load(store, instance)?),
            Self::P3(indices) => Command::P3(indices.load(store, instance)?),
        })
    }
}
