//! The engines of one process, and the way from a component's bytes to code that runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use wasmtime::component::Component;
use wasmtime::{Engine, Error, Result};

use crate::component::Shape;
use crate::console::Console;

use super::cache::{self, Cache};
use super::compile;
use super::compiler_process::{self, CompileError};
use super::config::{self, Allocation};
use super::ticker::Ticker;
use super::{Model, Settings};

/// How long a compilation may take though there is a newer version: one that takes a few seconds is worth serving.
const SUPERSEDED_GRACE: Duration = Duration::from_secs(10);

/// One engine for each [`Settings`] and [`Allocation`], made when it is first needed. They run code and compile none.
pub(crate) struct Engines {
    made: Mutex<BTreeMap<(Settings, Allocation), Engine>>,
    cache: Option<Cache>,
    ticker: Arc<Ticker>,
    /// Where this process runs: usually the project.
    directory: Arc<Path>,
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
            directory: std::env::current_dir().unwrap_or_default().into(),
            console,
        }
    }

    pub(crate) fn directory(&self) -> &Arc<Path> {
        &self.directory
    }

    pub(crate) fn ticker(&self) -> &Arc<Ticker> {
        &self.ticker
    }

    /// Compiles a component, or loads it from the cache. Takes from a millisecond to many seconds of CPU: call it
    /// where blocking is allowed. A compilation that has taken long is given up when `superseded` is cancelled.
    pub(crate) fn load(&self, bytes: &[u8], superseded: &CancellationToken) -> Result<Code> {
        let started = Instant::now();
        let shape = Shape::parse(bytes).map_err(Error::new)?;
        if let Some(unsupported) = &shape.unsupported {
            return Err(Error::msg(format!(
                "the component cannot run: {unsupported}"
            )));
        }
        let settings = Settings::of(&shape, bytes);
        let mut compiled = None;
        // A component may be too large for a slot of the pool, and a machine may refuse the pool's address space
        // (`ulimit -v`, some containers).
        let pooled = self.engine(settings, Allocation::Pooling);
        let pooled = match pooled {
            Ok(engine) => self.component(&engine, settings, bytes, superseded, &mut compiled)?,
            Err(error) => Err(error),
        };
        let component = match pooled {
            Ok(component) => component,
            Err(error) => {
                tracing::debug!("not from the pool: {error:#}");
                let engine = self.engine(settings, Allocation::OnDemand)?;
                self.component(&engine, settings, bytes, superseded, &mut compiled)??
            }
        };
        Ok(Code {
            component,
            model: settings.model,
            took: started.elapsed(),
            cached: compiled.is_none(),
        })
    }

    /// The component as one of the engines has it, which may refuse good code. `compiled` has the code if it was not in
    /// the cache.
    ///
    /// # Errors
    ///
    /// When it does not compile.
    fn component(
        &self,
        engine: &Engine,
        settings: Settings,
        bytes: &[u8],
        superseded: &CancellationToken,
        compiled: &mut Option<Vec<u8>>,
    ) -> Result<Result<Component>> {
        let cached = || self.cache.as_ref()?.load(engine, bytes);
        if let Some(component) = cached() {
            return Ok(component);
        }
        let code = match compiled {
            Some(code) => code,
            None => {
                let code = compile(settings, bytes, superseded)?;
                if let Some(cache) = &self.cache
                    && let Err(problem) = cache.store(engine, bytes, &code)
                {
                    self.console
                        .talk(&format!("note: compiled code was not kept: {problem}"));
                }
                compiled.insert(code)
            }
        };
        // A file is mapped; what comes from memory takes memory.
        Ok(cached().unwrap_or_else(|| cache::from_memory(engine, code)))
    }

    fn engine(&self, settings: Settings, allocation: Allocation) -> Result<Engine> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = made.get(&(settings, allocation)) {
            return Ok(engine.clone());
        }
        let engine = Engine::new(&config::config(settings, allocation))?;
        self.ticker.drive(engine.weak());
        made.insert((settings, allocation), engine.clone());
        Ok(engine)
    }
}

/// Compiles in a process of its own where there can be one.
fn compile(settings: Settings, bytes: &[u8], superseded: &CancellationToken) -> Result<Vec<u8>> {
    let process = compiler_process::limits().zip(Handle::try_current().ok());
    let Some((limits, runtime)) = process else {
        return compile::compile(settings, bytes);
    };
    let given_up = async {
        tokio::time::sleep(SUPERSEDED_GRACE).await;
        superseded.cancelled().await;
    };
    let compiled = runtime.block_on(async {
        let child = compiler_process::start(settings, limits).ok()?;
        Some(compiler_process::finish(child, bytes, limits, given_up).await)
    });
    match compiled {
        Some(compiled) => {
            let code = compiled.map_err(Error::new);
            cache::give_back_memory();
            code
        }
        // A system without processes to give may have memory.
        None => compile::compile(settings, bytes),
    }
}

/// Whether a component was not loaded because there is a newer one.
pub(super) fn is_given_up(error: &Error) -> bool {
    matches!(error.downcast_ref(), Some(CompileError::GivenUp))
}
