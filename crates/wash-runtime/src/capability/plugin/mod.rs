//! `wash:plugin/project` and `wash:plugin/process`: what an installed plugin may know of the project, and the programs of
//! the machine that it may run. Everybody else, and a plugin that was not allowed to, is told so.

mod process;
mod project;
mod settings;

use std::sync::Arc;

use wash_common::shell::shell_quote;
use wash_component::host_interface::Tier;
use wasmtime::Result;
use wasmtime::component::Linker;

use super::{
    Capability, Extensions, Interface, InterfaceDeclaration, SettingsError, SetupContext,
    per_member,
};
use crate::instance::State;

pub use settings::{OpenProject, Plugin, PluginAccess, ProjectInfo};

pub(crate) struct PluginCapability;

const VERSION: &str = "0.1.0";

const INTERFACES: &[InterfaceDeclaration] = &[
    per_member("wash:plugin/project", VERSION),
    per_member("wash:plugin/process", VERSION),
];

/// What a member may do.
struct Permissions(Plugin);

impl Capability for PluginCapability {
    fn name(&self) -> &'static str {
        "plugin"
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
        if let Some(plugin) = &context.member.settings.get::<PluginAccess>().0 {
            kept.insert(Permissions(plugin.clone()));
        }
        Ok(())
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool> {
        match interface.name {
            "wash:plugin/project" => project::add(&mut linker.instance(import)?, member)?,
            "wash:plugin/process" => process::add(&mut linker.instance(import)?, member)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What a member may do, if it is a plugin.
fn permissions(state: &State, member: usize) -> Option<Arc<Permissions>> {
    state.setup(member).extensions.get()
}

/// The hint for what an installed plugin was denied. `option` is one of `wash plugin allow`.
fn allow(plugin: &str, option: &str) -> String {
    format!("allow it with `wash plugin allow {plugin} {option}`")
}

/// The same for a host, whose name is the guest's.
pub(super) fn allow_host(plugin: &str, host: &str) -> String {
    allow(plugin, &format!("--host {}", shell_quote(&[host])))
}

/// Tells the user what was denied, and the line that allows it; and returns the same for the guest.
fn denied(state: &State, permissions: Option<&Permissions>, what: &str, option: &str) -> String {
    let Some(Permissions(plugin)) = permissions else {
        return format!("{what}: only an installed plugin can be allowed to");
    };
    let name = &plugin.name;
    let text = format!("{what}\nhint: {}", allow(name, option));
    state.call().events.member(name, None, &text);
    text
}
