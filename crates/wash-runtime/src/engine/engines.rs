//! The engines of one process, and the way from a component's bytes to code that runs.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use wash_component::{
    CodeSize, Shape, largest_code, unbundle, unsupported_code, with_member_labels,
};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Error, Module, Result};

use super::cache::{Cache, Compiled, SourceDigest};
use super::compile::Priority;
use super::compiler_process::CompileError;
use super::config::Allocation;
use super::{Compiler, Model, Settings, cache, compile, compiler_process, config};
use crate::events::Events;
use crate::instance::ticker::Ticker;

/// One engine for each [`Settings`] and [`Allocation`], made when it is first needed. They run code and compile none.
pub(crate) struct Engines {
    made: Mutex<BTreeMap<(Settings, Allocation), Engine>>,
    cache: Option<Cache>,
    /// What was loaded last, for what shares modules with it: to trust a file takes reading it.
    modules: Mutex<VecDeque<(SourceDigest, Module)>>,
    /// Held by whoever optimizes: one component at a time.
    pub(super) optimizing: tokio::sync::Mutex<()>,
    ticker: Arc<Ticker>,
    /// Where this process runs: usually the project.
    directory: Arc<Path>,
    events: Events,
}

/// A compiled component.
pub(crate) struct Code {
    pub(crate) component: Component,
    /// The core modules that it imports, by the names of the imports.
    modules: Vec<(String, Module)>,
    pub(crate) model: Model,
    pub(crate) took: Duration,
    pub(crate) cached: bool,
    /// The optimizing compiler takes longer, and its code is faster.
    pub(crate) is_quick: bool,
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
    pub(crate) fn new(cache_dir: Option<PathBuf>, events: Events) -> Self {
        let cache = cache_dir.and_then(|dir| match Cache::open(&dir) {
            Ok(cache) => Some(cache),
            Err(error) => {
                events.host(&format!("note: compiled code will not be cached: {error}"));
                None
            }
        });
        Self {
            made: Mutex::default(),
            cache,
            modules: Mutex::default(),
            optimizing: tokio::sync::Mutex::default(),
            ticker: Arc::new(Ticker::new()),
            directory: std::env::current_dir().unwrap_or_default().into(),
            events,
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
    pub(crate) fn load(&self, component: &[u8], superseded: &CancellationToken) -> Result<Code> {
        let started = Instant::now();
        let (parts, settings) = read(component)?;
        let priority = Priority::Normal(superseded.clone());
        self.load_parts(&parts, settings, &priority, started)
            .map_err(|error| explain(error, component))
    }

    /// The same, for what is to answer soon: code that takes long to compile is compiled quickly, and then says so.
    pub(crate) fn load_quickly(
        &self,
        component: &[u8],
        superseded: &CancellationToken,
    ) -> Result<Code> {
        let started = Instant::now();
        let (parts, settings) = read(component)?;
        let priority = Priority::Normal(superseded.clone());
        let optimized = || {
            self.load_parts(&parts, settings, &priority, started)
                .map_err(|error| explain(error, component))
        };
        if !HAS_QUICK_COMPILER || self.unknown_code(&parts, settings) < QUICK_CODE {
            return optimized();
        }
        match self.load_parts(&parts, settings.quick(), &priority, started) {
            Err(error) if !is_given_up(&error) => {
                let code = optimized()?;
                self.events.host(&format!(
                    "note: this component needs the optimizing compiler, which takes longer: {error}"
                ));
                Ok(code)
            }
            done => done,
        }
    }

    /// The code that is worth waiting for, of a component that was loaded quickly. Takes what is left of the machine.
    ///
    /// # Errors
    ///
    /// When the component does not compile, or `superseded` is cancelled meanwhile.
    pub(super) fn optimize(
        &self,
        component: &[u8],
        superseded: &CancellationToken,
    ) -> Result<Code> {
        let started = Instant::now();
        let (parts, settings) = read(component)?;
        let priority = Priority::Low(superseded.clone());
        self.load_parts(&parts, settings, &priority, started)
    }

    /// How many bytes of code would have to be compiled.
    fn unknown_code(&self, parts: &Parts, settings: Settings) -> usize {
        let engine = self.engine(settings, Allocation::Pooling);
        let Ok(engine) = engine.or_else(|_| self.engine(settings, Allocation::OnDemand)) else {
            return 0;
        };
        let modules = parts.modules.iter().map(|(_, module)| module);
        let all = modules.chain([&parts.component]);
        let unknown = all.filter(|part| {
            let cache = self.cache.as_ref();
            !cache.is_some_and(|cache| cache.contains(&engine, &part.digest))
        });
        unknown.map(|part| CodeSize::of(&part.bytes).bytes).sum()
    }

    fn load_parts(
        &self,
        parts: &Parts,
        settings: Settings,
        priority: &Priority,
        started: Instant,
    ) -> Result<Code> {
        let mut loading = Loading {
            engines: self,
            parts,
            settings,
            priority,
            compiled: BTreeMap::new(),
        };
        // A component may be too large for a slot of the pool, and a machine may refuse the pool's address space
        // (`ulimit -v`, some containers).
        let pooled = match self.engine(settings, Allocation::Pooling) {
            Ok(engine) => loading.all(&engine)?,
            Err(error) => Err(error),
        };
        let (component, modules) = match pooled {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::debug!("not from the pool: {error:#}");
                loading.all(&self.engine(settings, Allocation::OnDemand)?)??
            }
        };
        Ok(Code {
            component,
            modules,
            model: settings.model,
            took: started.elapsed(),
            cached: loading.compiled.is_empty(),
            is_quick: settings.compiler == Compiler::Winch,
        })
    }

    fn loaded_module(&self, engine: &Engine, source: &SourceDigest) -> Option<Module> {
        let modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let found = modules
            .iter()
            .find(|(known, module)| known == source && Engine::same(module.engine(), engine));
        found.map(|(_, module)| module.clone())
    }

    fn keep_module(&self, source: &SourceDigest, module: &Module) {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        modules.retain(|(known, other)| {
            known != source || !Engine::same(module.engine(), other.engine())
        });
        modules.truncate(MAX_LOADED_MODULES - 1);
        modules.push_front((source.clone(), module.clone()));
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

/// A component without a core module that has so many bytes of code is compiled as one: that takes no time to speak of, and what
/// is linked when it runs costs each instance a little.
const LARGE_CODE: usize = 256 << 10;
/// Of any other component, the core modules with so many bytes of code are compiled one by one.
const MIN_CODE: usize = 16 << 10;

/// How many core modules stay loaded for the next version. They are mapped files, of which memory has what runs.
const MAX_LOADED_MODULES: usize = 16;

/// Winch supports other processors less well.
const HAS_QUICK_COMPILER: bool = cfg!(target_arch = "x86_64");

/// This much code, in bytes, takes the optimizing compiler about a second.
const QUICK_CODE: usize = 1 << 20;

/// What a component is compiled as.
struct Parts {
    component: Part,
    /// By the names under which the component imports them.
    modules: Vec<(String, Part)>,
}

/// What is compiled as one.
struct Part {
    bytes: Vec<u8>,
    digest: SourceDigest,
}

impl Part {
    fn new(bytes: Vec<u8>) -> Self {
        let digest = SourceDigest::of(&bytes);
        Self { bytes, digest }
    }
}

/// What a component is compiled as, and how.
fn read(component: &[u8]) -> Result<(Parts, Settings)> {
    let shape = Shape::parse(component).map_err(Error::new)?;
    if let Some(unsupported) = &shape.unsupported {
        return Err(Error::msg(format!(
            "the component cannot run: {unsupported}"
        )));
    }
    let settings = Settings::of(&shape, component);
    Ok((Parts::of(component, settings), settings))
}

impl Parts {
    fn of(component: &[u8], settings: Settings) -> Self {
        let labelled = with_member_labels(component);
        let component = labelled.as_deref().unwrap_or(component);
        // What is compiled apart is not inlined.
        let is_one = settings.inlining || largest_code(component) < LARGE_CODE;
        let unbundled = match is_one {
            true => None,
            false => unbundle(component, MIN_CODE),
        };
        match unbundled {
            Some(unbundled) => {
                let modules = unbundled.modules.into_iter();
                let modules =
                    modules.map(|module| (module.name, Part::new(module.bytes.into_owned())));
                Self {
                    modules: modules.collect(),
                    component: Part::new(unbundled.skeleton),
                }
            }
            None => Self {
                component: Part::new(component.to_owned()),
                modules: Vec::new(),
            },
        }
    }
}

/// A component, and the core modules it imports.
type Loaded = (Component, Vec<(String, Module)>);

/// A component on its way from parts to code.
struct Loading<'a> {
    engines: &'a Engines,
    parts: &'a Parts,
    settings: Settings,
    priority: &'a Priority,
    /// The code of those parts that were not in the cache, by their names.
    compiled: BTreeMap<String, Vec<u8>>,
}

impl Loading<'_> {
    /// All parts as one of the engines has them, which may refuse good code.
    ///
    /// # Errors
    ///
    /// When one of them does not compile.
    fn all(&mut self, engine: &Engine) -> Result<Result<Loaded>> {
        let parts = self.parts;
        let mut modules = Vec::new();
        for (name, part) in &parts.modules {
            let module = match self.engines.loaded_module(engine, &part.digest) {
                Some(module) => module,
                None => match self.part(engine, name, part)? {
                    Ok(module) => module,
                    Err(refused) => return Ok(Err(refused)),
                },
            };
            // Only what is mapped takes no memory to speak of.
            if self.engines.cache.is_some() {
                self.engines.keep_module(&part.digest, &module);
            }
            modules.push((name.clone(), module));
        }
        let component = self.part(engine, "", &parts.component)?;
        Ok(component.map(|component| (component, modules)))
    }

    fn part<C: Compiled>(&mut self, engine: &Engine, name: &str, part: &Part) -> Result<Result<C>> {
        let cache = self.engines.cache.as_ref();
        let cached = || cache?.load(engine, &part.digest);
        if let Some(part) = cached() {
            return Ok(part);
        }
        let code = match self.compiled.entry(name.to_owned()) {
            Entry::Occupied(code) => code.into_mut(),
            Entry::Vacant(place) => {
                let code = compile_apart::<C>(self.settings, &part.bytes, self.priority)?;
                if let Some(cache) = cache
                    && let Err(problem) = cache.store(engine, &part.digest, &code)
                {
                    let events = &self.engines.events;
                    events.host(&format!("note: compiled code was not cached: {problem}"));
                }
                place.insert(code)
            }
        };
        // A file is mapped; what comes from memory takes memory.
        Ok(cached().unwrap_or_else(|| cache::from_memory(engine, code)))
    }
}

/// How long a compilation goes on for a version that is out of date: what is compiled may be what the next one needs.
const SUPERSEDED_GRACE: Duration = Duration::from_secs(10);

/// Compiles in a process of its own where there can be one.
fn compile_apart<C: Compiled>(
    settings: Settings,
    bytes: &[u8],
    priority: &Priority,
) -> Result<Vec<u8>> {
    let process = compiler_process::limits().zip(Handle::try_current().ok());
    let Some((limits, runtime)) = process else {
        return compile::compile::<C>(settings, bytes, priority);
    };
    let given_up = async {
        if let Priority::Normal(_) = priority {
            tokio::time::sleep(SUPERSEDED_GRACE).await;
        }
        priority.superseded().cancelled().await;
    };
    let compiled = runtime.block_on(async {
        let child = compiler_process::start::<C>(settings, priority, limits).ok()?;
        Some(compiler_process::finish(child, bytes, limits, given_up).await)
    });
    match compiled {
        Some(compiled) => {
            let code = compiled.map_err(Error::new);
            cache::give_back_memory();
            code
        }
        // A system without processes to give may have memory.
        None => compile::compile::<C>(settings, bytes, priority),
    }
}

/// Whether a component was not loaded because there is a newer one.
pub(super) fn is_given_up(error: &Error) -> bool {
    matches!(error.downcast_ref(), Some(CompileError::GivenUp))
}

/// The plan has looked at everything but the bodies of functions.
fn explain(error: Error, component: &[u8]) -> Error {
    match unsupported_code(component) {
        Some(unsupported) if !is_given_up(&error) => Error::new(unsupported),
        _ => error,
    }
}
