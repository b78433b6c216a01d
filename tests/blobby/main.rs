//! The demo, over the real binary: files go up and come back as they were, whatever their size and whatever happens.

#[path = "../dev/client.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod client;
mod files;
#[path = "../dev/project.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod project;
mod transfer;
#[path = "../dev/wash.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod wash;
