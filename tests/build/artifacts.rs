//! What a build leaves behind: found, wrapped, or refused with a reason.

use wash_common::advice::Advice;
use wash_component::Shape;

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
            "this is a core module without component type information",
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
            "the build succeeded, but wrote no component to `{}`",
            path.join("out.wasm").display()
        )
    );
    assert!(
        error.hints()[0].contains("`dist/app.wasm`"),
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
            .starts_with("cannot determine which file is the component"),
        "{error}"
    );
    assert!(
        error.hints()[0].contains("component_path: "),
        "{:?}",
        error.hints()
    );
}

/// A component that is there already, and is not the one that was built.
#[tokio::test]
async fn a_component_that_the_build_did_not_write_is_told() {
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(100);
    let age = |dir: &Dir, path: &str| {
        let file = std::fs::File::options()
            .write(true)
            .open(dir.path().join(path));
        file.unwrap().set_modified(old).unwrap();
    };
    let dir = Dir::shell("mkdir -p dist && cp made.bin dist/app.wasm")
        .file("made.bin", component())
        .file("out.wasm", component());
    age(&dir, "out.wasm");
    let printed = Printed::default();
    build(&dir, &printed, false).await.unwrap();
    let text = printed.text();
    assert!(
        text.contains("warning: the build did not update `out.wasm`")
            && text.contains("`dist/app.wasm`"),
        "{text}"
    );

    // What nothing had to be done for is fine.
    let dir = Dir::shell("true").file("out.wasm", component());
    age(&dir, "out.wasm");
    let printed = Printed::default();
    build(&dir, &printed, false).await.unwrap();
    assert_eq!(printed.text(), "");
}

/// `wash dev` makes debug builds, `wash build` release builds: a path into the folder of one is that of an old file for the other.
#[test]
fn the_folder_of_the_other_profile_is_told() {
    let dir = Dir::cargo("fn main() {}");
    let said = |dir: &Dir, args: &[&str]| {
        let output = dir.wash(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        crate::support::stderr(&output)
    };
    let config = |profile: &str| {
        format!("build:\n  component_path: target/wasm32-wasip2/{profile}/hello.wasm\n")
    };
    said(&dir, &["build"]);
    let dir = dir.file(".wash/config.yaml", config("release"));
    let text = said(&dir, &["build"]);
    assert!(!text.contains("warning: the build"), "{text}");
    let text = said(&dir, &["inspect"]);
    assert!(
        text.contains("the build did not update `target/wasm32-wasip2/release/hello.wasm`")
            && text.contains("it wrote `target/wasm32-wasip2/debug/hello.wasm`")
            && text.contains("build.rust.release: true"),
        "{text}"
    );
    let dir = dir.file(".wash/config.yaml", config("debug"));
    let text = said(&dir, &["build"]);
    assert!(
        text.contains("the build did not update `target/wasm32-wasip2/debug/hello.wasm`")
            && text.contains("build.rust.release: false"),
        "{text}"
    );
}

/// The hint, put into the config, leads to the component.
#[test]
fn of_several_binaries_one_is_chosen_by_a_flag() {
    let dir = Dir::cargo("fn main() {}").file("src/bin/two.rs", "fn main() {}");
    let output = dir.wash(&["build"]).output().unwrap();
    let text = crate::support::stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let (_, hint) = text
        .split_once("\n\nbuild:\n")
        .unwrap_or_else(|| panic!("{text}"));
    assert!(!hint.contains(&*dir.path().to_string_lossy()), "{hint}");
    assert!(hint.contains("cargo_flags: [\"--bin\", \"two\"]"), "{hint}");
    let dir = dir.file(".wash/config.yaml", format!("build:\n{hint}"));
    let output = dir.wash(&["build"]).output().unwrap();
    let text = crate::support::stdout(&output);
    assert!(text.contains("release/two.wasm"), "{text}{output:?}");
}
