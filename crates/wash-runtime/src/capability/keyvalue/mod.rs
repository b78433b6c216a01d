//! `wasi:keyvalue`: buckets of keys and values, in memory or on disk, each member with its own settings.
//!
//! `store` keeps, and knows nothing of components. `opened` finds the store that a member's settings name; all who name
//! the same one have the same one. The rest is the interface: `buckets` is `store`, and `atomics` and `batch` are
//! themselves. The drafts differ in the types of a few functions (`Draft`).

mod atomics;
mod batch;
mod buckets;
mod opened;
mod settings;
mod store;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use wasmtime::Result;
use wasmtime::component::Linker;

use super::{
    Capability, Extensions, Interface, InterfaceDeclaration, SettingsError, SetupContext,
    per_member,
};
use crate::instance::State;
use crate::workload::MemberSettings;

use opened::Opened;
use store::Store;
use wash_common::folders::beneath::HostDirectories;
use wash_component::host_interface::Tier;

pub use settings::{KeyValue, KeyValueBackend};

pub(crate) struct KeyValueCapability {
    opened: Opened,
}

impl KeyValueCapability {
    pub(crate) fn new(directories: Arc<HostDirectories>) -> Self {
        Self {
            opened: Opened::new(directories),
        }
    }
}

/// What a store in memory may hold if nothing else is configured, in bytes.
const MEMORY_QUOTA: u64 = 256 << 20;

const INTERFACES: &[InterfaceDeclaration] = &[
    per_member("wasi:keyvalue/store", "0.2.0-draft2"),
    per_member("wasi:keyvalue/store", "0.2.0-draft"),
    per_member("wasi:keyvalue/store", ""),
    per_member("wasi:keyvalue/atomics", "0.2.0-draft2"),
    per_member("wasi:keyvalue/atomics", "0.2.0-draft"),
    per_member("wasi:keyvalue/atomics", ""),
    per_member("wasi:keyvalue/batch", "0.2.0-draft2"),
    per_member("wasi:keyvalue/batch", "0.2.0-draft"),
    per_member("wasi:keyvalue/batch", ""),
];

const PACKAGE: &str = "wasi:keyvalue/";

/// Which draft of the interfaces a member was built against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Draft {
    /// `0.2.0-draft`, and what has no version: cursors are numbers, and so is what is added, from 0.
    First,
    /// `0.2.0-draft2`: cursors are text, what is added may be negative, and there is compare-and-swap.
    Second,
}

/// What a member was given of a store.
struct Access {
    store: Arc<dyn Store>,
    /// In front of the names of its buckets.
    prefix: String,
    /// The buckets it may open; `None`: any.
    buckets: Option<BTreeSet<String>>,
    /// Whether the last call has failed for a reason that the user was told.
    failing: Arc<AtomicBool>,
}

impl Capability for KeyValueCapability {
    fn name(&self) -> &'static str {
        "keyvalue"
    }

    fn tier(&self) -> Tier {
        Tier::Capability
    }

    fn interfaces(&self) -> &'static [InterfaceDeclaration] {
        INTERFACES
    }

    fn validate(&self, settings: &MemberSettings) -> Vec<SettingsError> {
        let path = match &settings.get::<KeyValue>().backend {
            Some(KeyValueBackend::Database(path) | KeyValueBackend::Files(path)) => path,
            Some(KeyValueBackend::Memory) | None => return Vec::new(),
        };
        let faults = path.is_relative().then(|| SettingsError {
            message: format!(
                "the path `{}` of its keyvalue store is not absolute",
                path.display()
            ),
            hint: None,
        });
        faults.into_iter().collect()
    }

    /// Opens the store of a member that imports one.
    fn set_up(
        &self,
        context: &SetupContext<'_>,
        kept: &mut Extensions,
    ) -> std::result::Result<(), SettingsError> {
        if !is_wanted(context) {
            return Ok(());
        }
        let KeyValue {
            backend,
            prefix,
            buckets,
            quota,
        } = context.member.settings.get::<KeyValue>();
        let backend = backend.as_ref().unwrap_or(&KeyValueBackend::Memory);
        let writable = super::wasi::writable(context.workload);
        let workload = &context.workload.name;
        let store = self.opened.open(backend, workload, &writable)?;
        store.set_quota(match (quota, backend) {
            (Some(quota), _) => Some(quota.get()),
            (None, KeyValueBackend::Memory) => Some(MEMORY_QUOTA),
            (None, KeyValueBackend::Database(_) | KeyValueBackend::Files(_)) => None,
        });
        kept.insert(Access {
            store,
            prefix: prefix.clone(),
            buckets: buckets.clone(),
            failing: Arc::default(),
        });
        Ok(())
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool> {
        let Some(name) = interface.name.strip_prefix(PACKAGE) else {
            return Ok(false);
        };
        let version = interface.version.as_ref();
        let draft = match version.map(|version| version.pre.as_str()) {
            Some("draft2") => Draft::Second,
            _ => Draft::First,
        };
        let mut instance = linker.instance(import)?;
        match name {
            "store" => buckets::add(&mut instance, draft, member)?,
            "atomics" => atomics::add(&mut instance, draft)?,
            "batch" => batch::add(&mut instance, draft, interface)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Whether the member imports any of this.
fn is_wanted(context: &SetupContext<'_>) -> bool {
    let members = &context.entry.members;
    let index = members
        .iter()
        .position(|member| std::ptr::eq(member, context.member));
    let mut grants = context.entry.grants.iter();
    grants.any(|grant| Some(grant.member) == index && grant.interface.starts_with(PACKAGE))
}
