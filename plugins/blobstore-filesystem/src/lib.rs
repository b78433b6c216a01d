//! `wasi:blobstore` on `wasi:filesystem`: containers are directories, objects are files.
//!
//! It needs one directory, read-write, and nothing else: no environment, no standard streams, no network. That is why
//! it is built without the standard library, which would import all of those. What it keeps there:
//!
//! ```text
//! CONTAINER/            named as the container, see `names`
//!   .container          its time of modification is when the container was created
//!   OBJECT              the object's bytes, named as the object
//! .staging/             uploads that are not finished and containers being created or deleted
//! ```
//!
//! Everything becomes visible by one rename out of `.staging` and disappears by one rename into it (or one unlink), so
//! no reader ever sees a half of anything. An object is never written to after that, only replaced: a reader keeps the
//! version it opened. Bytes go from stream to file inside the host, never through this component's memory, except for
//! `incoming-value-consume-sync`, which is made to.
//!
//! What is acknowledged is on disk: an object's bytes are synced before it gets its name, and its directory after.
//!
//! `names` and `range` are pure and know nothing of files; `store` knows directories but no `wasi:blobstore`;
//! `exports` is the interface.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

pub mod names;
pub mod range;

#[cfg(target_family = "wasm")]
mod exports;
#[cfg(target_family = "wasm")]
mod runtime;
#[cfg(target_family = "wasm")]
mod store;

#[cfg(target_family = "wasm")]
mod bindings {
    wit_bindgen::generate!({ world: "provider", path: "wit", generate_all });
    export!(Provider with_types_in self);
    use crate::exports::Provider;
}
