//! The dev loop: watch, build, link, start, and again with every change.
//!
//! [`state`] decides and is pure; [`watch`] tells what changed on disk; [`session`] performs what was decided and
//! tells how it went. Between them, `scope` knows which files belong to which component (`cargo` and `glob` help), `change` compares two
//! readings of the project's config, `entries` finds the ways into it, `assemble` makes a workload of what was built,
//! `handler_slot` is what requests find, [`certificate`] is what HTTPS shows, `lines` has the words, [`storage`] is where
//! state is kept, [`reset`] clears it, and [`once`] builds the same components for other commands.
//!
//! Knows `Host`, `build` and `linker`, and nothing of the engine that runs components.

mod assemble;
mod cargo;
pub mod certificate;
mod change;
mod entries;
mod events;
mod glob;
mod handler_slot;
pub(crate) mod lines;
pub mod neighbours;
pub mod once;
pub mod reset;
mod scope;
pub mod session;
pub mod state;
pub mod storage;
#[cfg(test)]
mod testing;
pub mod watch;

pub use entries::{Entries, Wanted};
pub use handler_slot::HandlerSlot;
