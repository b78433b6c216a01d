//! From the components of all units to the workload that a host is asked to start.
//!
//! Pure: settings come from the project, bytes and shapes from the builds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wash_component::host_interface::HostInterface;
use wash_component::{MemoryLimitError, Shape, with_memory_limit};
use wash_runtime::capability::MAX_MEMBERS;
use wash_runtime::capability::http_client::OutgoingHttp;
use wash_runtime::capability::keyvalue::KeyValue;
use wash_runtime::capability::sockets::Sockets;
use wash_runtime::capability::wasi::{Access, Directories, Directory, Volume};
use wash_runtime::workload::{
    Drive, Entry, Grant, Limits, Member as Granted, MemberMemory, MemberSettings, Workload,
};

use super::entries::{Entries, entries};
use super::neighbours;
use super::state::UnitName;
use super::storage::Storage;
use crate::linker;
use crate::linker::{
    ComposeError, Driven, Exports, LinkFailure, LinkPlan, LinkRequest, Member, Planned, Role, Wire,
};
use crate::plugin::provider::Offered;
use crate::project::{Project, Sibling};
use crate::provider::{Need, Provider};

/// A component, read.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) bytes: Arc<[u8]>,
    pub(super) shape: Arc<Shape>,
}

/// What can take part.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) project: Arc<Project>,
    /// Of each unit.
    pub(super) components: BTreeMap<UnitName, Component>,
    pub(super) shipped: Arc<[(Provider, Component)]>,
    /// The installed plugins that provide something.
    pub(super) plugins: Arc<[Offered]>,
    pub(super) host: Arc<[HostInterface]>,
    pub(super) storage: Arc<Storage>,
    /// Link imports that nobody provides to stubs.
    pub(super) stub_missing: bool,
}

/// What does take part, and how.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) entries: Vec<Linked>,
    pub(super) workload: Workload,
}

/// A way into the workload, for people.
#[derive(Debug)]
pub(super) struct Linked {
    /// The member that is driven.
    pub(super) name: String,
    pub(super) drive: Drive,
    pub(super) plan: LinkPlan,
    /// Where the requests of each member may go, in the order of the plan.
    pub(super) outgoing_http: Vec<OutgoingHttp>,
}

impl Linked {
    pub(super) fn is_service(&self) -> bool {
        matches!(self.drive, Drive::Service { .. })
    }

