//! What the host serves to components, beyond running them: one folder for each capability.
//!
//! A capability takes part five times: it tells the linker which interfaces it serves ([`host_interfaces`]); it
//! checks a member's settings with nothing running; it makes ready what a member of a workload was given; it fills
//! imports when a component is linked; and it is told when a workload runs and when it has gone. What it keeps for all workloads lives in the capability itself, what belongs to one
//! member in its `Kept`, and what belongs to one instance in the engine's store.

pub(crate) mod config;
pub mod http_client;
mod kept;
pub(crate) mod keyvalue;
pub(crate) mod logging;
pub(crate) mod messaging;
mod per_member;
mod plugin;
pub(crate) mod sockets;
pub(crate) mod wasi;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use semver::Version;
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Result};

use crate::console::Console;
use crate::engine::state::{MemberSetup, State};
use crate::engine::{Model, Receiving};
use crate::folders::beneath::HostDirectories;
use crate::host::workload::{Entry, Member, MemberSettings, Workload, WorkloadId};
use crate::linker::{HostInterface, Scope, Tier};

pub(crate) use kept::Kept;
pub(crate) use per_member::MAX_MEMBERS;

/// Something that the host serves to components. One of each lives as long as its host.
pub(crate) trait Capability: Send + Sync {
    /// For the reason in a plan: `config`.
    fn name(&self) -> &'static str;

    fn tier(&self) -> Tier;

    fn interfaces(&self) -> &'static [Row];

    /// Checks what a member is given, without touching anything.
    fn validate(&self, _settings: &MemberSettings) -> Vec<Fault> {
        Vec::new()
    }

    /// Makes ready what a member of a workload was given, before anything of the workload runs. What is put into `kept`
    /// goes when the workload goes, and the functions of the capability find it there.
    fn set_up(&self, _for_whom: &ForWhom<'_>, _kept: &mut Kept) -> std::result::Result<(), Fault> {
        Ok(())
    }

    /// A workload becomes the running one, in place of the one that it replaces, which gets nothing new from here on and
    /// goes when what it is still doing has ended. Must not block.
    fn bind(&self, _running: &Running<'_>) {}

    /// A workload is being stopped without another in its place: it gets nothing new from here on but what it still needs
    /// to finish. Must not block.
    fn retire(&self, _id: &WorkloadId, _console: &Console) {}

    /// A workload that was bound is gone: nothing of it runs any more. Must not block.
    fn unbind(&self, _id: &WorkloadId) {}

    /// Adds the interfaces that all members share.
    fn share(&self, _linker: &mut Linker<State>, _model: Model) -> Result<()> {
        Ok(())
    }

    /// Adds one interface under the name of one member's import. Returns whether the interface is of this capability.
    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool>;
}

/// An interface in a capability's table.
pub(crate) struct Row {
    /// `wasi:config/store`
    interface: &'static str,
    /// The newest version of the track, or a pre-release as it is spelled; empty if the interface has no version.
    version: &'static str,
    scope: Scope,
}

const fn shared(interface: &'static str, version: &'static str) -> Row {
    Row {
        interface,
        version,
        scope: Scope::Shared,
    }
}

const fn per_member(interface: &'static str, version: &'static str) -> Row {
    Row {
        interface,
        version,
        scope: Scope::PerMember,
    }
}

/// What is wrong with a member's settings.
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// On whose behalf a capability makes something ready.
pub(crate) struct ForWhom<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) entry: &'a Entry,
    pub(crate) member: &'a Member,
    /// What the capabilities keep for the whole workload. It goes when nothing of the workload runs any more.
    pub(crate) shared: &'a Mutex<Kept>,
}

impl ForWhom<'_> {
    /// What all members of the workload have together, made for the first of them.
    pub(crate) fn shared<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.get_or_insert_with(make)
    }
}

/// A workload that is about to run, as a capability that drives it needs to know it.
pub(crate) struct Running<'a> {
    pub(crate) id: &'a WorkloadId,
    pub(crate) replaces: Option<&'a WorkloadId>,
    /// The entries that take messages.
    pub(crate) receiving: &'a [Receiving],
    /// What the capabilities keep for the whole workload.
    pub(crate) kept: &'a Kept,
    pub(crate) console: &'a Console,
}

