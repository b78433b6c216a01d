//! `wash wit` as users run it: one case a file in `tests/wit/cases`.
//!
//! A case starts with what it shows, then the commands as `$ COMMAND`, then the files of the project as `-- PATH --` and
//! their text. The project is a directory `app` with room for others beside it; `../config` is the user's config directory.
//! What is expected follows `-- expected --`; `BLESS=1 cargo test --test wit` writes it. No case needs a network.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod build;
mod exchange;
#[path = "../support/registry.rs"]
#[allow(
    dead_code,
    reason = "no login, no TLS and not every trouble is needed here"
)]
mod registry;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

#[path = "../support/cases.rs"]
mod case_files;

#[test]
fn cases() {
    case_files::all("tests/wit/cases", run);
}

fn run(input: &str) -> String {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().canonicalize().unwrap();
    let root = base.join("app");
    fs::create_dir(&root).unwrap();
    let (head, files) = input.split_at(input.find("\n-- ").map_or(input.len(), |start| start + 1));
    for file in files.split("\n-- ").filter(|file| !file.trim().is_empty()) {
        let file = file.trim_start_matches("-- ");
        let (path, text) = file
            .split_once(" --\n")
            .unwrap_or((file.trim_end_matches(" --"), ""));
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = text.replace("<CR>", "\r");
        fs::write(
            path,
            if text.ends_with('\n') || text.is_empty() {
                text
            } else {
                text + "\n"
            },
        )
        .unwrap();
    }
    let mut transcript = String::new();
    for command in head.lines().filter_map(|line| line.strip_prefix("$ ")) {
        writeln!(transcript, "$ {command}").unwrap();
        transcript += &redact(&shell(command, &root, &base), &base);
    }
    transcript
}

/// stdout, then stderr, then the exit code if it is not 0.
fn shell(command: &str, root: &Path, base: &Path) -> String {
    let wash = Path::new(env!("CARGO_BIN_EXE_wash"))
        .parent()
        .unwrap()
        .to_owned();
    let path = format!("{}:{}", wash.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .current_dir(root)
        .env("PATH", path);
    for name in [
        "RUST_LOG",
        "WASH_OFFLINE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
    ] {
        shell.env_remove(name);
    }
    shell
        .env("HOME", base)
        .env("XDG_CONFIG_HOME", base.join("config"))
        .env("XDG_CACHE_HOME", base.join("cache"));
    let output = shell.output().unwrap();
    let mut text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    if !output.status.success() {
        writeln!(text, "exit {}", output.status.code().unwrap()).unwrap();
    }
    text
}

/// Digests of what is built here depend on the version of `wash`, and paths on the machine.
fn redact(text: &str, base: &Path) -> String {
    let text = text.replace(&base.display().to_string(), "BASE");
    let mut parts = text.split("sha256:");
    let mut redacted = parts.next().unwrap().to_string();
    for part in parts {
        redacted += "sha256:DIGEST";
        redacted += &part[64..];
    }
    redacted
}
