//! Paths are bytes: one that is not UTF-8 is a path like any other.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::components;

const CONFIG: &str = "build: {command: \"true\", component_path: a.wasm}\n\
    dev: {address: \"127.0.0.1:0\", volumes: [{host_path: data, guest_path: /d}]}\n";

fn odd(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}

fn wash(dir: &Path, home: &Path, line: &[OsString]) -> Output {
    let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
    wash.args(line)
        .current_dir(dir)
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("SHELL", "/bin/bash")
        .env("WASH_OFFLINE", "1")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    wash.output().unwrap()
}

fn project(dir: &Path) {
    for path in [".wash", "data", ".wash/state/blobs", "wit"] {
        fs::create_dir_all(dir.join(path)).unwrap();
    }
    fs::write(dir.join(".wash/config.yaml"), CONFIG).unwrap();
    fs::write(dir.join("a.wasm"), components::plain()).unwrap();
    fs::write(dir.join(odd(b"bad\xff.wasm")), components::plain()).unwrap();
    fs::write(dir.join("wit/world.wit"), "package a:b;\nworld w {}\n").unwrap();
}

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace()
        .map(|word| {
            OsString::from_vec(
                word.replace("\\xff", "\u{1}")
                    .bytes()
                    .map(|b| if b == 1 { 0xff } else { b })
                    .collect(),
            )
        })
        .collect()
}

/// Every command, with what it needs to get to its end. The second says that it may only fail.
const LINES: &[(&str, bool)] = &[
    ("build", true),
    ("build --compose", true),
    ("build --compose -o out.wasm", true),
    ("build --compose -o out\\xff.wasm", true),
    ("call --list", true),
    ("call f", true),
    ("call bad\\xff.wasm f", true),
    ("call a.wasm f\\xff", false),
    ("completion bash", true),
    ("completion install bash --dry-run", true),
    ("completion uninstall bash --dry-run", true),
    ("completion --check bash", false),
    ("config init", false),
    ("config init --force", true),
    ("config init --user", true),
    ("config show", true),
    ("config show --config bad\\xff.yaml", false),
    ("config validate", true),
    ("config validate .wash/config.yaml", true),
    ("config info", true),
    ("config cleanup --dry-run --all", true),
    ("config cleanup --yes", true),
    ("config schema", true),
    ("dev bad\\xff", false),
    ("dev reset --yes", true),
    ("dev reset --yes", true),
    ("doctor", true),
    ("inspect", true),
    ("inspect bad\\xff.wasm", true),
    ("inspect --plan", true),
    ("inspect --plan a.wasm bad\\xff.wasm", true),
    ("inspect --wit", true),
    ("inspect --graph dot", true),
    ("inspect --graph plan\\xff.svg", true),
    ("new --list", true),
    ("new made --template http", true),
    ("oci push --insecure 127.0.0.1:1/x:1 bad\\xff.wasm", false),
    ("oci pull --insecure 127.0.0.1:1/x:1 out\\xff.wasm", false),
    ("plugin install bad\\xff.wasm --yes", true),
    ("plugin list", true),
    ("plugin show bad", false),
    ("plugin test bad\\xff.wasm", true),
    ("plugin upgrade", true),
    ("plugin allow bad --dir data", false),
    ("plugin uninstall bad", false),
    ("wit check", true),
    ("wit fetch", true),
    ("wit tree", true),
    ("wit build", true),
    ("wit build -o wit\\xff.wasm", true),
    ("-C . config info", true),
    ("-C nowhere\\xff config info", false),
];

fn check(dir: &Path, home: &Path) {
    project(dir);
    fs::create_dir_all(home).unwrap();
    for (line, works) in LINES {
        for format in [None, Some("json")] {
            let mut words = words(line);
            if let Some(format) = format {
                if line.contains(" -o ") || line.contains("--graph dot") {
                    continue;
                }
                words.splice(0..0, ["-o".into(), OsString::from(format)]);
                // It is there by now.
                if line.starts_with("new made") {
                    words[3] = "again".into();
                }
            }
            let output = wash(dir, home, &words);
            let stderr = String::from_utf8_lossy(&output.stderr);
            let stdout = String::from_utf8_lossy(&output.stdout);
            let told = format!("wash {line} ({format:?}): {stdout}{stderr}");
            assert!(!stderr.contains("bug in wash"), "{told}");
            assert!(matches!(output.status.code(), Some(0..=4)), "{told}");
            if *works {
                assert_ne!(output.status.code(), Some(2), "{told}");
            }
            if format.is_some() && !output.stdout.is_empty() {
                serde_json::from_slice::<serde_json::Value>(&output.stdout).expect(&told);
            }
        }
    }
}

fn place(temp: &TempDir) -> PathBuf {
    temp.path().canonicalize().unwrap()
}

#[test]
fn a_project_may_lie_anywhere() {
    let temp = tempfile::tempdir().unwrap();
    check(
        &place(&temp).join(odd(b"b\xff")),
        &place(&temp).join("home"),
    );
}

#[test]
fn a_home_may_lie_anywhere() {
    let temp = tempfile::tempdir().unwrap();
    check(&place(&temp).join("app"), &place(&temp).join(odd(b"h\xff")));
}

/// What must be text and is not is named, with the value as one can read it.
#[test]
fn arguments_and_variables_that_are_no_text_are_named() {
    let temp = tempfile::tempdir().unwrap();
    let (dir, home) = (place(&temp).join("app"), place(&temp).join("home"));
    project(&dir);
    fs::create_dir_all(&home).unwrap();
    for (line, named) in [
        ("new b\\xff", "'b\\xff' for '[NAME"),
        ("new x --name b\\xff", "'b\\xff' for '--name <NAME>'"),
        ("plugin allow my --dir b\\xff", "'b\\xff' for '--dir"),
        ("call --config=k=\\xff f", "for '--config"),
    ] {
        let output = wash(&dir, &home, &words(line));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains(named), "{line}: {stderr}");
    }
    for name in [
        "WASH_DEV__ADDRESS",
        "WASH_OFFLINE",
        "WASH_OCI_PASSWORD",
        "WASH_HOOK_TIMEOUT",
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
        command
            .args(["wit", "check"])
            .current_dir(&dir)
            .env("HOME", &home)
            .env("WASH_OCI_USER", "me")
            .env(name, odd(b"b\xff"));
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
        assert!(stderr.contains(&format!("`{name}`")), "{name}: {stderr}");
        assert!(!stderr.contains("is set without"), "{name}: {stderr}");
    }
}
