//! Compiles, instantiates and calls components: the only place, with `capability`, that names wasmtime.
//!
//! [`Engines`] turns bytes into code that can run, from the [`cache`] if it was compiled before. `prepare` goes from
//! a workload to a `handler`: `linking` fills the component's imports by asking the capabilities, and the handler answers
//! each HTTP request with an instance of its own, watched by `limits` and the `ticker`. `report` tells what went wrong in
//! a guest.

mod body;
pub mod cache;
mod config;
pub(crate) mod handler;
mod limits;
mod linking;
mod output;
mod prepare;
mod report;
mod serve;
pub(crate) mod state;
mod ticker;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use wasmtime::component::Component;
use wasmtime::{Engine, Result};

use crate::console::Console;

use cache::Cache;
use config::Allocation;
use ticker::Ticker;

pub use config::settings;
pub(crate) use prepare::prepare;

/// What a component needs of the engine. Asynchronous components cost every call and every request more, so those
/// that do without are run without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// WASI 0.2 only: no async functions, streams or futures anywhere in the component.
    Sync,
    /// The component model's async, which WASI 0.3 is made of.
    Async,
}

/// The engines of one process: one for each [`Model`], made when it is first needed.
pub(crate) struct Engines {
    sync: OnceLock<Engine>,
    asynchronous: OnceLock<Engine>,
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
            sync: OnceLock::new(),
            asynchronous: OnceLock::new(),
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
        let engine = self.engine(model)?;
        let (component, cached) = match &self.cache {
            None => (Component::new(engine, bytes)?, false),
            Some(cache) => {
                let loaded = cache.load_or_compile(engine, bytes)?;
                if let Some(problem) = loaded.problem {
                    self.console
                        .talk(&format!("note: compiled code was not kept: {problem}"));
                }
                (loaded.component, loaded.hit)
            }
        };
        Ok(Code {
            component,
            model,
            took: started.elapsed(),
            cached,
        })
    }

    fn engine(&self, model: Model) -> Result<&Engine> {
        let slot = match model {
            Model::Sync => &self.sync,
            Model::Async => &self.asynchronous,
        };
        if let Some(engine) = slot.get() {
            return Ok(engine);
        }
        // The pool reserves terabytes of address space and commits none of it; where even that is refused
        // (`ulimit -v`, some containers), instances are allocated one by one.
        let engine = match Engine::new(&config::config(model, Allocation::Pooling)) {
            Ok(engine) => engine,
            Err(error) => {
                tracing::debug!("no pool of instances: {error:#}");
                Engine::new(&config::config(model, Allocation::OnDemand))?
            }
        };
        // Two threads may get here at once; the loser's engine is dropped before anything was compiled for it.
        let engine = slot.get_or_init(|| {
            self.ticker.drive(engine.weak());
            engine
        });
        Ok(engine)
    }
}
