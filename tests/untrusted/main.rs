//! What others have written, at the edges of every command: text that a terminal would obey, and paths that are no text at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod components;
mod paths;
#[path = "../support/terminal.rs"]
mod screen;
mod source;
mod terminal;
