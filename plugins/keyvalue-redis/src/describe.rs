//! What it says of itself as a plugin: it adds no command, and asks for the Redis of this machine.

use crate::bindings::exports::wash::plugin::describer::{Descriptor, Guest};
use crate::bindings::wash::plugin::types::{Permission, Want};
use crate::exports::Provider;

impl Guest for Provider {
    fn describe() -> Descriptor {
        let want = |what, reason: &str| Want {
            what,
            reason: reason.to_owned(),
        };
        Descriptor {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Keep what wasi:keyvalue stores in Redis".to_owned(),
            commands: Vec::new(),
            hooks: Vec::new(),
            wants: vec![
                want(
                    Permission::Host("localhost:6379".to_owned()),
                    "where Redis is, if nothing else is said",
                ),
                want(
                    Permission::Environment("REDIS_URL".to_owned()),
                    "says where Redis is, and how to log in",
                ),
            ],
        }
    }
}
