//! `wasi:keyvalue` in Redis.
//!
//! It speaks the protocol of Redis over `wasi:sockets` itself. An instance keeps one connection, for as long as it lives
//! itself. Nothing is cached: what is read is what Redis has.
//!
//! [`resp`] knows the protocol, [`client`] connections, [`store`] how buckets lie in Redis, and none of them WIT or WASI;
//! they run natively in the tests. `socket` and `exports` join them to the world.

pub mod client;
pub mod resp;
pub mod settings;
pub mod store;
pub mod wire;

#[cfg(target_family = "wasm")]
mod describe;
#[cfg(target_family = "wasm")]
mod exports;
#[cfg(target_family = "wasm")]
mod socket;

#[cfg(target_family = "wasm")]
mod bindings {
    wit_bindgen::generate!({ world: "provider", path: "wit", generate_all });
    export!(Provider with_types_in self);
    use crate::exports::Provider;
}
