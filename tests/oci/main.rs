//! `wash oci`, and images wherever a component may be one, against a real registry (`scripts/registry`) and with other
//! clients on the other side.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cache;
mod credentials;
mod images;
mod interop;
mod push;
#[path = "../support/registry.rs"]
mod registry;
mod stage;
mod tokens;
mod trouble;
mod uploads;
