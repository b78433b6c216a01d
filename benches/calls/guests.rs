//! The components: small hand-written modules, which call as often as they are told.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WIT: &str = include_str!("calls.wit");
const LOOPS: &str = include_str!("loops.wat");
const WORK: &str = include_str!("work.wat");

/// Imports `bench:calls/api`, exports `bench:calls/loops`.
pub(crate) fn caller() -> Vec<u8> {
    let imports = r#"
        (import "bench:calls/api" "add" (func $add (param i32 i32) (result i32)))
        (import "bench:calls/api" "echo" (func $echo (param i32 i32 i32)))
        (import "bench:calls/api" "sum" (func $sum (param i32 i32) (result i64)))
        (import "bench:calls/api" "[constructor]counter" (func $new (param i32) (result i32)))
        (import "bench:calls/api" "[method]counter.bump" (func $bump (param i32 i32) (result i32)))
        (import "bench:calls/api" "[resource-drop]counter" (func $drop (param i32)))
    "#;
    component("caller", &format!("(module {imports} {LOOPS})"))
}

/// Exports `bench:calls/api`.
pub(crate) fn provider() -> Vec<u8> {
    let exports = r#"
        (import "[export]bench:calls/api" "[resource-new]counter" (func $new (param i32) (result i32)))
        (memory (export "memory") 4)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
          i32.const 0x10000)
        (export "bench:calls/api#add" (func $add))
        (func (export "bench:calls/api#echo") (param i32 i32) (result i32)
          (call $echo (local.get 0) (local.get 1) (i32.const 2048))
          i32.const 2048)
        (export "bench:calls/api#sum" (func $sum))
        (func (export "bench:calls/api#[constructor]counter") (param i32) (result i32)
          (i32.store (i32.const 4096) (local.get 0))
          (call $new (i32.const 4096)))
        (export "bench:calls/api#[method]counter.bump" (func $bump))
    "#;
    component("provider", &format!("(module {exports} {WORK})"))
}

/// Both in one core module: exports `bench:calls/loops`, imports nothing.
pub(crate) fn alone() -> Vec<u8> {
    let counters = r"
        (func $new (param i32) (result i32)
          (i32.store (i32.const 4096) (local.get 0))
          i32.const 4096)
        (func $drop (param i32))
    ";
    component("alone", &format!("(module {LOOPS} {WORK} {counters})"))
}

fn component(world: &str, module: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).expect("the module is well-formed");
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("calls.wit", WIT)
        .expect("the WIT is well-formed");
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("the WIT has the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the metadata fits");
    let mut encoder = ComponentEncoder::default()
        .module(&module)
        .expect("the module has a world");
    encoder.encode().expect("the module implements its world")
}
