//! What `dev.host_interfaces` sets for every component. Which interfaces a component has is read from itself.

use std::collections::BTreeMap;

use super::raw::RawInterface;
use super::table::{Located, Notes};

/// Settings of interfaces that every component has which imports, or exports, them.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    /// Of `wasi:config`.
    pub(super) config: BTreeMap<String, String>,
    /// `subscriptions` of `wasmcloud:messaging`.
    pub(super) subscriptions: Option<Located<String>>,
}

impl Interfaces {
    pub(super) fn of(raw: &[RawInterface], notes: &Notes) -> Self {
        let mut interfaces = Self::default();
        for interface in raw {
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
                _ => {}
            }
            for key in left.keys() {
                let message = format!(
                    "`{}.config.{key}` is not obeyed for `{}`",
                    interface.key, interface.package
                );
                notes.warn(&interface.at, message, None);
            }
        }
        interfaces
    }
}