    pub(super) fn answers_requests(&self) -> bool {
        matches!(self.drive, Drive::Http { .. })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    #[error(transparent)]
    Link(#[from] LinkFailure),
    #[error(transparent)]
    Compose(#[from] ComposeError),
    #[error("component `{member}` {fault}: `{name}` raises it")]
    Memory {
        member: String,
        fault: MemoryLimitError,
        name: Arc<str>,
    },
}

impl AssembleError {
    /// Adds the projects beside the one at `root` that provide what is missing.
    pub(super) fn suggest_projects(&mut self, root: &Path) {
        if let AssembleError::Link(failure) = self {
            neighbours::suggest(&mut failure.problems, root);
        }
    }
}

/// Finds the ways into the workload, and links and composes the parts for each.
pub(super) fn assemble(parts: &Parts) -> Result<Assembled, AssembleError> {
    let (members, bytes): (Vec<Member>, Vec<&[u8]>) = members(parts).unzip();
    let linked = link(parts, &members)?;
    let mut composed: Vec<Arc<[u8]>> = Vec::new();
    let mut entries = Vec::new();
    for linked in &linked {
        entries.push(entry(parts, linked, &bytes, &mut composed)?);
    }
    let workload = Workload {
        name: parts.project.name.clone(),
        entries,
    };
    Ok(Assembled {
        entries: linked,
        workload,
    })
}

/// Links and composes the parts around everything that the project's own component exports, to be called by name.
pub(super) fn assemble_calls(parts: &Parts) -> Result<Workload, AssembleError> {
    let (members, bytes): (Vec<Member>, Vec<&[u8]>) = members(parts).unzip();
    let plan = linker::plan(&LinkRequest {
        exports: Exports::All,
        ..request(parts, &members, Driven::Nothing)
    })?;
    let linked = Linked {
        name: parts.project.name.clone(),
        drive: Drive::Calls,
        outgoing_http: outgoing_http(parts, &plan),
        plan,
    };
    Ok(Workload {
        name: parts.project.name.clone(),
        entries: vec![entry(parts, &linked, &bytes, &mut Vec::new())?],
    })
}

/// What a host is asked to run for one way in.
fn entry(
    parts: &Parts,
    linked: &Linked,
    bytes: &[&[u8]],
    composed: &mut Vec<Arc<[u8]>>,
) -> Result<Entry, AssembleError> {
    let Linked {
        name, drive, plan, ..
    } = linked;
    let limits = limits(&parts.project, linked);
    let component = compose(parts, plan, bytes, &limits, composed)?;
    let members = plan.members.iter().map(|planned| {
        let mut settings = settings(parts, planned);
        if matches!(drive, Drive::Service { .. }) && planned.name == *name {
            let ports = &parts.project.dev.service_ports;
            settings.get_mut::<Sockets>().published.clone_from(ports);
        }
        Granted {
            name: planned.name.clone(),
            settings,
        }
    });
    let grants = plan.host.iter().filter_map(|import| {
        Some(Grant {
            import: import.import.clone(),
            interface: import.interface.as_ref()?.to_string(),
            member: import.member?,
        })
    });
    Ok(Entry {
        name: name.clone(),
        component,
        members: members.collect(),
        grants: grants.collect(),
        drive: drive.clone(),
        limits,
    })
}

/// A plan for each way in, or everything that stands in the way of any.
fn link(parts: &Parts, members: &[Member]) -> Result<Vec<Linked>, LinkFailure> {
    let Entries {
        wanted,
        mut problems,
    } = entries(&parts.project, members);
    if wanted.is_empty()
        && let Err(failure) = linker::plan(&request(parts, members, Driven::Automatic))
    {
        problems.extend(failure.problems);
    }
    let mut linked = Vec::new();
    for entry in wanted {
        match linker::plan(&request(parts, members, entry.driven())) {
            Ok(plan) => linked.push(Linked {
                name: entry.name,
                drive: entry.drive,
                outgoing_http: outgoing_http(parts, &plan),
                plan,
            }),
            Err(failure) => problems.extend(failure.problems),
        }
    }
    if problems.is_empty() {
        return Ok(linked);
    }
    // What several need stands in the way of each.
    problems.sort();
    problems.dedup();
    Err(LinkFailure {
        problems,
        draft: None,
    })
}

fn outgoing_http(parts: &Parts, plan: &LinkPlan) -> Vec<OutgoingHttp> {
    let members = plan.members.iter();
    members
        .map(|member| settings(parts, member).get::<OutgoingHttp>().clone())
        .collect()
}

/// The bytes of a plan; those that are equal to others are the same.
fn compose(
    parts: &Parts,
    plan: &LinkPlan,
    bytes: &[&[u8]],
    limits: &Limits,
    known: &mut Vec<Arc<[u8]>>,
) -> Result<Arc<[u8]>, AssembleError> {
    if let [member] = plan.members.as_slice()
        && !plan.needs_composing()
        && let Some(component) = parts.components.get(&member.name)
    {
        // Composing would only copy it.
        return Ok(component.bytes.clone());
    }
    let bytes: Vec<Cow<'_, [u8]>> = plan
        .members
        .iter()
        .map(|planned| limited(planned, bytes[planned.index], limits))
        .collect::<Result<_, _>>()?;
    let bytes: Vec<&[u8]> = bytes.iter().map(AsRef::as_ref).collect();
    let composed = linker::compose(plan, &bytes)?;
    if let Some(same) = known.iter().find(|other| ***other == *composed) {
        return Ok(same.clone());
    }
    known.push(composed.into());
    Ok(known[known.len() - 1].clone())
}

/// The component of a member, which declares the member's limit if it has one of its own.
fn limited<'a>(
    planned: &Planned,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Cow<'a, [u8]>, AssembleError> {
    let mut members = limits.members.iter();
    let Some(own) = members.find(|own| own.member == planned.name) else {
        return Ok(Cow::Borrowed(bytes));
    };
    match with_memory_limit(bytes, own.limit.get()) {
        Ok(limited) => Ok(Cow::Owned(limited)),
        Err(fault) => Err(AssembleError::Memory {
            member: planned.name.clone(),
            fault,
            name: Arc::clone(&own.name),
        }),
    }
}

/// Those of the member that is driven, and of the members behind it that have less memory.
fn limits(project: &Project, linked: &Linked) -> Limits {
    let of = |name: &str| match sibling(project, name) {
        Some(sibling) => &sibling.limits,
        None => &project.dev.limits,
    };
    let mut limits = of(&linked.name).clone();
    let behind = linked.plan.members.iter();
    let behind = behind.filter(|planned| planned.name != linked.name);
    let behind = behind.map(|planned| (planned, of(&planned.name)));
    limits.members = behind
        .filter(|(_, own)| own.memory < limits.memory)
        .map(|(planned, own)| MemberMemory {
            member: planned.name.clone(),
            limit: own.memory,
            name: Arc::clone(&own.names.memory),
        })
        .collect();
    limits
}

pub(super) fn request<'a>(
    parts: &'a Parts,
    members: &'a [Member],
    driven: Driven<'a>,
) -> LinkRequest<'a> {
    LinkRequest {
        members,
        host: &parts.host,
        driven,
        max_members: Some(MAX_MEMBERS),
        stub_missing: parts.stub_missing,
        ..LinkRequest::default()
    }
}

