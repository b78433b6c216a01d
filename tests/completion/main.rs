//! Completion as it is typed: real shells in terminals, the tab key, and what the screen shows then. `scripts/shells`
//! installs the shells.

mod answers;
mod home;
mod install;
#[path = "../support/of_wit.rs"]
mod of_wit;
#[path = "../support/plugin_guest.rs"]
mod plugin_guest;
mod plugins;
#[path = "../support/registry.rs"]
#[expect(dead_code, reason = "other tests have more use for it")]
mod registry;
mod screens;
mod terminal;
