//! Fills the imports of a composed component: what grants nothing is shared, what grants something is each member's own.

use std::collections::BTreeSet;

use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Result};

use crate::capability::{self, Interface};
use crate::host::Problem;
use crate::host::workload::{Grant, Workload};

use super::Code;
use super::state::State;

/// What is wrong with the grants themselves.
pub(super) fn check_grants(workload: &Workload) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    let count = workload.members.len();
    if count > capability::MAX_MEMBERS {
        let most = capability::MAX_MEMBERS;
        problems.push(problem(
            format!("a workload has at most {most} members, and this one has {count}"),
            None,
        ));
    }
    for Grant {
        import,
        interface,
        member,
    } in &workload.grants
    {
        if *member >= count {
            let message = format!(
                "import `{import}` is granted to member {member}, but there are {count} members"
            );
            problems.push(problem(message, None));
        }
        if !seen.insert(import) {
            problems.push(problem(format!("import `{import}` is granted twice"), None));
        }
        if capability::find(&Interface::parse(interface)).is_none() {
            let message =
                format!("import `{import}` wants `{interface}`, which this host does not serve");
            problems.push(problem(message, None));
        }
    }
    problems
}

/// Every import that nobody serves.
pub(super) fn check_component(component: &Component, grants: &[Grant]) -> Vec<Problem> {
    let engine = component.engine();
    let ty = component.component_type();
    let imports = ty
        .imports(engine)
        .filter(|(name, _)| !grants.iter().any(|grant| grant.import == *name));
    imports
        .filter_map(|(name, item)| check_shared(engine, name, &item.ty))
        .collect()
}

fn check_shared(engine: &Engine, name: &str, item: &ComponentItem) -> Option<Problem> {
    match (capability::find(&Interface::parse(name)), item) {
        (Some(capability::Served::Shared), _) => None,
        (Some(capability::Served::PerMember), _) => {
            let message =
                format!("import `{name}` grants something, but the workload says to no member");
            Some(problem(
                message,
                Some("add a grant that names the import and the member".to_owned()),
            ))
        }
        // An interface of types alone needs no implementation.
        (None, ComponentItem::ComponentInstance(instance)) if only_types(engine, instance) => None,
        (None, ComponentItem::Type(_)) => None,
        (None, _) => {
            let message = format!("nobody serves the import `{name}`");
            Some(problem(message, None))
        }
    }
}

fn only_types(engine: &Engine, instance: &ComponentInstance) -> bool {
    instance
        .exports(engine)
        .all(|(_, item)| matches!(item.ty, ComponentItem::Type(_)))
}

fn problem(message: String, hint: Option<String>) -> Problem {
    Problem {
        member: None,
        message,
        hint,
    }
}

/// Links a component that the checks found no fault with.
pub(super) fn link(code: &Code, workload: &Workload) -> Result<InstancePre<State>> {
    let mut linker = Linker::new(code.component.engine());
    for capability in capability::all() {
        capability.share(&mut linker, code.model)?;
    }
    for grant in &workload.grants {
        let interface = Interface::parse(&grant.interface);
        for capability in capability::all() {
            if capability.grant(&mut linker, &grant.import, &interface, grant.member)? {
                break;
            }
        }
    }
    linker.instantiate_pre(&code.component)
}

pub(super) fn exports(component: &Component) -> Vec<String> {
    let exports = component.component_type();
    exports
        .exports(component.engine())
        .map(|(name, _)| name.to_owned())
        .collect()
}
