//! A small component that answers every request with the same text.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WIT: &str = include_str!("hello.wit");
const HELLO: &str = include_str!("hello.wat");

/// A component that answers with the text, and has so many functions more, which nobody calls: code to compile, about
/// 250 bytes each, as much as the functions of a component in Rust.
pub(crate) fn component(text: &str, functions: usize) -> Vec<u8> {
    assert!(
        text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' '),
        "needs no escapes: {text}"
    );
    let hello = HELLO
        .replace("TEXT", text)
        .replace("LENGTH", &text.len().to_string());
    let ballast: String = (0..functions).map(ballast).collect();
    let mut module =
        wat::parse_str(format!("(module {hello} {ballast})")).expect("the module is well-formed");
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("hello.wit", WIT)
        .expect("the WIT is well-formed");
    let world = resolve
        .select_world(&[package], Some("hello"))
        .expect("the WIT has the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the metadata fits");
    let mut encoder = ComponentEncoder::default()
        .module(&module)
        .expect("the module has a world");
    encoder.encode().expect("the module implements its world")
}

/// A function with branches, memory and calls, and not the same as any other.
fn ballast(index: usize) -> String {
    let steps: String = (0..12)
        .map(|step| {
            let (constant, offset) = (index * 31 + step * 7, (index * 13 + step * 29) % 2048);
            format!(
                "(if (i32.gt_u (local.get $x) (i32.const {constant}))
                   (then (i32.store offset={offset} (i32.const 8192) (local.get $x))
                     (local.set $y (i32.add (local.get $y) (i32.load offset={constant} (i32.const 0)))))
                   (else (local.set $x (i32.rotl (local.get $x) (i32.const {step})))))"
            )
        })
        .collect();
    let call = match index {
        0 => String::new(),
        _ => format!("(local.set $y (call $ballast{} (local.get $y)))", index - 1),
    };
    format!(
        "(func $ballast{index} (param $x i32) (result i32) (local $y i32) {steps} {call} (local.get $y))"
    )
}
