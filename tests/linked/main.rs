//! `wash inspect` and `wash build --compose`: how components are linked, seen from outside.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cases;
mod compose;
#[path = "../support/installed.rs"]
mod installed;
mod schema;
mod support;
