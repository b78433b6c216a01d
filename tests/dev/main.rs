//! `wash dev` as its users meet it: the binary runs on a copy of a fixture, real sources are edited, real toolchains
//! build them, and a real HTTP client asks.
//!
//! No test counts on time: it waits for a line of the console, an answer, or the end of a process.

mod address;
mod client;
mod config;
mod exchange;
mod failures;
mod guests;
mod images;
mod load;
mod prebuilt;
mod probe;
mod project;
#[allow(dead_code, reason = "others use the rest")]
#[path = "../support/registry.rs"]
mod registry;
mod reload;
mod requests;
mod routes;
mod services;
mod siblings;
mod stop;
mod stubs;
mod surroundings;
mod wash;
