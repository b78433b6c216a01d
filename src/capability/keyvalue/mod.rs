//! `wasi:keyvalue`: buckets of keys and values, in memory or on disk, each member with its own settings.
//!
//! `store` keeps, and knows nothing of components. `opened` finds the store that a member's settings name; all who name
//! the same one have the same one. The rest is the interface: `buckets` is `store`, and `atomics` and `batch` are
//! themselves. The drafts differ in the types of a few functions ([`Draft`]).

mod atomics;
mod batch;
mod buckets;
mod opened;
mod store;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use wasmtime::Result;
use wasmtime::component::Linker;

use crate::engine::state::State;
use crate::folders::beneath::HostDirectories;
use crate::host::workload::{KeyValue, KeyValueBackend, MemberSettings};
use crate::linker::Tier;

use super::{Capability, Fault, ForWhom, Interface, Kept, Row, per_member};
use opened::Opened;
use store::Store;

pub(crate) struct KeyValues {
    opened: Opened,
}

impl KeyValues {
    pub(crate) fn new(directories: Arc<HostDirectories>) -> Self {
        Self {
            opened: Opened::new(directories),
        }
    }
}

/// What a store in memory may hold if nothing else is configured, in bytes.
const MEMORY_QUOTA: u64 = 256 << 20;

const INTERFACES: &[Row] = &[
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

impl Capability for KeyValues {
    fn name(&self) -> &'static str {
        "keyvalue"
    }

    fn tier(&self) -> Tier {
        Tier::Capability
    }

    fn interfaces(&self) -> &'static [Row] {
        INTERFACES
    }

    fn validate(&self, settings: &MemberSettings) -> Vec<Fault> {
        let path = match &settings.keyvalue.backend {
            Some(KeyValueBackend::Database(path) | KeyValueBackend::Files(path)) => path,
            Some(KeyValueBackend::Memory) | None => return Vec::new(),
        };
        let faults = path.is_relative().then(|| Fault {
            message: format!(
                "the path `{}` of its keyvalue store is not absolute",
                path.display()
            ),
            hint: None,
        });
        faults.into_iter().collect()
    }

    /// Opens the store of a member that imports one.
    fn set_up(&self, for_whom: &ForWhom<'_>, kept: &mut Kept) -> std::result::Result<(), Fault> {
        if !is_wanted(for_whom) {
            return Ok(());
        }
        let KeyValue {
            backend,
            prefix,
            buckets,
            quota,
        } = &for_whom.member.settings.keyvalue;
        let backend = backend.as_ref().unwrap_or(&KeyValueBackend::Memory);
        let writable = super::wasi::writable(for_whom.workload);
        let workload = &for_whom.workload.name;
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
fn is_wanted(for_whom: &ForWhom<'_>) -> bool {
    let members = &for_whom.entry.members;
    let index = members
        .iter()
        .position(|member| std::ptr::eq(member, for_whom.member));
    let mut grants = for_whom.entry.grants.iter();
    grants.any(|grant| Some(grant.member) == index && grant.interface.starts_with(PACKAGE))
}
