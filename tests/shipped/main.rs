//! The plugins in `plugins/`, as their users meet them: installed from their sources, and used.

#[path = "../dev/client.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod client;
mod keyvalue;
mod plugins;
#[path = "../dev/project.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod project;
#[path = "../support/redis.rs"]
#[allow(dead_code, reason = "the tests of keyvalue-redis use the rest")]
mod redis;
#[path = "../support/registry.rs"]
#[allow(dead_code, reason = "tests/oci uses the rest")]
mod registry;
mod secrets;
mod size;
#[path = "../dev/wash.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod wash;
