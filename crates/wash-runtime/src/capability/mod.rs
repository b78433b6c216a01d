//! What the host serves to components, beyond running them: one folder for each capability.
//!
//! A capability takes part five times: it tells the linker which interfaces it serves ([`host_interfaces`]); it
//! checks a member's settings with nothing running; it makes ready what a member of a workload was given; it fills
//! imports when a component is linked; and it is told when a workload runs and when it has gone. What it keeps for all workloads lives in the capability itself, what belongs to one
//! member in its `Extensions`, and what belongs to one instance in the engine's store.

pub mod config;
pub mod http_client;
pub mod keyvalue;
pub mod logging;
pub mod messaging;
mod per_member;
pub mod plugin;
pub mod sockets;
pub mod wasi;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use semver::Version;
use wash_common::folders::beneath::HostDirectories;
use wash_component::host_interface::{HostInterface, Scope, Tier};
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Result};

pub use crate::instance::{Extensions, MemberSetup, State};

use crate::events::Events;
use crate::messages::Receiving;
use crate::workload::{Entry, Member, MemberSettings, Workload, WorkloadId};

pub use per_member::MAX_MEMBERS;

/// What a component needs of the engine. Asynchronous components cost every call and every request more, so those
/// that do without are run without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    /// WASI 0.2 only: no async functions, streams or futures anywhere in the component.
    Sync,
    /// The component model's async, which WASI 0.3 is made of.
    Async,
}

/// The capabilities that can be switched off, by the names that a configuration has for them.
pub const CAPABILITIES: [&str; 6] = [
    "config",
    "http-client",
    "keyvalue",
    "logging",
    "messaging",
    "sockets",
];

/// Something that the host serves to components. One of each lives as long as its host.
pub trait Capability: Send + Sync {
    /// For the reason in a plan: `config`.
    fn name(&self) -> &'static str;

    fn tier(&self) -> Tier;

    fn interfaces(&self) -> &'static [InterfaceDeclaration];

    /// Checks what a member is given, without touching anything.
    fn validate(&self, _settings: &MemberSettings) -> Vec<SettingsError> {
        Vec::new()
    }

    /// Makes ready what a member of a workload was given, before anything of the workload runs. What is put into `kept`
    /// goes when the workload goes, and the functions of the capability find it there.
    fn set_up(
        &self,
        _for_whom: &SetupContext<'_>,
        _kept: &mut Extensions,
    ) -> std::result::Result<(), SettingsError> {
        Ok(())
    }

    /// A workload becomes the running one, in place of the one that it replaces, which gets nothing new from here on and
    /// goes when what it is still doing has ended. Must not block.
    fn bind(&self, _running: &Running<'_>) {}

    /// A workload is being stopped without another in its place: it gets nothing new from here on but what it still needs
    /// to finish. Must not block.
    fn retire(&self, _id: &WorkloadId, _console: &Events) {}

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

/// An interface that a capability serves.
pub struct InterfaceDeclaration {
    /// `wasi:config/store`
    interface: &'static str,
    /// The newest version of the track, or a pre-release as it is spelled; empty if the interface has no version.
    version: &'static str,
    scope: Scope,
}

/// Types and handles, which grant nothing: all members share one import.
pub const fn shared(interface: &'static str, version: &'static str) -> InterfaceDeclaration {
    InterfaceDeclaration {
        interface,
        version,
        scope: Scope::Shared,
    }
}

pub const fn per_member(interface: &'static str, version: &'static str) -> InterfaceDeclaration {
    InterfaceDeclaration {
        interface,
        version,
        scope: Scope::PerMember,
    }
}

/// What is wrong with a member's settings.
pub struct SettingsError {
    pub message: String,
    pub hint: Option<String>,
}

/// On whose behalf a capability makes something ready.
pub struct SetupContext<'a> {
    pub workload: &'a Workload,
    pub entry: &'a Entry,
    pub member: &'a Member,
    /// What the capabilities keep for the whole workload. It goes when nothing of the workload runs any more.
    pub(crate) shared: &'a Mutex<Extensions>,
}

impl SetupContext<'_> {
    /// What all members of the workload have together, made for the first of them.
    pub fn shared<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.get_or_insert_with(make)
    }
}

/// A workload that is about to run, as a capability that drives it needs to know it.
pub struct Running<'a> {
    pub id: &'a WorkloadId,
    pub replaces: Option<&'a WorkloadId>,
    /// The entries that take messages.
    pub(crate) receiving: &'a [Receiving],
    /// What the capabilities keep for the whole workload.
    pub kept: &'a Extensions,
    pub events: &'a Events,
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
            Box::new(wasi::WasiCapability {
                volumes,
                directories: Arc::clone(&directories),
            }),
            Box::new(sockets::SocketsCapability::default()),
            Box::<http_client::HttpClientCapability>::default(),
            Box::new(config::ConfigCapability),
            Box::new(logging::LoggingCapability),
            Box::new(messaging::MessagingCapability::default()),
            Box::new(keyvalue::KeyValueCapability::new(directories)),
            Box::new(plugin::PluginCapability),
        ])
    }

    pub(crate) fn with_all(mut self, others: Vec<Box<dyn Capability>>) -> Self {
        self.0.extend(others);
        self
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
    pub(crate) fn set_up(
        &self,
        context: &SetupContext<'_>,
    ) -> std::result::Result<MemberSetup, SettingsError> {
        let Member { name, .. } = context.member;
        let mut extensions = Extensions::default();
        for capability in self.iter() {
            capability.set_up(context, &mut extensions)?;
        }
        Ok(MemberSetup {
            name: name.as_str().into(),
            extensions,
        })
    }

    /// Whether an interface is served to each member apart.
    pub(crate) fn grants(&self, interface: &str) -> bool {
        self.find(&Interface::parse(interface)) == Some(Served::PerMember)
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

impl InterfaceDeclaration {
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
pub struct Interface<'a> {
    /// `wasi:filesystem/preopens`
    pub name: &'a str,
    pub version: Option<Version>,
    /// What the component that imports it takes it for.
    pub(crate) imported: Option<(&'a Engine, ComponentInstance)>,
}

/// The two versions of WASI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preview {
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
    pub fn function(&self, name: &str) -> Option<ComponentFunc> {
        let (engine, instance) = self.imported.as_ref()?;
        match instance.get_export(engine, name)?.ty {
            ComponentItem::ComponentFunc(function) => Some(function),
            _ => None,
        }
    }

    pub fn preview(&self) -> Option<Preview> {
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
        assert_eq!(switches, CAPABILITIES);
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
