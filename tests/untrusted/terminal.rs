//! A terminal is not controlled by what a component, a project or a file's name says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::components;
use crate::components::HOSTILE;
use crate::screen::Terminal;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(path)
    }

    fn file(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn wash(&self, dir: &Path, arguments: &[&str]) -> Command {
        let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
        wash.args(arguments)
            .current_dir(dir)
            .env("HOME", self.path(""))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("WASH_OFFLINE", "1")
            .env_remove("NO_COLOR")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        wash
    }
}

/// What of a text a terminal would obey, but lines, tabs and the styles of ours.
fn controls(shown: &str) -> String {
    let mut found = String::new();
    let mut rest = shown;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\x1b[") {
            let end = after
                .find(|c: char| !matches!(c, '0'..='9' | ';'))
                .unwrap_or(after.len());
            let (parameters, tail) = after.split_at(end);
            if tail.starts_with('m') && !parameters.split(';').any(|p| p == "8") {
                rest = &tail[1..];
                continue;
            }
        }
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() && !matches!(c, '\n' | '\t')) || turns {
            found.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    found
}

#[track_caller]
fn check(place: &Place, dir: &Path, arguments: &[&str]) {
    let mut terminal = Terminal::new(&place.wash(dir, arguments));
    let (_, screen) = terminal.end();
    // A terminal ends its lines so.
    let screen = screen.replace("\r\n", "\n");
    assert!(!screen.trim().is_empty(), "{arguments:?}");
    assert_eq!(controls(&screen), "", "{arguments:?}: {screen:?}");
    check_lines(&screen, arguments);

    // Into pipes as well, and as JSON.
    for format in ["text", "json"] {
        let output = place
            .wash(dir, arguments)
            .args(["-o", format])
            .output()
            .unwrap();
        for stream in [output.stdout, output.stderr] {
            let text = String::from_utf8(stream).unwrap();
            assert_eq!(controls(&text), "", "{arguments:?} -o {format}: {text:?}");
            check_lines(&text, arguments);
        }
    }
}

/// What others wrote begins no line.
#[track_caller]
fn check_lines(shown: &str, arguments: &[&str]) {
    let mut lines = shown.lines().map(str::trim_start);
    assert!(
        !lines.any(|line| line.starts_with("fake line")),
        "{arguments:?}: {shown}"
    );
}

/// A session that cannot serve.
#[track_caller]
fn check_session(place: &Place, dir: &Path, arguments: &[&str]) {
    let mut command = place.wash(dir, arguments);
    let mut terminal = Terminal::new(command.args(["--address", "127.0.0.1:0"]));
    terminal.shows("answers 503").types("\x03");
    let (_, screen) = terminal.end();
    // What was typed is shown by the terminal itself.
    let screen = screen.replace("\r\n", "\n").replace("^C", "");
    assert_eq!(controls(&screen), "", "{arguments:?}: {screen:?}");
    check_lines(&screen, arguments);
}

#[test]
fn files_do_not_control_a_terminal() {
    let place = Place::new();
    let hostile_name = format!("e{}.wasm", HOSTILE.replace('/', ""));
    let files = [
        ("producers.wasm", components::producers()),
        ("import.wasm", components::import()),
        ("module.wasm", components::module()),
        (&hostile_name, components::producers()),
        ("text.wasm", HOSTILE.as_bytes().to_vec()),
    ];
    let dir = place.path("here");
    for (name, bytes) in &files {
        place.file(Path::new("here").join(name), bytes);
    }
    for (name, _) in &files {
        for line in [
            &["inspect"][..],
            &["inspect", "--plan"],
            &["inspect", "--wit"],
            &["inspect", "--why", "wasi:io"],
            &["call", "--list"],
            &["plugin", "install", "--yes"],
            &["plugin", "test"],
            &["oci", "push", "--insecure", "127.0.0.1:1/x:1"],
        ] {
            let line: Vec<&str> = line.iter().copied().chain([*name]).collect();
            check(&place, &dir, &line);
        }
    }
    check_session(&place, &dir, &["dev", "import.wasm"]);
    check_session(&place, &dir, &["dev", "text.wasm"]);
    check(&place, &dir, &["build", &format!("--{HOSTILE}")]);
    check(&place, &dir, &[&format!("x{HOSTILE}")]);
}

#[test]
fn a_project_does_not_control_a_terminal() {
    let place = Place::new();
    // As YAML and JSON write it.
    let escaped = |c: char| format!("\\u{:04x}", u32::from(c));
    let text: String = HOSTILE.chars().map(escaped).collect();
    let configs = [
        format!(
            "name: \"a{text}\"\nbuild: {{command: \"exit 1 # {text}\", component_path: \"{text}.wasm\"}}\n"
        ),
        format!("\"key{text}\": 1\nbuild: {{command: \"true\"}}\n"),
        format!(
            "build: {{command: \"true\"}}\ndev: {{address: \"{text}\", volumes: [{{host_path: \"d{text}\", guest_path: /d}}]}}\n"
        ),
        format!(
            "build: {{command: \"true\"}}\ndev: {{components: [{{name: \"n{text}\", file: \"f{text}.wasm\", imports: {{\"{text}\": \"{text}\"}}}}]}}\n"
        ),
        format!(
            "build: {{command: \"true\"}}\nworkload: {{config: {{\"{text}\": \"{text}\"}}, env_file: \"{text}\"}}\n"
        ),
        format!(
            "build: {{command: \"true\"}}\nwit: {{sources: {{\"a:b\": \"https://{text}\"}}}}\n"
        ),
        format!("{0}: {0}\n", HOSTILE.replace(['\r', '\n'], "")),
        format!("\"{text}\": \"{text}\"\nwit: {{wit_dir: \"{text}\"}}\n"),
    ];
    for (index, config) in configs.iter().enumerate() {
        let dir = place.path(format!("app{index}"));
        place.file(dir.join(".wash/config.yaml"), config);
        place.file(
            dir.join("wit/world.wit"),
            "package a:b;\nworld w { import c:d/e@1.0.0; }\n",
        );
        for line in [
            &["config", "validate"][..],
            &["config", "show"],
            &["config", "info"],
            &["doctor"],
            &["build", "--skip-fetch"],
            &["inspect"],
            &["inspect", "--plan"],
            &["wit", "check"],
            &["wit", "fetch"],
            &["dev", "reset"],
        ] {
            check(&place, &dir, line);
        }
        if index == 0 {
            check_session(&place, &dir, &["dev"]);
        }
    }
    for (file, manifest) in [
        ("Cargo.toml", format!("[package]\nname = \"a{text}\"\n")),
        (
            "package.json",
            format!("{{\"name\": \"a{text}\", \"scripts\": {{\"x\": \"{text}\"}}}}"),
        ),
        (
            "wit/world.wit",
            format!("package a:b;\n/// {HOSTILE}\nworld w {{ {HOSTILE} }}\n"),
        ),
    ] {
        let dir = place.path(format!("of-{}", file.replace('/', "-")));
        place.file(dir.join(file), manifest);
        for line in [
            &["config", "info"][..],
            &["doctor"],
            &["config", "init"],
            &["wit", "check"],
        ] {
            check(&place, &dir, line);
        }
    }
    let dir = place.path(format!("dir{}", HOSTILE.replace('/', "")));
    place.file(
        dir.join(".wash/config.yaml"),
        "build: {command: \"true\"}\n",
    );
    for line in [
        &["config", "info"][..],
        &["config", "validate"],
        &["doctor"],
        &["build"],
    ] {
        check(&place, &dir, line);
    }
}
