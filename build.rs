//! Lists the files in `templates/`, which `wash new` has in the binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=templates");
    let variable = |name| env::var_os(name).map(PathBuf::from).expect("cargo sets it");
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