pub(super) fn members(parts: &Parts) -> impl Iterator<Item = (Member, &[u8])> {
    let member = |name: &str, role, shape: &Arc<Shape>, wiring| Member {
        name: name.to_string(),
        role,
        shape: shape.clone(),
        wiring,
    };
    let project = &parts.project;
    let units = parts.components.iter().map(move |(name, component)| {
        let (role, imports) = match sibling(project, name) {
            Some(sibling) => (Role::Sibling, &sibling.imports),
            None => (Role::Project, &project.imports),
        };
        let unit = member(name, role, &component.shape, wiring(imports));
        (unit, &*component.bytes)
    });
    // A unit stands in for the plugin of its name, and either for the shipped provider of that name.
    let is_unit = |name: &str| parts.components.contains_key(name);
    let plugins = parts.plugins.iter().filter(move |p| !is_unit(&p.name));
    let plugins = plugins.map(move |plugin| {
        let wiring = BTreeMap::new();
        let offered = member(&plugin.name, Role::Plugin, &plugin.shape, wiring);
        (offered, &*plugin.bytes)
    });
    let is_plugin = |name: &str| parts.plugins.iter().any(|plugin| plugin.name == name);
    let shipped = parts.shipped.iter();
    let shipped = shipped.filter(move |(p, _)| !is_unit(p.name) && !is_plugin(p.name));
    let shipped = shipped.map(move |(provider, component)| {
        let wiring = BTreeMap::new();
        let shipped = member(provider.name, Role::Shipped, &component.shape, wiring);
        (shipped, &*component.bytes)
    });
    units.chain(plugins).chain(shipped)
}

fn sibling<'p>(project: &'p Project, name: &str) -> Option<&'p Sibling> {
    project
        .dev
        .components
        .iter()
        .find(|sibling| sibling.name == name)
}

fn wiring(imports: &BTreeMap<String, String>) -> BTreeMap<String, Wire> {
    let wire = |to: &String| {
        let Ok(wire) = to.parse();
        wire
    };
    imports
        .iter()
        .map(|(interface, to)| (interface.clone(), wire(to)))
        .collect()
}

/// The package of which every interface keeps something.
const KEYVALUE: &str = "wasi:keyvalue/";

pub(super) fn settings(parts: &Parts, member: &Planned) -> MemberSettings {
    let mut settings = said(parts, member);
    let mut imports = member.shape.imports.keys();
    if imports.any(|name| name.starts_with(KEYVALUE)) {
        let keyvalue = &mut settings.get_mut::<KeyValue>();
        keyvalue.backend = Some(parts.storage.keyvalue(keyvalue.backend.take()));
    }
    settings
}

/// What the project says of a member, and what a provider says of itself.
fn said(parts: &Parts, member: &Planned) -> MemberSettings {
    match member.role {
        Role::Project => parts.project.settings.clone(),
        Role::Sibling => sibling(&parts.project, &member.name)
            .map(|sibling| sibling.settings.clone())
            .unwrap_or_default(),
        Role::Shipped => {
            let provider = parts
                .shipped
                .iter()
                .find(|(provider, _)| provider.name == member.name);
            provider
                .map(|(provider, _)| needs(provider, |name| kept_in(parts, name)))
                .unwrap_or_default()
        }
        Role::Plugin => {
            let mut plugins = parts.plugins.iter();
            let plugin = plugins.find(|plugin| plugin.name == member.name);
            plugin.map_or_else(MemberSettings::default, |plugin| plugin.settings.clone())
        }
    }
}

/// What the provider of blobs calls its state.
const BLOBSTORE: &str = "blobstore";

/// Where a provider keeps its state.
fn kept_in(parts: &Parts, name: &str) -> PathBuf {
    let said = &parts.project.dev.blobstore;
    let said = said.as_deref().filter(|_| name == BLOBSTORE);
    parts.storage.place(name, said)
}

fn needs(provider: &Provider, place: impl Fn(&str) -> PathBuf) -> MemberSettings {
    let directories = provider.needs.iter().map(|need| match need {
        Need::StateDirectory { name, guest } => Directory {
            volume: Volume::HostPath {
                path: place(name),
                create: true,
            },
            guest: guest.to_string(),
            access: Access::ReadWrite,
        },
    });
    MemberSettings::default().with(Directories(directories.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_gets_its_directory_and_nothing_else() {
        const NEEDS: &[Need] = &[Need::StateDirectory {
            name: "blobs",
            guest: "/",
        }];
        let provider = Provider {
            name: "blob",
            bytes: &[],
            needs: NEEDS,
        };
        let settings = needs(&provider, |name| Path::new("/p/.wash/state").join(name));
        let directory = Directory {
            volume: Volume::HostPath {
                path: "/p/.wash/state/blobs".into(),
                create: true,
            },
            guest: "/".to_string(),
            access: Access::ReadWrite,
        };
        assert_eq!(
            settings,
            MemberSettings::default().with(Directories(vec![directory]))
        );
    }
}
