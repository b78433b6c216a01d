//! Builds guests with whichever toolchain `scripts/guest-toolchain` left.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const TARGET: &str = "wasm32-wasip2";

/// A cargo command whose toolchain has the target.
pub(crate) fn cargo() -> Command {
    let mut cargo = tool("cargo");
    // Of the cargo that runs this test; the guest is another crate for another target.
    for name in [
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
    ] {
        cargo.env_remove(name);
    }
    cargo
}

/// A compiler that has the target.
pub(crate) fn rustc() -> Command {
    tool("rustc")
}

/// The version of the compiler: `1.95.0 (59807616e 2026-04-14)`.
pub(crate) fn rustc_version() -> String {
    let version = output(tool("rustc").arg("--version"));
    version.trim().trim_start_matches("rustc ").to_string()
}

fn tool(name: &str) -> Command {
    let mut tool = bare(name);
    if !has_target(bare("rustc")) {
        tool.env("RUSTUP_TOOLCHAIN", "wash-wasm");
        let mut rustc = bare("rustc");
        rustc.env("RUSTUP_TOOLCHAIN", "wash-wasm");
        assert!(
            has_target(rustc),
            "no toolchain has the target {TARGET}: run scripts/guest-toolchain"
        );
    }
    tool
}

fn bare(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC");
    command
}

fn has_target(mut rustc: Command) -> bool {
    let asked = rustc
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .expect("rustc runs");
    let libraries = PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim());
    asked.status.success() && Path::new(&libraries).is_dir()
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the tool runs");
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
