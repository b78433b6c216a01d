//! What `dev.host_interfaces` sets for every component. Which interfaces a component has is read from itself.

use std::collections::BTreeMap;

use super::keyvalue::RawKeyValue;
use super::raw::RawDev;
use super::table::{Located, Notes};

/// Settings of interfaces that every component has which imports, or exports, them.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    /// Of `wasi:config`.
    pub(super) config: BTreeMap<String, String>,
    /// `subscriptions` of `wasmcloud:messaging`.
    pub(super) subscriptions: Option<Located<String>>,
    /// Of `wasi:keyvalue`, and `dev.wasi_keyvalue_path`.
    pub(super) keyvalue: RawKeyValue,
}

impl Interfaces {
    pub(super) fn of(dev: &RawDev, notes: &Notes) -> Self {
        let mut interfaces = Self::default();
        for interface in &dev.interfaces {
            let mut left = interface.config.clone();
            match interface.package.as_str() {
                "wasi:config" => interfaces.config.append(&mut left),
                "wasmcloud:messaging" => {
                    let subscriptions = left.remove("subscriptions").map(|value| Located {
                        value,
                        at: interface.at.clone(),
                        key: format!("{}.config.subscriptions", interface.key),
                    });
                    interfaces.subscriptions = subscriptions.or(interfaces.subscriptions);
                }
                "wasi:keyvalue" => {
                    let read = RawKeyValue::read_interface(interface, &mut left, notes);
                    interfaces.keyvalue = read.or(interfaces.keyvalue);
                }
                _ => {}
            }
            for key in left.keys() {
                let message = format!(
                    "`{}.config.{key}` is ignored for `{}`",
                    interface.key, interface.package
                );
                notes.warn(&interface.at, message, None);
            }
        }
        let path = dev.wasi_keyvalue_path.clone().map(RawKeyValue::files);
        interfaces.keyvalue = interfaces.keyvalue.or(path.unwrap_or_default());
        interfaces
    }
}
