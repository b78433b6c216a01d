//! `wash build` of a project whose `wit/deps` is missing, as in a fresh clone.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A real guest: `wit-bindgen` reads the packages from `wit/deps`.
#[test]
fn a_fresh_clone_is_built_without_a_network() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/blobby");
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("blobby");
    copy(&fixture, &root);
    assert!(!root.join("wit/deps").exists());
    let mut wash = wash(&root, temp.path());
    let output = wash.args(["build", "--offline"]).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let deps = root.join("wit/deps");
    let modified = |name: &str| fs::metadata(deps.join(name)).unwrap().modified().unwrap();
    for name in [
        "wasi-http-0.2.0",
        "wasi-blobstore-0.2.0-draft",
        "wasi-io-0.2.1",
        "wasi-io-0.2.0",
    ] {
        assert!(deps.join(name).join("package.wit").is_file(), "{name}");
    }
    let before = (modified("."), modified("wasi-http-0.2.0/package.wit"));
    let again = self::wash(&root, temp.path())
        .args(["build", "--offline"])
        .output()
        .unwrap();
    assert!(again.status.success());
    assert_eq!(
        before,
        (modified("."), modified("wasi-http-0.2.0/package.wit")),
        "what is right is not written again"
    );
}

/// Everything but what was built, and `deps`.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        let left_out =
            name == "target" || name == "deps" || name == ".wash" && path.join("state").exists();
        match path.is_dir() {
            _ if left_out => {}
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}

fn wash(root: &Path, home: &Path) -> Command {
    let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
    wash.current_dir(root)
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_CONFIG_HOME", home.join("config"));
    wash
}
