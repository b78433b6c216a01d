//! Valid components of any shape.

#![no_main]

#[path = "../../tests/fuzz/exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|component: wasm_smith::Component| {
    exercise::bytes(&component.to_bytes());
});
