//! `build::build` on tiny real commands, and `wash build` as users run it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod artifacts;
mod command;
mod processes;
mod support;
mod toolchains;
