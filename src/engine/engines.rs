//! The engines of one process, and the way from a component's bytes to code that runs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Error, Module, Result};

use crate::component::{Shape, unbundle, with_member_labels};
use crate::console::Console;

use super::cache::{self, Cache, Compiled};
use super::compile::compile;
use super::config::{self, Allocation};
use super::ticker::Ticker;
use super::{Model, Settings};

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
    /// The core modules that it imports, by the names of the imports.
    modules: Vec<(String, Module)>,
    pub(crate) model: Model,
    pub(crate) took: Duration,
    pub(crate) cached: bool,
}

impl Code {
    /// Whether an import is a core module that is compiled on its own, and nothing that a host or a workload provides.
    pub(super) fn is_part(&self, import: &str) -> bool {
        self.modules.iter().any(|(name, _)| name == import)
    }

    /// Puts the core modules that were compiled on their own in their places.
    pub(super) fn link_modules<T: 'static>(&self, linker: &mut Linker<T>) -> Result<()> {
        for (name, module) in &self.modules {
            linker.root().module(name, module)?;
        }
        Ok(())
    }
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
    /// where blocking is allowed.
    pub(crate) fn load(&self, bytes: &[u8]) -> Result<Code> {
        let started = Instant::now();
        let shape = Shape::parse(bytes).map_err(Error::new)?;
        if let Some(unsupported) = &shape.unsupported {
            return Err(Error::msg(format!(
                "the component cannot run: {unsupported}"
            )));
        }
        let settings = Settings::of(&shape, bytes);
        let parts = Parts::of(bytes, settings);
        // A component may be too large for a slot of the pool, and a machine may refuse the pool's address space
        // (`ulimit -v`, some containers).
        let mut compiled = BTreeMap::new();
        let pooled = self.engine(settings, Allocation::Pooling);
        let pooled = match pooled {
            Ok(engine) => self.load_parts(&engine, settings, &parts, &mut compiled)?,
            Err(error) => Err(error),
        };
        let (component, modules) = match pooled {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::debug!("not from the pool: {error:#}");
                let engine = self.engine(settings, Allocation::OnDemand)?;
                self.load_parts(&engine, settings, &parts, &mut compiled)??
            }
        };
        Ok(Code {
            component,
            modules,
            model: settings.model,
            took: started.elapsed(),
            cached: compiled.is_empty(),
        })
    }

    /// All parts of a component as one of the engines has them, which may refuse good code.
    ///
    /// # Errors
    ///
    /// When one of them does not compile.
    fn load_parts(
        &self,
        engine: &Engine,
        settings: Settings,
        parts: &Parts,
        compiled: &mut CompiledParts,
    ) -> Result<Result<(Component, Vec<(String, Module)>)>> {
        let mut modules = Vec::new();
        for (name, bytes) in &parts.modules {
            match self.load_part(engine, settings, (name, bytes), compiled)? {
                Ok(module) => modules.push((name.clone(), module)),
                Err(refused) => return Ok(Err(refused)),
            }
        }
        let component = self.load_part(engine, settings, ("", &parts.component), compiled)?;
        Ok(component.map(|component| (component, modules)))
    }

    /// A part by its name and content.
    fn load_part<C: Compiled>(
        &self,
        engine: &Engine,
        settings: Settings,
        (name, bytes): (&str, &[u8]),
        compiled: &mut CompiledParts,
    ) -> Result<Result<C>> {
        let cached = || self.cache.as_ref()?.load(engine, bytes);
        if let Some(part) = cached() {
            return Ok(part);
        }
        let code = match compiled.entry(name.to_owned()) {
            Entry::Occupied(code) => code.into_mut(),
            Entry::Vacant(place) => {
                let code = compile::<C>(settings, bytes)?;
                if let Some(cache) = &self.cache
                    && let Err(problem) = cache.store(engine, bytes, &code)
                {
                    self.console
                        .talk(&format!("note: compiled code was not kept: {problem}"));
                }
                place.insert(code)
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

/// The code of those parts that were not in the cache, by their names.
type CompiledParts = BTreeMap<String, Vec<u8>>;

/// Core modules with less code are compiled with their component: that takes no time to speak of, and what is linked when it
/// runs costs each instance a little.
const MIN_CODE: usize = 256 << 10;

/// What a component is compiled as.
struct Parts {
    component: Vec<u8>,
    /// By the names under which the component imports them.
    modules: Vec<(String, Vec<u8>)>,
}

impl Parts {
    fn of(component: &[u8], settings: Settings) -> Self {
        let labelled = with_member_labels(component);
        let component = labelled.as_deref().unwrap_or(component);
        // What is compiled apart is not inlined.
        let unbundled = match settings.inlining {
            true => None,
            false => unbundle(component, MIN_CODE),
        };
        match unbundled {
            Some(unbundled) => {
                let modules = unbundled.modules.into_iter();
                Self {
                    component: unbundled.skeleton,
                    modules: modules
                        .map(|module| (module.name, module.bytes.into_owned()))
                        .collect(),
                }
            }
            None => Self {
                component: component.to_owned(),
                modules: Vec::new(),
            },
        }
    }
}
