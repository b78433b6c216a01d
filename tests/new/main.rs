//! `wash new`: every template is created, built by its own tools and asked over its own protocol; repositories and directories
//! are templates as well, whatever is in them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../dev/client.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod client;
mod created;
mod elsewhere;
mod hostile;
mod names;
#[path = "../dev/project.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod project;
mod repository;
#[path = "../support/terminal.rs"]
mod screen;
mod templates;
mod terminal;
#[path = "../support/tools.rs"]
mod tools;
#[path = "../dev/wash.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod wash;
