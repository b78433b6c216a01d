//! What all of `wash` shares: what an error advises, text that is safe to print, the folders of the user, processes.
//!
//! Nothing here knows WebAssembly.

// Not in the manifest: there it would hold for tests as well.
#![warn(clippy::unwrap_used)]

pub mod folders;
pub mod locked_tempdir;

pub mod advice;
pub mod atomic;
pub mod budget;
pub mod contain;
pub mod files;
pub mod pem;
pub mod process;
pub mod process_lookup;
pub mod shell;
pub mod units;

pub mod error_class;
pub mod sanitize;
