//! Fills the imports of a composed component: what grants nothing is shared, what grants something is each member's own.

use std::collections::BTreeSet;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre, Linker, ResourceType};
use wasmtime::{Engine, Result};

use super::Code;
use crate::capability;
use crate::capability::{Capabilities, Interface};
use crate::instance::State;
use crate::workload::{Entry, Grant, Problem};

/// What is wrong with the grants themselves.
pub(super) fn check_grants(capabilities: &Capabilities, entry: &Entry) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    let count = entry.members.len();
    if count > capability::MAX_MEMBERS {
        let most = capability::MAX_MEMBERS;
        problems.push(problem(
            format!(
                "`{}` is composed of {count} members; at most {most} are supported",
                entry.name
            ),
            None,
        ));
    }
    for Grant {
        import,
        interface,
        member,
    } in &entry.grants
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
        if capabilities.find(&Interface::parse(interface)).is_none() {
            let message =
                format!("import `{import}` wants `{interface}`, which this host does not serve");
            problems.push(problem(message, None));
        }
    }
    problems
}

/// Every import that nobody serves.
pub(super) fn check_component(
    capabilities: &Capabilities,
    code: &Code,
    grants: &[Grant],
) -> Vec<Problem> {
    let engine = code.component.engine();
    let ty = code.component.component_type();
    // The resources of the imports before: to name one of these again takes no implementation.
    let mut known = Vec::new();
    let mut problems = Vec::new();
    for (name, item) in ty.imports(engine) {
        let only_types = only_types(engine, &item.ty, &known);
        resources(engine, &item.ty, &mut known);
        if !only_types && !code.is_part(name) && !grants.iter().any(|grant| grant.import == name) {
            problems.extend(check_shared(capabilities, name, &item.ty));
        }
    }
    problems
}

fn check_shared(capabilities: &Capabilities, name: &str, item: &ComponentItem) -> Option<Problem> {
    match (capabilities.find(&Interface::parse(name)), item) {
        (Some(capability::Served::Shared), _) => None,
        (Some(capability::Served::PerMember), _) => {
            let message =
                format!("import `{name}` has grants, but the workload names no member for them");
            Some(problem(
                message,
                Some("add a grant that names the import and the member".to_owned()),
            ))
        }
        (None, _) => {
            let message = format!("nothing provides the import `{name}`");
            Some(problem(message, None))
        }
    }
}

/// Whether an import only names types, which needs no implementation and grants nothing. `known` has the resources of the
/// imports before it.
fn only_types(engine: &Engine, item: &ComponentItem, known: &[ResourceType]) -> bool {
    match item {
        ComponentItem::Type(_) => true,
        ComponentItem::Resource(resource) => known.contains(resource),
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine)
            .all(|(_, item)| only_types(engine, &item.ty, known)),
        _ => false,
    }
}

/// Adds the resources that an import names.
fn resources(engine: &Engine, item: &ComponentItem, known: &mut Vec<ResourceType>) {
    match item {
        ComponentItem::Resource(resource) => known.push(*resource),
        ComponentItem::ComponentInstance(instance) => {
            for (_, item) in instance.exports(engine) {
                resources(engine, &item.ty, known);
            }
        }
        _ => {}
    }
}

fn problem(message: String, hint: Option<String>) -> Problem {
    Problem {
        member: None,
        message,
        hint,
    }
}

/// Links a component that the checks found no fault with.
pub(super) fn link(
    capabilities: &Capabilities,
    code: &Code,
    entry: &Entry,
) -> Result<InstancePre<State>> {
    let mut linker = Linker::new(code.component.engine());
    for capability in capabilities.iter() {
        capability.share(&mut linker, code.model)?;
    }
    for grant in &entry.grants {
        let interface =
            Interface::parse(&grant.interface).imported_by(&code.component, &grant.import);
        for capability in capabilities.iter() {
            if capability.grant(&mut linker, &grant.import, &interface, grant.member)? {
                break;
            }
        }
    }
    code.link_modules(&mut linker)?;
    linker.instantiate_pre(&code.component)
}

