//! The tools of JavaScript and Python, which `scripts/scripted-guests` installs.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As `npm install` would leave them in a project.
pub(crate) fn node_modules() -> PathBuf {
    tools("node-").join("node_modules")
}

/// The `PATH` of somebody whose environment for Python is active.
pub(crate) fn python_path() -> OsString {
    let mut path: OsString = tools("python-").join("bin").into();
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    path
}

/// The directory of that name in which the script has installed a language's tools.
fn tools(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("scripts/scripted-guests")).output();
    let output = output.expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let installed = String::from_utf8_lossy(&output.stdout).trim().to_string();
    let mut tools = fs::read_dir(installed).unwrap().flatten();
    let tools = tools.find(|entry| entry.file_name().to_string_lossy().starts_with(name));
    tools.expect("the tools are there").path()
}
