//! What `cargo publish` would publish is whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Cargo leaves out what lies in a crate inside a crate, without a word.
#[test]
fn every_file_that_is_compiled_in_is_packaged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = check("wash", root, &["build.rs", "templates"]);
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_str().unwrap();
        let besides: &[&str] = match name {
            "wash-fetch" => &["wit"],
            _ => &[],
        };
        count += check(name, &dir, besides);
    }
    assert!(count > 300, "{count}");
}

/// Looks for the files of one package: its sources, what these include, and what lies in `besides`. Returns how many there are.
fn check(package: &str, root: &Path, besides: &[&str]) -> usize {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo)
        .args(["package", "--list", "--allow-dirty", "--offline", "-p"])
        .arg(package)
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
    let mut needed = sources.clone();
    for other in besides {
        match root.join(other) {
            dir if dir.is_dir() => files(&dir, &mut needed),
            file => {
                needed.push(file.clone());
                sources.push(file);
            }
        }
    }
    for source in &sources {
        let text = fs::read_to_string(source).unwrap_or_default();
        needed.extend(included(&text).map(|path| source.parent().unwrap().join(path)));
    }
    for file in &needed {
        let file = normal(file);
        let file = file.strip_prefix(root).unwrap();
        assert!(
            packaged.contains(file),
            "{} of {package} is not packaged",
            file.display()
        );
    }
    needed.len()
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
