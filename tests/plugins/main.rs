//! Plugins as users have them: installed, run, allowed and denied, with real guests, some of which mean harm.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/guest.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod guest;

mod atomic;
mod commands;
mod hooks;
mod hostile;
mod permissions;
mod providers;
mod registries;
#[path = "../support/registry.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod registry;
#[path = "../support/terminal.rs"]
mod script;
mod store;
mod support;
mod terminal;
