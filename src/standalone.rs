//! One component that any runtime runs, of all that would run here.
//!
//! Here each member has settings of its own, by imports that only `wash` knows how to serve. In a standard component there
//! is one import for each interface, and so one environment, one set of directories and so on for all its members. What
//! became one in this way is told.

use indexmap::IndexMap;
use serde::Serialize;
use wash_common::advice::{Advice, ErrorClass};
use wash_component::host_interface::{HostInterface, Scope};
use wash_component::{InterfaceName, Shape, ShapeError, track};
use wash_runtime::capability::config::ConfigValues;
use wash_runtime::capability::http_client::OutgoingHttp;
use wash_runtime::capability::sockets::Sockets;
use wash_runtime::capability::wasi::{Access, Directories, Process};
use wash_runtime::workload::MemberSettings;

use crate::linker;
use crate::linker::{ComposeError, HostImport, LinkFailure, LinkPlan, LinkRequest, Provider};

/// A standard component, and what was given up for it.
#[derive(Debug)]
pub struct Standalone {
    pub bytes: Vec<u8>,
    pub plan: LinkPlan,
    pub merged: Vec<Merged>,
}

/// An interface that members had each for itself, and now have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Merged {
    pub interface: String,
    pub members: Vec<String>,
}

/// Something that a member is given here, and that a component cannot carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    pub setting: &'static str,
    pub member: String,
    /// Which ones: names of variables and keys, paths, hosts. No values, as some are secret.
    pub names: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum StandaloneError {
    #[error(transparent)]
    Link(#[from] LinkFailure),
    #[error(transparent)]
    Compose(#[from] ComposeError),
    #[error("the composed component is not valid, which is a bug in wash")]
    Invalid(#[from] ShapeError),
    #[error(
        "component `{member}` imports `{interface}` as `{label}`, which other runtimes do not understand"
    )]
    Label {
        member: String,
        interface: String,
        label: String,
    },
}

impl Advice for StandaloneError {
    fn has_lines(&self) -> bool {
        matches!(self, StandaloneError::Link(_))
    }

    fn fault(&self) -> ErrorClass {
        match self {
            StandaloneError::Link(_) | StandaloneError::Label { .. } => ErrorClass::Input,
            StandaloneError::Compose(_) | StandaloneError::Invalid(_) => ErrorClass::Wash,
        }
    }
}

/// Links and composes. `bytes` has those of each member of the request.
pub fn standalone(
    request: &LinkRequest<'_>,
    bytes: &[&[u8]],
) -> Result<Standalone, StandaloneError> {
    let request = LinkRequest {
        other_runtime: true,
        max_members: None,
        ..*request
    };
    let apart = linker::plan(&request)?;
    let host: Vec<HostInterface> = request.host.iter().cloned().map(shared).collect();
    let plan = linker::plan(&LinkRequest {
        host: &host,
        ..request
    })?;
    let plan = plainly_named(plan)?;
    let bytes: Vec<&[u8]> = plan.members.iter().map(|m| bytes[m.index]).collect();
    let bytes = linker::compose(&plan, &bytes)?;
    // Nobody compiles it here, which would tell.
    Shape::parse(&bytes)?;
    Ok(Standalone {
        bytes,
        merged: merged(&apart, &plan),
        plan,
    })
}

fn shared(interface: HostInterface) -> HostInterface {
    HostInterface {
        scope: Scope::Shared,
        ..interface
    }
}

/// Gives every import the name of its interface: several of one track become one, of the highest version.
fn plainly_named(mut plan: LinkPlan) -> Result<LinkPlan, StandaloneError> {
    let labelled = |import: &HostImport| {
        let interface = import.interface.as_ref()?.to_string();
        (import.import != interface).then(|| (interface, import.import.clone()))
    };
    if !plan.needs_composing()
        && let Some((interface, label)) = plan.host.iter().find_map(labelled)
    {
        return Err(StandaloneError::Label {
            member: plan.members[0].name.clone(),
            interface,
            label,
        });
    }
    let mut host: IndexMap<String, HostImport> = IndexMap::new();
    let mut places = Vec::new();
    for import in plan.host {
        let key = import.interface.as_ref().map(key);
        let entry = host.entry(key.unwrap_or_else(|| import.import.clone()));
        places.push(entry.index());
        let known = entry.or_insert_with(|| import.clone());
        if known.version() < import.version() {
            *known = import;
        }
        if let Some(interface) = &known.interface {
            known.import = interface.to_string();
        }
        known.member = None;
        known.scope = Scope::Shared;
    }
    plan.host = host.into_values().collect();
    for edge in &mut plan.edges {
        if let Provider::Host { import } = &mut edge.provider {
            *import = places[*import];
        }
    }
    Ok(plan)
}

/// The same for versions that are compatible.
fn key(interface: &InterfaceName) -> String {
    match interface.version.as_ref().and_then(track) {
        Some((major, minor)) => format!("{}@{major}.{minor}", interface.path()),
        None => interface.to_string(),
    }
}

/// What members had of their own in one plan, and have in common in the other.
fn merged(apart: &LinkPlan, plan: &LinkPlan) -> Vec<Merged> {
    let had = |member: usize, import: &str| {
        let mut edges = apart.edges_of(member);
        let edge = edges.find(|edge| edge.import == import)?;
        match edge.provider {
            Provider::Host { import } => Some(&apart.host[import]),
            _ => None,
        }
    };
    let mut merged = Vec::new();
    for (index, import) in plan.host.iter().enumerate() {
        let mut before: Vec<&str> = Vec::new();
        let mut members: Vec<String> = Vec::new();
        for edge in &plan.edges {
            if edge.provider != (Provider::Host { import: index }) {
                continue;
            }
            let Some(own) = had(edge.member, &edge.import).filter(|had| had.member.is_some())
            else {
                continue;
            };
            if !before.contains(&own.import.as_str()) {
                before.push(&own.import);
                members.push(plan.members[edge.member].name.clone());
            }
        }
        members.dedup();
        if before.len() > 1 {
            merged.push(Merged {
                interface: import.import.clone(),
                members,
            });
        }
    }
    merged
}

/// What a member is given here. `shape` is its component's.
pub fn settings(member: &str, shape: &Shape, settings: &MemberSettings) -> Vec<Setting> {
    let setting = |setting, names: Vec<String>| Setting {
        setting,
        member: member.to_string(),
        names,
    };
    let directories = settings.get::<Directories>().0.iter().map(|directory| {
        let access = match directory.access {
            Access::ReadOnly => "read-only",
            Access::ReadWrite => "read-write",
        };
        format!("{} ({access})", directory.guest)
    });
    let outgoing = match &settings.get::<OutgoingHttp>() {
        _ if !sends_requests(shape) => Vec::new(),
        OutgoingHttp::Denied => Vec::new(),
        OutgoingHttp::Any => vec!["any host".to_string()],
        OutgoingHttp::Allowed(hosts) => hosts.clone(),
    };
    let Sockets {
        lookups,
        machine,
        allowed,
        ..
    } = &settings.get::<Sockets>();
    let all = [
        setting(
            "environment",
            settings
                .get::<Process>()
                .environment
                .keys()
                .cloned()
                .collect(),
        ),
        setting("arguments", settings.get::<Process>().arguments.clone()),
        setting(
            "program name",
            settings
                .get::<Process>()
                .program_name
                .clone()
                .into_iter()
                .collect(),
        ),
        setting(
            "initial directory",
            settings
                .get::<Process>()
                .initial_cwd
                .clone()
                .into_iter()
                .collect(),
        ),
        setting("directories", directories.collect()),
        setting(
            "config",
            settings.get::<ConfigValues>().0.keys().cloned().collect(),
        ),
        setting(
            "name lookups",
            lookups.iter().map(ToString::to_string).collect(),
        ),
        setting(
            "ports of the machine",
            machine.iter().map(ToString::to_string).collect(),
        ),
        setting("sockets", allowed.iter().map(ToString::to_string).collect()),
        setting("outgoing HTTP", outgoing),
    ];
    let given = all.into_iter().filter(|setting| !setting.names.is_empty());
    given.collect()
}

/// Whether a component can send HTTP requests at all.
fn sends_requests(shape: &Shape) -> bool {
    let interfaces = shape.imports.values();
    let mut interfaces = interfaces.filter_map(|import| import.interface.as_ref());
    interfaces.any(|interface| {
        interface.package == "wasi:http"
            && ["outgoing-handler", "client", "handler"].contains(&interface.interface.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_no_requests_needs_no_permission_to() {
        let given = |import: &str| {
            let component = format!("(component (import \"{import}\" (instance)))");
            let shape = Shape::parse(&wat::parse_str(component).unwrap()).unwrap();
            let given = MemberSettings::default().with(OutgoingHttp::Any);
            let settings = settings("app", &shape, &given);
            settings
                .iter()
                .any(|given| given.setting == "outgoing HTTP")
        };
        assert!(given("wasi:http/outgoing-handler@0.2.6"));
        assert!(given("wasi:http/client@0.3.0"));
        assert!(!given("wasi:http/types@0.2.6"));
    }
}
