//! Compiles a component or a core module, and keeps nothing of what that took.
//!
//! A compiler holds on to its buffers for as long as its engine lives, and they grow with every function it meets. So each
//! compilation has an engine of its own, which ends with it, and threads of its own: what threads that live on have freed
//! would stay with their allocators.

use rayon::ThreadPoolBuilder;
use wasmtime::{Engine, Result};

use super::Settings;
use super::cache::{Compiled, give_back_memory};

/// Machine code, to be loaded by any engine with these settings.
pub(super) fn compile<C: Compiled>(settings: Settings, bytes: &[u8]) -> Result<Vec<u8>> {
    let code = with_own_engine::<C>(settings, bytes);
    give_back_memory();
    code
}

fn with_own_engine<C: Compiled>(settings: Settings, bytes: &[u8]) -> Result<Vec<u8>> {
    let engine = Engine::new(&settings.config())?;
    let threads = ThreadPoolBuilder::new().thread_name(|_| "wash-compile".to_owned());
    match threads.build() {
        Ok(threads) => threads.install(|| C::compile(&engine, bytes)),
        // A system that has no more threads to give has at least this one.
        Err(_) => C::compile(&engine, bytes),
    }
}
