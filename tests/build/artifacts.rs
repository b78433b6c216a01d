//! What a build leaves behind: found, wrapped, or refused with a reason.

use wash::component::Shape;
use wash::report::Advice;

use crate::support::{Dir, Printed, build, component};

/// A preview-1 command as an old toolchain makes it.
const COMMAND: &str = r#"(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (i32.const 0))))"#;

#[tokio::test]
async fn a_core_module_becomes_a_component_beside_it() {
    let module = wat::parse_str(COMMAND).unwrap();
    let dir = Dir::shell("true").file("out.wasm", &module);
    let built = build(&dir, &Printed::default(), false).await.unwrap();
    assert_eq!(built.path, dir.path().join("out.component.wasm"));
    assert_eq!(std::fs::read(&built.path).unwrap(), *built.bytes);
    assert_eq!(
        std::fs::read(dir.path().join("out.wasm")).unwrap(),
        module,
        "the tool's own output stays"
    );
    assert!(Shape::parse(&built.bytes).unwrap().exports_run().is_some());

    // Nothing changed: the file keeps its time, so that nobody sees a change.
    let modified = || std::fs::metadata(&built.path).unwrap().modified().unwrap();
    let before = modified();
    build(&dir, &Printed::default(), false).await.unwrap();
    assert_eq!(modified(), before);
}

#[tokio::test]
async fn an_artifact_that_was_there_already_is_fine() {
    let dir = Dir::shell("true").file("out.wasm", component());
    build(&dir, &Printed::default(), false).await.unwrap();
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("empty", Vec::new(), "the file is empty"),
        ("text", b"hello".to_vec(), "this is not WebAssembly"),
        (
            "untyped",
            wat::parse_str(r#"(module (func (export "add")))"#).unwrap(),
            "this is a core module that does not say",
        ),
        (
            "broken",
            b"\0asm\x01\0\0\0\xff\xff".to_vec(),
            "this is a broken core module",
        ),
        (
            "future",
            b"\0asm\x99\0\0\0".to_vec(),
            "header of a version that does not exist",
        ),
    ];
    for (name, bytes, expected) in cases {
        let dir = Dir::shell("true").file("out.wasm", bytes);
        let error = build(&dir, &Printed::default(), false).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(!error.hints().is_empty(), "{name}: what to do about it");
    }
}

#[tokio::test]
async fn a_missing_artifact_is_an_error_that_names_what_was_written_instead() {
    let dir =
        Dir::shell("mkdir -p dist && cp made.bin dist/app.wasm").file("made.bin", component());
    let error = build(&dir, &Printed::default(), false).await.unwrap_err();
    let path = dir.path();
    assert_eq!(
        error.to_string(),
        format!(
            "the build succeeded, but there is no component at `{}`",
            path.join("out.wasm").display()
        )
    );
    assert!(
        error.hints()[0].contains(&format!("`{}`", path.join("dist/app.wasm").display())),
        "{:?}",
        error.hints()
    );
}

#[tokio::test]
async fn the_only_component_in_the_output_directories_is_taken() {
    let package = r#"{ "name": "hello", "scripts": { "build": "node build.mjs" } }"#;
    let dir = Dir::new()
        .file("package.json", package)
        .file(
            ".wash/config.json",
            r#"{ "build": { "typescript": { "custom_command": ["true"] } } }"#,
        )
        .file("dist/hello.wasm", component());
    let built = build(&dir, &Printed::default(), false).await.unwrap();
    assert_eq!(built.path, dir.path().join("dist/hello.wasm"));

    let dir = dir.file("out/other.wasm", component());
    let error = build(&dir, &Printed::default(), false).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot tell which file is the component"),
        "{error}"
    );
    assert!(
        error.hints()[0].contains("component_path: "),
        "{:?}",
        error.hints()
    );
}
