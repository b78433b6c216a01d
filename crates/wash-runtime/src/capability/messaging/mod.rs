//! `wasmcloud:messaging@0.2`: messages between the members of a workload, in memory.
//!
//! The `bus` decides who gets what, and knows neither components nor WIT. There is one for each workload, and a version
//! that replaces another goes on with its bus, so that what waits survives a reload; other workloads see nothing of it.
//! `consumer` is what members call, `deliver` what calls them.

mod bus;
mod consumer;
mod deliver;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use wasmtime::Result;
use wasmtime::component::Linker;

use crate::events::Events;
use crate::instance::State;
use crate::workload::WorkloadId;
use wash_component::host_interface::Tier;

use super::{
    Capability, Extensions, Interface, InterfaceDeclaration, Preview, Running, SettingsError,
    SetupContext, per_member,
};
use bus::{Bus, Lost, Subscription};

#[derive(Default)]
pub(crate) struct MessagingCapability {
    /// Of each workload that was not replaced.
    buses: Mutex<BTreeMap<WorkloadId, Arc<Bus>>>,
}

/// What the members of a workload publish to: its bus, from when it runs.
#[derive(Default)]
struct Outlet(OnceLock<Arc<Bus>>);

/// The outlet of the workload that a member belongs to.
struct Access(Arc<Outlet>);

const INTERFACES: &[InterfaceDeclaration] = &[per_member("wasmcloud:messaging/consumer", "0.2.0")];

impl Capability for MessagingCapability {
    fn name(&self) -> &'static str {
        "messaging"
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
        kept.insert(Access(context.shared(Outlet::default)));
        Ok(())
    }

    fn bind(&self, running: &Running<'_>) {
        let mut buses = self.buses();
        let before = running.replaces.and_then(|old| buses.remove(old));
        let bus = before.unwrap_or_default();
        buses.insert(running.id.clone(), Arc::clone(&bus));
        if let Some(outlet) = running.kept.get::<Outlet>() {
            outlet
                .0
                .set(Arc::clone(&bus))
                .unwrap_or_else(|_| unreachable!("a workload is bound once"));
        }
        let subscriptions = running.receiving.iter().map(|receiving| Subscription {
            name: receiving.handler.name().to_owned(),
            patterns: receiving.subscriptions.clone(),
            most: receiving.queued,
            most_bytes: receiving.memory,
        });
        let (leases, lost) = bus.take_over(subscriptions.collect());
        for (lease, receiving) in leases.into_iter().zip(running.receiving) {
            let (bus, handler) = (Arc::clone(&bus), Arc::clone(&receiving.handler));
            tokio::spawn(deliver::deliver(bus, lease, handler));
        }
        tell(running.events, &lost);
    }

    fn retire(&self, id: &WorkloadId, events: &Events) {
        if let Some(bus) = self.buses().get(id) {
            tell(events, &bus.stop());
        }
    }

    fn unbind(&self, id: &WorkloadId) {
        if let Some(bus) = self.buses().remove(id) {
            bus.close();
        }
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool> {
        match (interface.name, interface.preview()) {
            ("wasmcloud:messaging/consumer", Some(Preview::P2)) => {
                consumer::add(&mut linker.instance(import)?, member)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

impl MessagingCapability {
    fn buses(&self) -> MutexGuard<'_, BTreeMap<WorkloadId, Arc<Bus>>> {
        self.buses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(events: &Events, lost: &[Lost]) {
    for Lost { queue, count } in lost {
        let messages = match count {
            1 => "a message".to_owned(),
            _ => format!("{count} messages"),
        };
        events.host(&format!("{messages} for `{queue}` will not be handled"));
    }
}