/// The capabilities of one host.
pub(crate) struct Capabilities(Vec<Box<dyn Capability>>);

impl Default for Capabilities {
    fn default() -> Self {
        Self::new(std::env::temp_dir())
    }
}

impl Capabilities {
    /// Volumes that live as long as their workload are made in `volumes`.
    pub(crate) fn new(volumes: PathBuf) -> Self {
        let directories = Arc::<HostDirectories>::default();
        Self(vec![
            Box::new(wasi::Wasi {
                volumes,
                directories: Arc::clone(&directories),
            }),
            Box::new(sockets::Sockets::default()),
            Box::<http_client::Http>::default(),
            Box::new(config::Config),
            Box::new(logging::Logging),
            Box::new(messaging::Messaging::default()),
            Box::new(keyvalue::KeyValues::new(directories)),
            Box::new(plugin::Plugin),
        ])
    }

    #[cfg(test)]
    pub(crate) fn with(mut self, capability: impl Capability + 'static) -> Self {
        self.0.push(Box::new(capability));
        self
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn Capability> {
        self.0.iter().map(|capability| &**capability)
    }

    /// Makes ready what a member was given.
    pub(crate) fn set_up(&self, for_whom: &ForWhom<'_>) -> std::result::Result<MemberSetup, Fault> {
        let Member { name, settings } = for_whom.member;
        let mut kept = Kept::default();
        for capability in self.iter() {
            capability.set_up(for_whom, &mut kept)?;
        }
        Ok(MemberSetup {
            name: name.as_str().into(),
            environment: settings.environment.clone().into_iter().collect(),
            program_name: match &settings.program_name {
                Some(program) => program.as_str().into(),
                None => name.as_str().into(),
            },
            arguments: settings.arguments.clone(),
            initial_cwd: settings.initial_cwd.clone(),
            stdin: settings.stdin,
            outgoing_http: http_client::allow_list(&settings.outgoing_http)?,
            log_level: settings.log_level,
            kept,
        })
    }

    /// Tells whether the host serves an interface, in a version that fits.
    pub(crate) fn find(&self, wanted: &Interface<'_>) -> Option<Served> {
        let rows = self.iter().flat_map(|capability| capability.interfaces());
        let row = rows.into_iter().find(|row| {
            row.interface == wanted.name
                && same_track(row.version().as_ref(), wanted.version.as_ref())
        })?;
        Some(match row.scope {
            Scope::Shared => Served::Shared,
            Scope::PerMember => Served::PerMember,
        })
    }
}

/// Every interface that the host serves, for the linker.
pub fn host_interfaces() -> Vec<HostInterface> {
    offered(&BTreeMap::new())
}

/// Every interface that the host serves, for the linker. What grants something is withheld where its capability is
/// switched off: `off` has the names of these, and where it says so.
pub fn offered(off: &BTreeMap<String, String>) -> Vec<HostInterface> {
    let mut interfaces = Vec::new();
    for capability in Capabilities::default().iter() {
        interfaces.extend(capability.interfaces().iter().map(|row| HostInterface {
            interface: row.interface.to_owned(),
            version: row.version(),
            tier: capability.tier(),
            scope: row.scope,
            capability: capability.name(),
            off: match row.scope {
                Scope::Shared => None,
                Scope::PerMember => off.get(&switch(capability)).cloned(),
            },
        }));
    }
    interfaces
}

/// Whether the host serves an interface, by its name with its version.
pub fn serves(interface: &str) -> bool {
    let capabilities = Capabilities::default();
    capabilities.find(&Interface::parse(interface)).is_some()
}

/// The name of a capability in the config.
fn switch(capability: &dyn Capability) -> String {
    capability.name().replace(' ', "-")
}

impl Row {
    fn version(&self) -> Option<Version> {
        match self.version {
            "" => None,
            version => Some(Version::parse(version).expect("the tables hold versions")),
        }
    }
}

/// How the host serves an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    Shared,
    PerMember,
}

/// Whether two versions are compatible as the component model sees it.
fn same_track(left: Option<&Version>, right: Option<&Version>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) if left.pre.is_empty() && right.pre.is_empty() => {
            let track = |version: &Version| match (version.major, version.minor, version.patch) {
                (0, 0, patch) => (0, 0, patch),
                (0, minor, _) => (0, minor, 0),
                (major, _, _) => (major, 0, 0),
            };
            track(left) == track(right)
        }
        _ => left == right,
    }
}

