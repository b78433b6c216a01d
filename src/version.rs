//! Which `wash` this is: its version, and what it was built from and for. `build.rs` finds that out.

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit of a release build, and its date. Debug builds have none: every commit would build them again.
pub const COMMIT: Option<&str> = option_env!("WASH_BUILD_COMMIT");

/// The version of the engine that runs components.
pub const WASMTIME: Option<&str> = option_env!("WASH_BUILD_WASMTIME");

/// The platform as Rust calls it.
pub const TARGET: &str = env!("WASH_BUILD_TARGET");

/// All of it in one line: `0.1.0 (1a2b3c4d5e6f 2026-01-31, wasmtime 48.0.8, x86_64-unknown-linux-gnu)`.
pub const LONG: &str = env!("WASH_BUILD_VERSION");