pub(super) fn exports(component: &Component) -> Vec<String> {
    let exports = component.component_type();
    exports
        .exports(component.engine())
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::capability::config::ConfigValues;
    use std::sync::{Arc, Mutex};

    use wasmtime::Store;

    use crate::capability::SetupContext;
    use crate::engine::Engines;
    use crate::events::{Recorder, RequestId};
    use crate::instance::Call;
    use crate::instance::limits::MemoryBudget;
    use crate::workload::{Drive, Limits, Member, MemberSettings, Workload};

    use super::*;

    /// Runs a component that logs what it finds in its configuration, with two members. Returns the log.
    async fn run(text: &str, grants: &[(&str, &str, usize)]) -> String {
        let (events, captured) = Recorder::new();
        let members = ["first", "second"].map(|name| {
            let config = [("greeting".to_owned(), format!("hello {name}"))].into();
            let settings = MemberSettings::default().with(ConfigValues(config));
            Member {
                name: name.to_owned(),
                settings,
            }
        });
        let grants = grants.iter().map(|(import, interface, member)| Grant {
            import: (*import).to_owned(),
            interface: (*interface).to_owned(),
            member: *member,
        });
        let entry = Entry {
            name: "first".to_owned(),
            component: wat::parse_str(text).unwrap().into(),
            grants: grants.collect(),
            drive: Drive::Http { routes: Vec::new() },
            limits: Limits::default(),
            members: members.into(),
        };
        let workload = Workload {
            name: "test".to_owned(),
            entries: vec![entry],
        };
        let entry = &workload.entries[0];
        let capabilities = Capabilities::default();
        let engines = Engines::new(None, events.clone());
        let code = engines.load(&entry.component, &Default::default()).unwrap();
        assert_eq!(check_grants(&capabilities, entry), []);
        let problems = check_component(&capabilities, &code, &entry.grants);
        assert_eq!(problems, []);
        let pre = link(&capabilities, &code, entry).unwrap();
        let set_up = |member| {
            let context = SetupContext {
                workload: &workload,
                entry,
                member,
                shared: &Mutex::default(),
            };
            Arc::new(capabilities.set_up(&context).ok().unwrap())
        };
        let setups: Vec<_> = entry.members.iter().map(set_up).collect();
        let call = Call {
            events,
            request: Some(RequestId(3)),
            panics: Default::default(),
        };
        let mut store = Store::new(
            pre.engine(),
            State::new(&setups, MemoryBudget::new(Arc::default()), call),
        );
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = pre.instantiate_async(&mut store).await.unwrap();
        let run = instance
            .get_typed_func::<(), ()>(&mut store, "run")
            .unwrap();
        run.call_async(&mut store, ()).await.unwrap();
        captured.text()
    }

    /// A component that logs the value of `greeting`, or `nothing`.
    fn reader(config: &str, logging: &str) -> String {
        include_str!("reader.wat")
            .replace("CONFIG", config)
            .replace("LOGGING", logging)
    }

    #[tokio::test]
    async fn config_and_logging_are_served_under_every_name_they_have_had() {
        for config in [
            "wasi:config/store@0.2.0-rc.1",
            "wasi:config/store@0.2.0-draft",
            "wasi:config/store",
            "wasi:config/runtime@0.2.0-draft",
            "wasi:config/runtime",
        ] {
            for logging in ["wasi:logging/logging@0.1.0-draft", "wasi:logging/logging"] {
                let text = reader(&format!("\"{config}\""), &format!("\"{logging}\""));
                let log = run(&text, &[(config, config, 0), (logging, logging, 0)]).await;
                assert!(
                    log.contains("first #3") && log.contains("hello first"),
                    "{config} {logging}: {log}"
                );
            }
        }
    }

    #[tokio::test]
    async fn an_import_under_a_plain_name_is_served_as_the_member_it_is_granted_to() {
        let (config, logging) = ("wasi:config/store@0.2.0-rc.1", "wasi:logging/logging");
        let text = reader(
            &format!("\"a-config\" (implements \"{config}\")"),
            &format!("\"a-log\" (implements \"{logging}\")"),
        );
        let log = run(&text, &[("a-config", config, 1), ("a-log", logging, 0)]).await;
        assert!(
            log.contains("first #3") && log.contains("hello second"),
            "{log}"
        );
    }
}