/// The name of an interface, taken apart.
pub(crate) struct Interface<'a> {
    /// `wasi:filesystem/preopens`
    pub(crate) name: &'a str,
    pub(crate) version: Option<Version>,
    /// What the component that imports it takes it for.
    pub(crate) imported: Option<(&'a Engine, ComponentInstance)>,
}

/// The two versions of WASI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preview {
    P2,
    P3,
}

impl Preview {
    /// As people write it: `0.2`.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::P2 => "0.2",
            Self::P3 => "0.3",
        }
    }
}

impl<'a> Interface<'a> {
    pub(crate) fn parse(id: &'a str) -> Self {
        match id.split_once('@') {
            Some((name, version)) => match Version::parse(version) {
                Ok(version) => Self {
                    name,
                    version: Some(version),
                    imported: None,
                },
                // No interface is called that, so nobody serves it.
                Err(_) => Self {
                    name: id,
                    version: None,
                    imported: None,
                },
            },
            None => Self {
                name: id,
                version: None,
                imported: None,
            },
        }
    }

    /// As `component` imports it under the name `import`.
    pub(crate) fn imported_by(mut self, component: &'a Component, import: &str) -> Self {
        let engine = component.engine();
        let ty = component.component_type();
        let item = ty.get_import(engine, import);
        self.imported = match item.map(|item| item.ty) {
            Some(ComponentItem::ComponentInstance(instance)) => Some((engine, instance)),
            _ => None,
        };
        self
    }

    /// A function, as the component that imports the interface takes it.
    pub(crate) fn function(&self, name: &str) -> Option<ComponentFunc> {
        let (engine, instance) = self.imported.as_ref()?;
        match instance.get_export(engine, name)?.ty {
            ComponentItem::ComponentFunc(function) => Some(function),
            _ => None,
        }
    }

    pub(crate) fn preview(&self) -> Option<Preview> {
        let version = self
            .version
            .as_ref()
            .filter(|version| version.pre.is_empty())?;
        match (version.major, version.minor) {
            (0, 2) => Some(Preview::P2),
            (0, 3) => Some(Preview::P3),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(id: &str) -> Option<Served> {
        Capabilities::default().find(&Interface::parse(id))
    }

    #[test]
    fn release_versions_fit_within_their_track() {
        assert_eq!(served("wasi:io/streams@0.2.0"), Some(Served::Shared));
        assert_eq!(served("wasi:io/streams@0.2.99"), Some(Served::Shared));
        assert_eq!(served("wasi:io/streams@0.4.0"), None);
        assert_eq!(
            served("wasi:cli/environment@0.2.3"),
            Some(Served::PerMember)
        );
        assert_eq!(
            served("wasi:cli/environment@0.3.1"),
            Some(Served::PerMember)
        );
    }

    #[test]
    fn drafts_fit_only_as_they_are_spelled() {
        assert_eq!(
            served("wasi:config/store@0.2.0-rc.1"),
            Some(Served::PerMember)
        );
        assert_eq!(served("wasi:config/store@0.2.0-rc.2"), None);
        assert_eq!(served("wasi:config/store@0.2.0"), None);
        assert_eq!(served("wasi:logging/logging"), Some(Served::PerMember));
    }

    #[test]
    fn what_the_config_can_switch_off_is_what_there_is() {
        let capabilities = Capabilities::default();
        // What a plugin has beside is granted to plugins only.
        let fixed = ["WASI", "plugin"];
        let switches = capabilities.iter().filter(|c| !fixed.contains(&c.name()));
        let mut switches: Vec<String> = switches.map(switch).collect();
        switches.sort();
        assert_eq!(switches, crate::host::workload::CAPABILITIES);
    }

    #[test]
    fn no_interface_is_in_two_tables() {
        let mut seen = std::collections::BTreeSet::new();
        let capabilities = Capabilities::default();
        for row in capabilities
            .iter()
            .flat_map(|capability| capability.interfaces())
        {
            assert!(
                seen.insert((row.interface, row.version)),
                "{}@{}",
                row.interface,
                row.version
            );
        }
    }
}
