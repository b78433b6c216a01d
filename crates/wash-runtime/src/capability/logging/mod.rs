//! `wasi:logging`: what a member logs goes to the console, with its level, its member and its request, unless the
//! member's settings leave the level out.

mod settings;

use wash_component::host_interface::Tier;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};
use wasmtime::{Result, StoreContextMut};

use super::{
    Capability, Extensions, Interface, InterfaceDeclaration, SettingsError, SetupContext,
    per_member,
};
use crate::events;
use crate::events::Event;
use crate::instance::State;

pub use settings::LogLevel;

pub(crate) struct LoggingCapability;

const INTERFACES: &[InterfaceDeclaration] = &[
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

impl Capability for LoggingCapability {
    fn name(&self) -> &'static str {
        "logging"
    }

    fn tier(&self) -> Tier {
        Tier::Capability
    }

    fn interfaces(&self) -> &'static [InterfaceDeclaration] {
        INTERFACES
    }

    fn set_up(
        &self,
        context: &SetupContext<'_>,
        kept: &mut Extensions,
    ) -> std::result::Result<(), SettingsError> {
        kept.insert(*context.member.settings.get::<LogLevel>());
        Ok(())
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
            let level = events::Level::from(level);
            let least = member.extensions.get::<LogLevel>();
            if least.is_none_or(|least| level >= least.0) {
                let (events, request) = (&state.call.events, state.call.request);
                events.tell(Event::Log {
                    level,
                    member: &member.name,
                    request,
                    context: &context,
                    message: &message,
                });
            }
            Ok(())
        };
        linker.instance(import)?.func_wrap("log", log)?;
        Ok(true)
    }
}

impl From<Level> for events::Level {
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
