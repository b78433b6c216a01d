//! The engine and the local host, with real guests, a real server and a real client.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authority;
mod cache;
mod composed;
mod failures;
#[path = "../support/guest.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod guest;
#[path = "../../benches/hello/mod.rs"]
mod hello;
mod lifecycle;
mod requests;
mod services;
mod sockets;
mod stage;
mod tiers;
mod unbundled;
