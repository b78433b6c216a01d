//! Any bytes: told from a component, or read, planned and composed.

#![no_main]

#[path = "../../tests/fuzz/exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    exercise::bytes(bytes);
});
