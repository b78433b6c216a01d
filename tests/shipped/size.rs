//! `wash size`, of files and of a project.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::plugins::Plugins;

/// A real component, as it is in the tree.
fn provider() -> String {
    let path = "providers/blobstore-filesystem.wasm";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    path.to_str().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_makes_a_component_big() {
    let plugins = Plugins::with("size");
    let file = provider();
    let size = fs::metadata(&file).unwrap().len();

    let all = plugins.done(&["size", &file]);
    for heading in ["By section", "By module", "By crate", "By function"] {
        assert!(all.contains(&format!("\n{heading}\n")), "{all}");
    }
    assert!(all.contains('█') && all.contains("  code\n"), "{all}");

    let one = plugins.done(&["size", &file, "--by", "crate", "--top", "2", "--ascii"]);
    let lines: Vec<&str> = one.lines().collect();
    assert_eq!(lines[2], "By crate");
    assert!(lines[3].contains(" ####################  "), "{one}");
    assert!(lines[5].contains("in ") && lines.len() == 6, "{one}");
    assert!(one.is_ascii(), "{one}");

    let json = plugins.done(&["size", &file, "--by", "function", "-o", "json"]);
    let found: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found["bytes"], size);
    let rows = found["by"]["function"].as_array().unwrap();
    let sum: u64 = rows.iter().map(|row| row["bytes"].as_u64().unwrap()).sum();
    assert_eq!(sum, size);
    let names = rows.iter().map(|row| row["name"].as_str().unwrap());
    let demangled = |name: &str| name.starts_with("blobstore_filesystem::");
    assert!(names.clone().any(demangled), "{json}");
    assert!(!names.clone().any(|name| name.starts_with("_ZN")), "{json}");

    let same = plugins.done(&["size", &file, "--diff", &file, "--by", "function"]);
    assert!(same.ends_with("By function\n  no change\n"), "{same}");
}

#[test]
fn a_project_is_measured_by_what_it_has_built() {
    let plugins = Plugins::with("size");
    let project = tempfile::tempdir().unwrap();
    let config = "name: app\nbuild:\n  command: 'true'\n  component_path: app.wasm\n";
    fs::create_dir(project.path().join(".wash")).unwrap();
    fs::write(project.path().join(".wash/config.yaml"), config).unwrap();
    let failed = plugins.run_in(project.path(), &["size"]);
    assert!(!failed.status.success());
    let message = text(&failed.stderr);
    assert!(
        message.contains("run `wash build`, or name the file"),
        "{message}"
    );

    fs::copy(provider(), project.path().join("app.wasm")).unwrap();
    let shown = plugins.run_in(project.path(), &["size", "--by", "section"]);
    let (stdout, stderr) = (text(&shown.stdout), text(&shown.stderr));
    assert!(stdout.starts_with("app.wasm: "), "{stdout}{stderr}");

    let nowhere = tempfile::tempdir().unwrap();
    let failed = plugins.run_in(nowhere.path(), &["size"]);
    let message = text(&failed.stderr);
    assert!(message.contains("`wash size FILE`"), "{message}");
}

#[test]
fn what_is_no_component_is_named() {
    let plugins = Plugins::with("size");
    let broken = plugins.data().join("broken.wasm");
    fs::write(&broken, "no wasm").unwrap();
    let failed = plugins.run_in(plugins.data(), &["size", "broken.wasm"]);
    assert_eq!(failed.status.code(), Some(1));
    let message = text(&failed.stderr);
    let expected =
        "error: the plugin `size` failed: `broken.wasm` is no WebAssembly that can be read: ";
    assert!(message.starts_with(expected), "{message}");
}
