//! Cases that are commands: what a shell prints in a project of the case's own.
//!
//! A case starts with what it shows, then the commands as `$ COMMAND`, then the files of the project as `-- PATH --` and
//! their text; `NAME.wat` also makes `NAME.wasm`. The project is a directory `app` with room for others beside it; `../config`
//! is the user's config directory. Of each command stdout is shown, then stderr with `! ` before every line, then the exit
//! code if it is not 0. What differs between runs and machines is replaced: `BASE`, `DIGEST`, `VERSION`, `TIME`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Taken away from the environment: settings of whoever runs the tests.
const SETTINGS: [&str; 15] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "DOCKER_CONFIG",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "RUSTFLAGS",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "WASH_OFFLINE",
    "http_proxy",
    "https_proxy",
];

pub(crate) fn run(input: &str) -> String {
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
        write(&root.join(path), text);
    }
    let mut transcript = String::new();
    for command in head.lines().filter_map(|line| line.strip_prefix("$ ")) {
        writeln!(transcript, "$ {command}").unwrap();
        transcript += &redact(&shell(command, &root, &base), &base);
    }
    transcript
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut text = text.replace("<CR>", "\r");
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    fs::write(path, &text).unwrap();
    if path.extension().is_some_and(|extension| extension == "wat") {
        let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        fs::write(path.with_extension("wasm"), bytes).unwrap();
    }
}

fn shell(command: &str, root: &Path, base: &Path) -> String {
    let wash = Path::new(env!("CARGO_BIN_EXE_wash")).parent().unwrap();
    let path = format!("{}:{}", wash.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .current_dir(root)
        .stdin(Stdio::null())
        .env("PATH", path);
    for name in SETTINGS {
        shell.env_remove(name);
    }
    shell
        .env("HOME", base)
        .env("XDG_CONFIG_HOME", base.join("config"))
        .env("XDG_CACHE_HOME", base.join("cache"))
        .env("XDG_DATA_HOME", base.join("data"));
    let output = shell.output().unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        writeln!(text, "{}", format!("! {line}").trim_end()).unwrap();
    }
    if !output.status.success() {
        writeln!(text, "exit {}", output.status.code().unwrap()).unwrap();
    }
    text
}

fn redact(text: &str, base: &Path) -> String {
    let text = text
        .replace(&base.display().to_string(), "BASE")
        .replace(concat!("wash ", env!("CARGO_PKG_VERSION")), "wash VERSION");
    let text = digests(&text);
    let text = between(&text, "\"elapsed_ms\": ", "");
    between(&between(&text, ", ", " ms)"), ", ", " s)")
}

/// Digests of what is built here depend on the version of `wash`.
fn digests(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let mut redacted = parts.next().unwrap().to_string();
    for part in parts {
        redacted += "sha256:DIGEST";
        redacted += &part[64..];
    }
    redacted
}

/// Replaces the numbers between these by `TIME`.
fn between(text: &str, before: &str, after: &str) -> String {
    let mut parts = text.split(before);
    let mut redacted = parts.next().unwrap().to_string();
    for part in parts {
        let number = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let is_time = number.len() < part.len() && number.starts_with(after);
        let time = if is_time { "TIME" } else { "" };
        redacted += &format!("{before}{time}{}", if is_time { number } else { part });
    }
    redacted
}
