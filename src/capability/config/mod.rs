//! `wasi:config`: each member reads its own settings, under any of the names that the draft has had.

use wasmtime::component::{ComponentType, Lift, Linker, Lower};
use wasmtime::{Result, StoreContextMut};

use crate::engine::state::State;
use crate::linker::Tier;

use super::{Capability, Interface, Row, per_member};

pub(crate) struct Config;

const INTERFACES: &[Row] = &[
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

impl Capability for Config {
    fn name(&self) -> &'static str {
        "config"
    }

    fn tier(&self) -> Tier {
        Tier::Capability
    }

    fn interfaces(&self) -> &'static [Row] {
        INTERFACES
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
                let value = store.data().setup(member).config.get(&key).cloned();
                Ok((Ok::<Option<String>, Error>(value),))
            },
        )?;
        instance.func_wrap(
            "get-all",
            move |store: StoreContextMut<'_, State>, (): ()| {
                let all = store.data().setup(member).config.iter();
                let all: Vec<(String, String)> = all
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                Ok((Ok::<_, Error>(all),))
            },
        )?;
        Ok(true)
    }
}
