//! `wasi:config`: each member reads its own settings, under any of the names that the draft has had.

mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

use wash_component::host_interface::Tier;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};
use wasmtime::{Result, StoreContextMut};

use super::{
    Capability, Extensions, Interface, InterfaceDeclaration, SettingsError, SetupContext,
    per_member,
};
use crate::instance::State;

pub use settings::ConfigValues;

pub(crate) struct ConfigCapability;

/// What one member reads.
struct Values(BTreeMap<String, String>);

const INTERFACES: &[InterfaceDeclaration] = &[
    per_member("wasi:config/store", "0.2.0-rc.1"),
    per_member("wasi:config/store", "0.2.0-draft"),
    per_member("wasi:config/store", ""),
    per_member("wasi:config/runtime", "0.2.0-draft"),
    per_member("wasi:config/runtime", ""),
];

/// The error that the interface provides for, and that settings kept in memory never need.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "upstream")]
    Upstream(String),
    #[component(name = "io")]
    Io(String),
}

impl Capability for ConfigCapability {
    fn name(&self) -> &'static str {
        "config"
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
        kept.insert(Values(
            context.member.settings.get::<ConfigValues>().0.clone(),
        ));
        Ok(())
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool> {
        if !matches!(interface.name, "wasi:config/store" | "wasi:config/runtime") {
            return Ok(false);
        }
        let mut instance = linker.instance(import)?;
        instance.func_wrap(
            "get",
            move |store: StoreContextMut<'_, State>, (key,): (String,)| {
                let values = values(&store, member);
                let value = values.and_then(|values| values.0.get(&key).cloned());
                Ok((Ok::<Option<String>, Error>(value),))
            },
        )?;
        instance.func_wrap(
            "get-all",
            move |store: StoreContextMut<'_, State>, (): ()| {
                let values = values(&store, member);
                let all: Vec<(String, String)> =
                    values.iter().flat_map(|values| values.0.clone()).collect();
                Ok((Ok::<_, Error>(all),))
            },
        )?;
        Ok(true)
    }
}

fn values(store: &StoreContextMut<'_, State>, member: usize) -> Option<Arc<Values>> {
    store.data().setup(member).extensions.get()
}
