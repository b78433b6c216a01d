//! Shows what a component is, and who provides what to whom when several are linked.
//!
//! [`survey`] asks the linker, and keeps what it found out even where there is no plan. [`view`] is the same as plain
//! data, which is what `-o json` prints; [`text`] puts it in words, [`graph`] in pictures. [`file`](mod@file) tells what a single
//! file is, and prints its world as WIT; [`why`](mod@why) tells why it imports something.
//!
//! Pure: bytes, shapes and names in, text out.

pub mod file;
pub mod graph;
mod names;
pub mod survey;
pub mod text;
pub mod view;
pub mod why;

pub use names::table;
