//! `wash wit` as users run it: one case a file in `tests/wit/cases`.
//!
//! `tests/support/transcript.rs` says how a case is written; `BLESS=1 cargo test --test wit` writes what is expected. No
//! case needs a network.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod build;
mod exchange;
#[path = "../support/registry.rs"]
#[allow(
    dead_code,
    reason = "no login, no TLS and not every trouble is needed here"
)]
mod registry;
mod sources;

#[path = "../support/cases.rs"]
mod case_files;
#[path = "../support/transcript.rs"]
mod transcript;

#[test]
fn cases() {
    case_files::all("tests/wit/cases", transcript::run);
}
