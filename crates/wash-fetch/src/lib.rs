//! Gets what `wash` needs from elsewhere: components and plugins from OCI registries ([`oci`]), WIT packages ([`wit`]), and
//! git repositories ([`git`]).

// Not in the manifest: there it would hold for tests as well.
#![warn(clippy::unwrap_used)]

pub mod wit;

pub mod git;
pub mod oci;
