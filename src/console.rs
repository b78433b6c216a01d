//! The terminal of a session: whole lines, never interleaved, with the guest's lines prefixed.
//!
//! Talk goes to stderr; what a guest wrote to its stdout goes to stdout.
