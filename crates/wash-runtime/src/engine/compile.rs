//! Compiles a component or a core module, and keeps nothing of what that took.
//!
//! A compiler holds on to its buffers for as long as its engine lives, and they grow with every function it meets. So each
//! compilation has an engine of its own, which ends with it, and threads of its own: what threads that live on have freed
//! would stay with their allocators. In the command `wash` it has a process of its own as well (`compiler_process`).

use rayon::ThreadPoolBuilder;
use tokio_util::sync::CancellationToken;
use wasmtime::{Engine, Result};

use super::Settings;
use super::cache::{Compiled, give_back_memory};
use super::compiler_process::CompileError;

/// How much of the machine a compilation may have. The code is of no use once the token is cancelled.
#[derive(Debug, Clone)]
pub(super) enum Priority {
    /// Somebody waits for the code.
    Normal(CancellationToken),
    /// What nothing else needs.
    Low(CancellationToken),
}

impl Priority {
    pub(super) fn is_low(&self) -> bool {
        matches!(self, Self::Low(_))
    }

    pub(super) fn superseded(&self) -> &CancellationToken {
        match self {
            Self::Normal(superseded) | Self::Low(superseded) => superseded,
        }
    }
}

/// Machine code, to be loaded by any engine with these settings.
pub(super) fn compile<C: Compiled>(
    settings: Settings,
    bytes: &[u8],
    priority: &Priority,
) -> Result<Vec<u8>> {
    if priority.is_low() && priority.superseded().is_cancelled() {
        return Err(CompileError::GivenUp.into());
    }
    let code = with_own_engine::<C>(settings, bytes, priority.is_low());
    give_back_memory();
    code
}

pub(super) fn with_own_engine<C: Compiled>(
    settings: Settings,
    bytes: &[u8],
    is_low: bool,
) -> Result<Vec<u8>> {
    let engine = Engine::new(&settings.config())?;
    let threads = ThreadPoolBuilder::new()
        .thread_name(|_| "wash-compile".to_owned())
        .start_handler(move |_| {
            if is_low {
                yield_to_others();
            }
        });
    match threads.build() {
        Ok(threads) => threads.install(|| C::compile(&engine, bytes)),
        // A system that has no more threads to give has at least this one.
        Err(_) => C::compile(&engine, bytes),
    }
}

/// Gives the thread that calls this a low priority: not the lowest, with which it might never be done on a busy machine.
#[cfg(target_os = "linux")]
fn yield_to_others() {
    const NICE: i32 = 10;
    // On Linux priorities are of threads, and none stands for the one that asks.
    let _ = rustix::process::setpriority_process(None, NICE);
}

/// Elsewhere priorities are of processes, and this one also serves.
#[cfg(not(target_os = "linux"))]
fn yield_to_others() {}
