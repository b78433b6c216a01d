//! The engine and the local host, with real guests, a real server and a real client.

mod authority;
mod cache;
mod failures;
mod lifecycle;
mod requests;
mod stage;
