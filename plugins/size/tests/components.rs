//! Real components, measured.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use size::chart::{self, Style};
use size::json;
use size::measure::{COMPONENT, Measured, measure};
use size::rows::{By, rows};

fn provider() -> Vec<u8> {
    let path = "../../providers/blobstore-filesystem.wasm";
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn sum(measured: &Measured, by: By) -> u64 {
    rows(measured, by).iter().map(|row| row.bytes).sum()
}

fn row(measured: &Measured, by: By, name: &str) -> u64 {
    let rows = rows(measured, by);
    let row = rows.iter().find(|row| row.name == name);
    row.unwrap_or_else(|| panic!("no `{name}` in {rows:#?}"))
        .bytes
}

#[test]
fn each_byte_is_counted_once_whatever_it_is_counted_by() {
    let bytes = provider();
    let measured = measure(&bytes).unwrap();
    assert_eq!(measured.bytes, bytes.len() as u64);
    for by in By::ALL {
        assert_eq!(sum(&measured, by), measured.bytes, "{by:?}");
    }
    assert!(row(&measured, By::Module, COMPONENT) > 0);
    let code = row(&measured, By::Section, "code");
    assert!(code > measured.bytes / 4 && code < measured.bytes);
    // It is its own crate that most of its functions are from, or that of the library.
    assert!(row(&measured, By::Crate, "blobstore_filesystem") > 1000);
    assert!(row(&measured, By::Crate, "alloc") > 100);
}

#[test]
fn functions_and_segments_have_their_names_and_sizes() {
    let module = wat::parse_str(
        r#"(module $thing
            (import "env" "imported" (func $imported))
            (memory 1)
            (func $named (result i32) i32.const 100000)
            (func (export "shown") (result i32) i32.const 1)
            (func)
            (data $text (i32.const 0) "0123456789")
            (data "abc"))"#,
    )
    .unwrap();
    let measured = measure(&module).unwrap();
    assert_eq!(measured.modules[1], "thing");
    assert_eq!(row(&measured, By::Module, "thing"), module.len() as u64);
    // Its length, no locals, `i32.const` with three bytes, `end`; before the first function, how many there are.
    assert_eq!(row(&measured, By::Function, "named"), 1 + 1 + 4 + 1 + 1);
    assert_eq!(row(&measured, By::Function, "shown"), 1 + 1 + 2 + 1);
    assert_eq!(row(&measured, By::Function, "function 3"), 3);
    assert_eq!(row(&measured, By::Function, "[data] segment 1"), 2 + 3);
    assert!(row(&measured, By::Function, "[data] text") > 10);
    assert!(row(&measured, By::Section, "custom section \"name\"") > 10);
}

#[test]
fn modules_of_the_same_name_are_told_apart() {
    let component = wat::parse_str(
        "(component (core module $m (func)) (core module $m2 (func)) (component (core module $m (func))))",
    )
    .unwrap();
    let names = measure(&component).unwrap().modules;
    assert_eq!(names[0], COMPONENT);
    assert_eq!(names.len(), 4);
    let unique: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), 4, "{names:?}");
}

#[test]
fn what_is_no_webassembly_is_refused() {
    let whole = provider();
    for bytes in [
        &b""[..],
        b"no wasm",
        &whole[..whole.len() / 2],
        b"\0asm\x01\0\0\0\x01",
    ] {
        assert!(measure(bytes).is_err());
    }
    // Damage is an error or another measure, never a panic, and no byte is lost.
    for position in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x55;
        if let Ok(measured) = measure(&damaged) {
            assert_eq!(sum(&measured, By::Function), measured.bytes, "{position}");
        }
    }
}

#[test]
fn twenty_megabytes_take_moments() {
    // Functions with long names.
    let mut text = String::from("(module");
    for number in 0..20_000 {
        let name = "x".repeat(1000);
        text += &format!("(func $core::{name}{number} (result i64) i64.const 1234567890123)");
    }
    text += ")";
    let module = wat::parse_str(&text).unwrap();
    assert!(module.len() > 20_000_000);
    let begin = Instant::now();
    let measured = measure(&module).unwrap();
    let style = Style {
        ascii: false,
        columns: Some(80),
        top: 8,
    };
    let text = chart::show("big.wasm", &measured, &By::ALL, &style);
    assert!(text.contains("core (20000 functions)"), "{text}");
    // Very much longer than it takes, so that only something quadratic fails.
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn programs_get_every_row() {
    let measured = measure(&provider()).unwrap();
    let found: serde_json::Value =
        serde_json::from_str(&json::show("a", &measured, &By::ALL, None)).unwrap();
    assert_eq!(found["bytes"], measured.bytes);
    let rows_of = found["by"]["function"].as_array().unwrap();
    assert_eq!(rows_of.len(), rows(&measured, By::Function).len());
    let changes = json::show_changes(("a", "b"), &measured, &measured, &[By::Crate], None);
    let changes: serde_json::Value = serde_json::from_str(&changes).unwrap();
    assert_eq!(changes["by"]["crate"], serde_json::json!([]));
}
