//! The examples do what they say.

use std::path::PathBuf;
use std::process::Command;

/// What an example prints. Cargo has built it beside the tests.
fn run(example: &str, arguments: &[&str]) -> String {
    let test = std::env::current_exe().expect("a test has a file");
    let profile = test.parent().and_then(|deps| deps.parent());
    let file = profile
        .expect("it is in `deps`")
        .join("examples")
        .join(example);
    let output = Command::new(file).args(arguments).output();
    let output = output.expect("the example is built");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_component_is_called() {
    let adder = r#"
        (component
            (core module $m (func (export "add") (param i32 i32) (result i32)
                (i32.add (local.get 0) (local.get 1))))
            (core instance $i (instantiate $m))
            (func (export "add") (param "a" s32) (param "b" s32) (result s32)
                (canon lift (core func $i "add"))))
    "#;
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("adder.wasm");
    let bytes = wat::parse_str(adder).expect("the text is right");
    std::fs::write(&file, bytes).expect("the file can be written");
    let file = file.to_string_lossy();
    assert_eq!(run("call", &[&file, "add(1, 2)"]), "3\n");
}

#[test]
fn a_host_has_a_capability_of_its_own() {
    assert_eq!(run("own_capability", &[]), "20\n");
}
