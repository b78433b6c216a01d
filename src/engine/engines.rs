//! The engines of one process, and the way from a component's bytes to code that runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::component::Component;
use wasmtime::{Engine, Result};

use crate::console::Console;

use super::Model;
use super::cache::Cache;
use super::config::{self, Allocation};
use super::ticker::Ticker;

/// One engine for each [`Model`] and [`Allocation`], made when it is first needed.
pub(crate) struct Engines {
    made: Mutex<BTreeMap<(Model, Allocation), Engine>>,
    cache: Option<Cache>,
    ticker: Arc<Ticker>,
    console: Console,
}

/// A compiled component.
pub(crate) struct Code {
    pub(crate) component: Component,
    pub(crate) model: Model,
    pub(crate) took: Duration,
    pub(crate) cached: bool,
}

impl Engines {
    /// With `cache_dir`, compiled code is kept there and found again.
    pub(crate) fn new(cache_dir: Option<PathBuf>, console: Console) -> Self {
        let cache = cache_dir.and_then(|dir| match Cache::open(&dir) {
            Ok(cache) => Some(cache),
            Err(error) => {
                console.talk(&format!("note: compiled code will not be kept: {error}"));
                None
            }
        });
        Self {
            made: Mutex::default(),
            cache,
            ticker: Arc::new(Ticker::new()),
            console,
        }
    }

    pub(crate) fn ticker(&self) -> &Arc<Ticker> {
        &self.ticker
    }

    /// Compiles a component, or loads it from the cache. Takes from a millisecond to many seconds of CPU: call it
    /// where blocking is allowed.
    pub(crate) fn load(&self, bytes: &[u8]) -> Result<Code> {
        let started = Instant::now();
        let model = config::model_of(bytes);
        // A component may be too large for a slot of the pool, and a machine may refuse the pool's address space
        // (`ulimit -v`, some containers). If the component itself is at fault, the error comes again.
        let (pooled, cached) = self.load_for(model, Allocation::Pooling, bytes);
        let component = match pooled {
            Ok(component) => component,
            Err(error) => {
                tracing::debug!("not from the pool: {error:#}");
                self.load_for(model, Allocation::OnDemand, bytes).0?
            }
        };
        Ok(Code {
            component,
            model,
            took: started.elapsed(),
            cached,
        })
    }

    /// The component as one of the engines has it, and whether its code was in the cache.
    fn load_for(
        &self,
        model: Model,
        allocation: Allocation,
        bytes: &[u8],
    ) -> (Result<Component>, bool) {
        let engine = match self.engine(model, allocation) {
            Ok(engine) => engine,
            Err(error) => return (Err(error), false),
        };
        let Some(cache) = &self.cache else {
            return (Component::new(&engine, bytes), false);
        };
        let loaded = cache.load_or_compile(&engine, bytes);
        if let Some(problem) = loaded.problem {
            self.console
                .talk(&format!("note: compiled code was not kept: {problem}"));
        }
        (loaded.component, loaded.hit)
    }

    fn engine(&self, model: Model, allocation: Allocation) -> Result<Engine> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = made.get(&(model, allocation)) {
            return Ok(engine.clone());
        }
        let engine = Engine::new(&config::config(model, allocation))?;
        self.ticker.drive(engine.weak());
        made.insert((model, allocation), engine.clone());
        Ok(engine)
    }
}
