//! `wasi:logging`: what a member logs goes to the console, with its level, its member and its request, unless the
//! member's settings leave the level out.

use wasmtime::component::{ComponentType, Lift, Linker, Lower};
use wasmtime::{Result, StoreContextMut};

use crate::console;
use crate::engine::state::State;
use crate::linker::Tier;

use super::{Capability, Interface, Row, per_member};

pub(crate) struct Logging;

const INTERFACES: &[Row] = &[
    per_member("wasi:logging/logging", "0.1.0-draft"),
    per_member("wasi:logging/logging", ""),
];

#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "made by lifting what a guest passed")]
enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
    #[component(name = "critical")]
    Critical,
}

impl Capability for Logging {
    fn name(&self) -> &'static str {
        "logging"
    }

    fn tier(&self) -> Tier {
        Tier::Capability
    }

    fn interfaces(&self) -> &'static [Row] {
        INTERFACES
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool> {
        if interface.name != "wasi:logging/logging" {
            return Ok(false);
        }
        let log = move |store: StoreContextMut<'_, State>,
                        (level, context, message): (Level, String, String)| {
            let state = store.data();
            let member = state.setup(member);
            let level = console::Level::from(level);
            if level >= member.log_level {
                let (console, request) = (&state.call.console, state.call.request);
                console.guest_log(level, &member.name, request, &context, &message);
            }
            Ok(())
        };
        linker.instance(import)?.func_wrap("log", log)?;
        Ok(true)
    }
}

impl From<Level> for console::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
            Level::Critical => Self::Critical,
        }
    }
}
