//! Proves that the components that ship inside `wash` come from the sources in the tree.
//!
//! The artifact must be the one that `scripts/build-providers` wrote down for these very sources. They are then built
//! again: by a compiler that is on record, the result must be byte for byte what it was; by any other, it must at least
//! be a component that imports and exports the same interfaces.

#[path = "support/guest.rs"]
#[expect(dead_code, reason = "tests/graphs uses the rest")]
mod guest;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use wash::provider;
use wash::provider::Provider;
use wash_component::{Extern, Shape};

/// `artifact.toml`
#[derive(Deserialize)]
struct Record {
    sources: String,
    rustc: String,
    artifact: BTreeMap<String, String>,
}

#[test]
fn artifacts_come_from_their_sources() {
    assert!(!provider::shipped().is_empty());
    for provider in provider::shipped() {
        check(provider);
    }
}

fn check(provider: &Provider) {
    let name = provider.name;
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("plugins")
        .join(name);
    let record = fs::read_to_string(crate_dir.join("artifact.toml")).unwrap();
    let record: Record = toml::from_str(&record).unwrap();

    assert_eq!(
        record.sources,
        hash_of_sources(&crate_dir),
        "the sources of {name} have changed: run scripts/build-providers"
    );
    assert_eq!(
        record.artifact[&record.rustc],
        sha256(provider.bytes),
        "{name}.wasm is not what scripts/build-providers built"
    );

    let rebuilt = rebuild(&crate_dir, name);
    match record.artifact.get(&guest::rustc_version()) {
        Some(expected) => assert_eq!(
            *expected,
            sha256(&rebuilt),
            "{name} is built differently now"
        ),
        None => assert_eq!(interfaces(provider.bytes), interfaces(&rebuilt), "{name}"),
    }
}

fn rebuild(crate_dir: &Path, name: &str) -> Vec<u8> {
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("providers");
    let status = guest::cargo()
        .args([
            "build",
            "--locked",
            "--release",
            "--target",
            guest::TARGET,
            "--target-dir",
        ])
        .arg(&target_dir)
        .current_dir(crate_dir)
        .status()
        .unwrap();
    assert!(status.success(), "{name} does not build: {status}");
    let file = format!("{}.wasm", name.replace('-', "_"));
    fs::read(target_dir.join(guest::TARGET).join("release").join(file)).unwrap()
}

/// As `sha256sum` prints it for each file, hashed once more.
fn hash_of_sources(crate_dir: &Path) -> String {
    let mut files = vec![PathBuf::from("Cargo.lock"), PathBuf::from("Cargo.toml")];
    walk(crate_dir, Path::new("src"), &mut files);
    walk(crate_dir, Path::new("wit"), &mut files);
    let mut names: Vec<String> = files
        .iter()
        .map(|file| file.to_str().unwrap().to_string())
        .collect();
    names.sort();
    let lines = names.iter().map(|name| {
        format!(
            "{}  {name}\n",
            sha256(&fs::read(crate_dir.join(name)).unwrap())
        )
    });
    sha256(lines.collect::<String>().as_bytes())
}

fn walk(root: &Path, dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root.join(dir)).unwrap() {
        let entry = entry.unwrap();
        let path = dir.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => walk(root, &path, files),
            false => files.push(path),
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The names of all interfaces, imports and exports. Which patch of WASI 0.2 is imported depends on the toolchain.
fn interfaces(bytes: &[u8]) -> BTreeSet<String> {
    let shape = Shape::parse(bytes).expect("a component");
    let name = |(name, item): (&String, &Extern)| {
        let interface = item.interface.as_ref();
        interface.map_or(name.clone(), |interface| interface.path())
    };
    let imports = shape
        .imports
        .iter()
        .map(|item| format!("import {}", name(item)));
    let exports = shape
        .exports
        .iter()
        .map(|item| format!("export {}", name(item)));
    imports.chain(exports).collect()
}
