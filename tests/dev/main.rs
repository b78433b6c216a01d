//! `wash dev` as its users meet it: the binary runs on a copy of a fixture, real sources are edited, real toolchains
//! build them, and a real HTTP client asks.
//!
//! No test counts on time: it waits for a line of the console, an answer, or the end of a process.

mod address;
mod builds;
mod calls;
#[path = "../support/certificates.rs"]
mod certificates;
mod client;
mod components;
mod config;
#[path = "../support/elsewhere.rs"]
mod elsewhere;
mod exchange;
mod failures;
mod grpc;
#[path = "../support/guest.rs"]
#[allow(dead_code, reason = "tests/engine uses the rest")]
mod guest;
mod guests;
mod images;
mod load;
mod memory;
mod messages;
mod outgoing;
mod paused;
mod prebuilt;
mod probe;
#[allow(dead_code, reason = "tests/projects uses the rest")]
mod project;
#[allow(dead_code, reason = "others use the rest")]
#[path = "../support/registry.rs"]
mod registry;
mod reload;
mod requests;
mod routes;
mod services;
mod siblings;
mod sockets;
mod starts;
mod stop;
mod stubs;
mod surroundings;
mod tls;
mod volumes;
#[allow(dead_code, reason = "tests/projects uses the rest")]
mod wash;
