//! Compiles a component, and keeps nothing of what that took.
//!
//! A compiler holds on to its buffers for as long as its engine lives, and they grow with every function it meets. So each
//! compilation has an engine of its own, which ends with it, and threads of its own: what threads that live on have freed
//! would stay with their allocators. In the command `wash` it has a process of its own as well (`compiler_process`).

use rayon::ThreadPoolBuilder;
use wasmtime::{Engine, Result};

use super::Settings;
use super::cache::give_back_memory;
use crate::component::with_member_labels;

/// The machine code of a component, to be loaded by any engine with these settings.
pub(super) fn compile(settings: Settings, component: &[u8]) -> Result<Vec<u8>> {
    let code = with_own_engine(settings, component);
    give_back_memory();
    code
}

fn with_own_engine(settings: Settings, component: &[u8]) -> Result<Vec<u8>> {
    let engine = Engine::new(&settings.config())?;
    let labelled = with_member_labels(component);
    let component = labelled.as_deref().unwrap_or(component);
    let threads = ThreadPoolBuilder::new().thread_name(|_| "wash-compile".to_owned());
    match threads.build() {
        Ok(threads) => threads.install(|| engine.precompile_component(component)),
        // A system that has no more threads to give has at least this one.
        Err(_) => engine.precompile_component(component),
    }
}
