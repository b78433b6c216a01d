//! What `cargo publish` would publish is whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Cargo leaves out what lies in a crate inside a crate, without a word.
#[test]
fn every_file_that_is_compiled_in_is_packaged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo)
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listed = String::from_utf8(output.stdout).unwrap();
    let packaged: BTreeSet<&Path> = listed.lines().map(Path::new).collect();

    let mut sources = Vec::new();
    files(&root.join("src"), &mut sources);
    sources.push(root.join("build.rs"));
    // What the build script lists is compiled in as well.
    let mut needed = sources.clone();
    files(&root.join("templates"), &mut needed);
    files(&root.join("wit"), &mut needed);
    for source in &sources {
        let text = fs::read_to_string(source).unwrap_or_default();
        needed.extend(included(&text).map(|path| source.parent().unwrap().join(path)));
    }
    assert!(needed.len() > 300);
    for file in needed {
        let file = normal(&file);
        let file = file.strip_prefix(root).unwrap();
        assert!(
            packaged.contains(file),
            "{} is not packaged",
            file.display()
        );
    }
}

/// The paths in `include_str!("..")` and its like.
fn included(text: &str) -> impl Iterator<Item = &str> {
    let macros = ["include_str!(", "include_bytes!(", "include!("];
    macros.into_iter().flat_map(move |name| {
        let rest = text.split(name).skip(1);
        rest.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
    })
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}
