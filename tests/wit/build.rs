//! `wash build` of a project whose `wit/deps` is missing, as in a fresh clone.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A real guest: `wit-bindgen` reads the packages from `wit/deps`.
#[test]
fn a_fresh_clone_is_built_without_fetching_from_a_network() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("requests");
    copy(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wit/requests")),
        &root,
    );
    let deps = root.join("wit/deps");
    assert!(!deps.exists());

    let unfetched = build(&root, &["--skip-fetch"]);
    assert!(!unfetched.status.success() && !deps.exists());
    built(&build(&root, &["--offline"]));
    for name in [
        "wasi-http-0.2.2",
        "wasi-keyvalue-0.2.0-draft",
        "wasi-io-0.2.2",
    ] {
        assert!(deps.join(name).join("package.wit").is_file(), "{name}");
    }
    let modified = |name: &str| fs::metadata(deps.join(name)).unwrap().modified().unwrap();
    let before = (modified("."), modified("wasi-http-0.2.2/package.wit"));
    built(&build(&root, &["--offline"]));
    let after = (modified("."), modified("wasi-http-0.2.2/package.wit"));
    assert_eq!(before, after, "what is right is not written again");
}

/// Everything but what was built or fetched.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        match path.is_dir() {
            _ if name == "target" || name == "deps" => {}
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}

fn build(root: &Path, flags: &[&str]) -> Output {
    let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
    wash.arg("build").args(flags).current_dir(root);
    wash.env(
        "CARGO_TARGET_DIR",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests"),
    );
    wash.env("XDG_CACHE_HOME", root.join("../cache"))
        .env("XDG_CONFIG_HOME", root.join("../config"));
    wash.output().unwrap()
}

fn built(output: &Output) {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
