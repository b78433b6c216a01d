//! The components that ship inside the binary, for imports that nobody else provides.
//!
//! Each is a crate under `plugins/`, built by `scripts/build-providers` into an artifact in `providers/` that is committed
//! (cargo leaves crates inside a crate out of what it publishes); `tests/providers.rs` proves that the artifact comes from
//! the sources. What a provider needs while it runs is data:
//! whoever starts the session turns it into settings of that member.

/// A component we ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider {
    /// Its name as a member, and of its crate under `plugins/`.
    pub name: &'static str,
    /// The component.
    pub bytes: &'static [u8],
    pub needs: &'static [Need],
}

/// Something a provider must be given, and nothing else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A directory of its own, read-write, in the project's `.wash/state`. It outlives reloads and restarts.
    StateDirectory {
        /// Its name in `.wash/state`.
        name: &'static str,
        /// The path the provider sees.
        guest: &'static str,
    },
}

/// Every provider, by name.
pub fn shipped() -> &'static [Provider] {
    &[Provider {
        name: "blobstore-filesystem",
        bytes: include_bytes!("../../providers/blobstore-filesystem.wasm"),
        needs: &[Need::StateDirectory {
            name: "blobstore",
            guest: "/",
        }],
    }]
}
