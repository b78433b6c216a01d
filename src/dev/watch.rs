//! Tells what changed on disk: sets of paths, once the disk has been quiet for a moment.

mod tree;

pub use tree::Targets;
