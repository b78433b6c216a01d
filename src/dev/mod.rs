//! The dev loop: watch, build, link, start, and again with every change.
//!
//! [`state`] decides and is pure; [`watch`] tells what changed on disk; [`session`] performs what was decided and
//! tells how it went. [`change`] compares two readings of the project's config, [`assemble`] turns a link plan into a
//! workload, [`report`] words what the user reads.
//!
//! Knows `Host`, `build` and `linker`, and nothing of the engine that runs components.

pub mod state;
pub mod watch;
