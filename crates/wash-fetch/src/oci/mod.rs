//! Components and WIT packages in OCI registries: pushed, pulled and kept in a cache.
//!
//! ```text
//! Reference + bytes -> artifact (config, layer, annotations) -> push -> registry
//! Reference -> cache, by digest or remembered tag, or registry -> bytes
//! ```
//!
//! The layout is that of the CNCF's Wasm OCI artifacts: an image manifest, a config of type
//! `application/vnd.wasm.config.v0+json`, and one layer of type `application/wasm`. Nothing that was read is used before its
//! size and digest are verified.
//!
//! Knows nothing of projects, commands or wasmtime.

mod access;
mod artifact;
mod cache;
mod challenge;
mod credentials;
mod digest;
mod docker;
mod error;
mod failure;
mod layout;
mod pull;
mod push;
mod reference;
mod session;
mod transport;
mod upload;

pub use access::{Access, Scheme};
pub use artifact::Artifact;
pub use cache::Cache;
pub use credentials::{Login, Source};
pub use digest::{Digest, DigestError};
pub use docker::{DockerConfig, survey as docker_config};
pub use error::{Doing, OciError, Refusal};
pub use failure::Failure;
pub use pull::{Origin, PullPolicy, Pulled, ask, peek, pull};
pub use push::{Pushed, push};
pub use reference::{Reference, ReferenceError};

/// Told how a transfer goes on.
pub trait Progress: Send + Sync {
    /// A transfer of so many bytes begins, perhaps once more.
    fn begin(&self, bytes: u64) {
        let _ = bytes;
    }
    fn advance(&self, bytes: u64) {
        let _ = bytes;
    }
    fn end(&self) {}
}

/// Nobody watches.
pub struct Silent;

impl Progress for Silent {}
