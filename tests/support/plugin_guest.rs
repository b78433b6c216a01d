//! Builds the plugins of `fixtures/plugins`.

use std::path::{Path, PathBuf};

#[path = "guest.rs"]
#[expect(dead_code, reason = "other tests have more use for it")]
mod guest;

/// The component of one of them.
pub(crate) fn plugin(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins/Cargo.toml");
    let status = guest::cargo()
        .args([
            "build",
            "--quiet",
            "--locked",
            "--release",
            "--package",
            name,
        ])
        .args(["--target", guest::TARGET, "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        .status()
        .unwrap();
    assert!(status.success(), "{name} can be built");
    let file = format!("{}.wasm", name.replace('-', "_"));
    target.join(guest::TARGET).join("release").join(file)
}
