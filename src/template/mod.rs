//! New projects: from the templates inside the binary, from git repositories, and from directories.
//!
//! A project is put together in a [`Place`], a folder beside the one it will be in, and moved there when it is whole. What a
//! template of `wash`'s own becomes is said by [`bundled`] and `render`; what comes from elsewhere is fetched by [`git`](wash_fetch::git)
//! and goes through `tree`, which lets nothing out of the folder. Nobody is asked anything here.

pub mod bundled;
mod create;
mod error;
pub mod name;
mod place;
mod render;
pub mod source;
mod tree;
pub mod workspace;

pub use create::{from_bundled, from_source, set_up};
pub use error::TemplateError;
pub use place::{Place, Settled};
