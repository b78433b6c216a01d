//! Plugins: components that a user installs, which add commands, take part in what other commands do, and provide
//! interfaces for `wash dev`.
//!
//! A plugin is asked once what it is, at its installation; what it says becomes its [`manifest`]. Everything but running
//! it is done from there: [`store`] lists what is installed, `plugin_commands` makes command lines and help of it.

pub mod describe;
pub mod examine;
pub mod grants;
pub mod guest;
pub mod hook;
pub mod install;
pub mod invocation;
pub mod manifest;
pub mod permission;
pub mod policy;
pub mod provider;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
pub mod world;
mod write;

pub use manifest::Manifest;
pub use store::{Installed, Store};
