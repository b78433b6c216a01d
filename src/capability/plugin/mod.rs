//! `wash:plugin/project` and `wash:plugin/process`: what an installed plugin may know of the project, and the programs of
//! the machine that it may run. Everybody else, and a plugin that was not allowed to, is told so.

mod process;
mod project;

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::Linker;

use crate::console::pasteable;
use crate::engine::state::State;
use crate::host::workload;
use crate::linker::Tier;

use super::{Capability, Fault, ForWhom, Interface, Kept, Row, per_member};

pub(crate) struct Plugin;

const VERSION: &str = "0.1.0";

const INTERFACES: &[Row] = &[
    per_member("wash:plugin/project", VERSION),
    per_member("wash:plugin/process", VERSION),
];

/// What a member may do.
struct Permissions(workload::Plugin);

impl Capability for Plugin {
    fn name(&self) -> &'static str {
        "plugin"
    }

    fn tier(&self) -> Tier {
        Tier::Capability
    }

    fn interfaces(&self) -> &'static [Row] {
        INTERFACES
    }

    fn set_up(&self, for_whom: &ForWhom<'_>, kept: &mut Kept) -> std::result::Result<(), Fault> {
        if let Some(plugin) = &for_whom.member.settings.plugin {
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
    state.setup(member).kept.get()
}

/// The hint for what an installed plugin was denied. `option` is one of `wash plugin allow`.
fn allow(plugin: &str, option: &str) -> String {
    format!("allow it with `wash plugin allow {plugin} {option}`")
}

/// The same for a host, whose name is the guest's.
pub(super) fn allow_host(plugin: &str, host: &str) -> String {
    allow(plugin, &format!("--host {}", pasteable(&[host])))
}

/// Tells the user what was denied, and the line that allows it; and returns the same for the guest.
fn denied(state: &State, permissions: Option<&Permissions>, what: &str, option: &str) -> String {
    let Some(Permissions(plugin)) = permissions else {
        return format!("{what}: only an installed plugin can be allowed to");
    };
    let name = &plugin.name;
    let text = format!("{what}\nhint: {}", allow(name, option));
    state.call.console.talk(&format!("{name}: {text}"));
    text
}
