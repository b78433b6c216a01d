//! Has what runs quickly compiled code run optimized code, without a stop.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use wasmtime::component::InstancePre;
use wasmtime::{Error, Result};

use super::compiler_process::CompileError;
use super::instances::{Export, Instances};
use super::{Engines, linking};
use crate::capability::Capabilities;
use crate::events::{Event, Events};
use crate::instance::State;
use crate::workload::Entry;

/// The entries of a workload that run quickly compiled code.
#[derive(Default)]
pub(crate) struct Optimization(Vec<(Entry, Arc<dyn Replace>)>);

/// What runs code that can be replaced.
#[async_trait]
pub(super) trait Replace: Send + Sync {
    async fn replace(&self, pre: InstancePre<State>) -> Result<()>;
}

#[async_trait]
impl<E: Export> Replace for Instances<E> {
    async fn replace(&self, pre: InstancePre<State>) -> Result<()> {
        self.replace(pre).await
    }
}

impl Optimization {
    pub(super) fn add(&mut self, entry: &Entry, instances: Arc<dyn Replace>) {
        self.0.push((entry.clone(), instances));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compiles one entry after the other with what is left of the machine. What runs goes on with the code that it has; the
    /// next instance has the new one. Stops when `superseded` is cancelled.
    pub(crate) async fn run(
        self,
        engines: Arc<Engines>,
        capabilities: &Capabilities,
        events: &Events,
        superseded: &CancellationToken,
    ) {
        for (entry, instances) in self.0 {
            let started = Instant::now();
            let optimized = optimize(&engines, capabilities, &entry, superseded).await;
            let replaced = match optimized {
                Ok(pre) => instances.replace(pre).await,
                Err(error) => Err(error),
            };
            let name = &entry.name;
            match replaced {
                _ if superseded.is_cancelled() => return,
                Ok(()) => {
                    let took = started.elapsed();
                    events.tell(Event::Optimized { name, took });
                }
                Err(error) => events.host(&format!(
                    "note: `{name}` goes on with quickly compiled code: {error:#}"
                )),
            }
        }
    }
}

async fn optimize(
    engines: &Arc<Engines>,
    capabilities: &Capabilities,
    entry: &Entry,
    superseded: &CancellationToken,
) -> Result<InstancePre<State>> {
    let _turn = tokio::select! {
        biased;
        () = superseded.cancelled() => return Err(CompileError::GivenUp.into()),
        turn = engines.optimizing.lock() => turn,
    };
    let compiled = tokio::task::spawn_blocking({
        let (engines, component) = (Arc::clone(engines), Arc::clone(&entry.component));
        let superseded = superseded.clone();
        move || engines.optimize(&component, &superseded)
    });
    let code = compiled.await.map_err(Error::new)??;
    linking::link(capabilities, &code, entry)
}
