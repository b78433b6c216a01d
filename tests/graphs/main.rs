//! Real components, linked in every shape and run by `wash dev`.

mod authority;
mod call;
#[path = "../support/certificates.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod certificates;
#[path = "../dev/client.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod client;
#[path = "../support/elsewhere.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod elsewhere;
mod graph;
#[path = "../support/guest.rs"]
#[allow(dead_code, reason = "tests/engine uses the rest")]
mod guest;
mod languages;
mod middleware;
mod pipes;
#[path = "../dev/project.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod project;
mod request;
mod shapes;
mod streams;
mod values;
mod virtualisation;
#[path = "../dev/wash.rs"]
#[allow(dead_code, reason = "tests/dev uses the rest")]
mod wash;
