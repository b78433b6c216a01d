//! Bytes in, a [`Shape`] out: what a component imports and exports, and what kind of file it is.
//!
//! Pure: knows nothing of files, config, wasmtime or who will provide an import.

/// What a file of WebAssembly turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Component,
    CoreModule,
    WitPackage,
}

/// What a component imports and exports.
#[derive(Debug, Clone)]
pub struct Shape {}
