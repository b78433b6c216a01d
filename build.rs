//! Lists the files in `templates/`, which `wash new` has in the binary, and finds out what `wash --version` tells.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=templates");
    let variable = |name| env::var_os(name).map(PathBuf::from).expect("cargo sets it");
    version(&variable("CARGO_MANIFEST_DIR"));
    let templates = variable("CARGO_MANIFEST_DIR").join("templates");
    let mut files = Vec::new();
    collect(&templates, &mut files)?;
    files.sort();

    let mut table = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&templates).unwrap_or(&file);
        let name = name.display().to_string().replace('\\', "/");
        // Not its absolute path: clones that are built into one folder share this table.
        let from = format!("/templates/{name}");
        let bytes = format!("include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {from:?}))");
        let line = writeln!(table, "    ({name:?}, {bytes}),");
        line.expect("a string takes any text");
    }
    table.push(']');
    fs::write(variable("OUT_DIR").join("templates.rs"), table)
}

/// A packaged crate has no repository, but a file with the commit that it was made of.
fn version(root: &Path) {
    let variable = |name| env::var(name).expect("cargo sets it");
    let commit = match variable("PROFILE").as_str() {
        "release" => commit_of_repository(root).or_else(|| commit_of_package(root)),
        _ => None,
    };
    let wasmtime = locked(root, "wasmtime");
    let target = variable("TARGET");
    let engine = wasmtime
        .as_ref()
        .map(|version| format!("wasmtime {version}"));
    let known: Vec<String> = [commit.clone(), engine, Some(target.clone())]
        .into_iter()
        .flatten()
        .collect();
    let version = format!("{} ({})", variable("CARGO_PKG_VERSION"), known.join(", "));
    for (name, value) in [
        ("COMMIT", commit),
        ("WASMTIME", wasmtime),
        ("TARGET", Some(target)),
        ("VERSION", Some(version)),
    ] {
        if let Some(value) = value {
            println!("cargo:rustc-env=WASH_BUILD_{name}={value}");
        }
    }
}

fn commit_of_repository(root: &Path) -> Option<String> {
    // Not a repository that happens to lie around an unpacked crate.
    if !root.join(".git").exists() {
        return None;
    }
    let git = |arguments: &[&str]| {
        let answer = Command::new("git")
            .args(arguments)
            .current_dir(root)
            .output()
            .ok()?;
        let text = String::from_utf8(answer.stdout).ok()?.trim().to_owned();
        (answer.status.success() && !text.is_empty()).then_some(text)
    };
    // It gets a line with each commit and each switch to another.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={}", root.join(log).display());
    }
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).map_or("", |_| "+");
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let date = git(&["show", "--no-patch", "--format=%cs", "HEAD"])?;
    Some(format!("{commit}{changed} {date}"))
}

fn commit_of_package(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = text.split_once("\"sha1\": \"")?;
    let commit = rest.split('"').next()?;
    Some(commit.get(..12)?.to_owned())
}

/// The version of a crate that is built in.
fn locked(root: &Path, name: &str) -> Option<String> {
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string(root.join("Cargo.lock")).ok()?;
    let (_, package) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    package.split('"').next().map(str::to_owned)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}
