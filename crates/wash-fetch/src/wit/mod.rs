//! The WIT packages of a project: what it refers to, where that comes from, and how it gets into `wit/deps`.
//!
//! [`scan`] sees the letters of a text and [`source`] the files of a package; a [`Folder`] is a project's own package
//! with its `deps`. [`resolve`](resolve::resolve) finds what is missing (overrides, the [`bundle`] that comes with
//! `wash`, registries), [`fetch`] writes it, and the lock beside it, in the layout and the formats of `wkg`. Nothing here
//! knows how a component is built.

pub mod add;
pub mod bundle;
pub mod check;
mod contents;
mod copies;
pub mod diagnose;
pub mod edit;
pub mod encode;
mod error;
pub mod fetch;
mod folder;
pub mod graph;
pub mod lock;
pub mod name;
mod outside;
mod registry;
pub mod resolve;
pub mod scan;
mod settings;
pub mod source;
pub mod store;

pub use error::WitError;
pub use fetch::ensure;
pub use folder::Folder;
pub use settings::{Overrides, Registry, Wit};
