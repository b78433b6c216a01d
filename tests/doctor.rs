//! `wash doctor` and `wash config cleanup` where others have what they look at: ports, and caches in use.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/terminal.rs"]
mod terminal;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use terminal::Terminal;

/// A project, and folders of the user's that are empty.
struct Home(TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.file("app/.wash/config.yaml", config);
        home
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(path)
    }

    fn file(&self, path: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn wash(&self, arguments: &[&str]) -> Command {
        let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
        wash.args(arguments)
            .current_dir(self.path("app"))
            .env("HOME", self.path(""))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env_remove("DOCKER_CONFIG")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        wash
    }

    fn terminal(&self, arguments: &[&str]) -> Terminal {
        Terminal::new(&self.wash(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.wash(arguments).args(["-o", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The level and the message of each finding about ports.
    fn ports(&self) -> Vec<(String, String)> {
        let json = self.json(&["doctor"]);
        let findings = json["data"]["findings"].as_array().unwrap().iter();
        let ports = findings.filter(|finding| finding["area"] == "ports");
        let text = |value: &Value| value.as_str().unwrap().to_string();
        ports
            .map(|finding| (text(&finding["level"]), text(&finding["message"])))
            .collect()
    }
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn me() -> String {
    format!("(pid {})", std::process::id())
}

#[test]
fn a_port_that_was_asked_for_and_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let home = Home::new(&format!(
        "build: {{command: \"true\"}}\ndev: {{address: \"127.0.0.1:{port}\"}}\n"
    ));
    let [(level, message)] = home.ports().try_into().unwrap();
    assert_eq!(level, "error");
    assert!(message.contains("is in use by"), "{message}");
    assert!(message.ends_with(&me()), "{message}");
    let status = home.wash(&["doctor", "-q"]).output().unwrap().status;
    assert_eq!(status.code(), Some(1));

    drop(taken);
    let [(level, _)] = home.ports().try_into().unwrap();
    assert_eq!(level, "fine");
    let status = home.wash(&["doctor"]).output().unwrap().status;
    assert_eq!(status.code(), Some(0));
}

#[test]
fn published_ports_are_looked_at_as_well() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let [tcp_port, udp_port] = [tcp.local_addr(), udp.local_addr()].map(|a| a.unwrap().port());
    let home = Home::new(&format!(
        "build: {{command: \"true\"}}\n\
         dev:\n  address: \"127.0.0.1:0\"\n  service: true\n  service_ports:\n  \
         - {{port: 1, publish: {tcp_port}}}\n  - {{port: 1, protocol: UDP, publish: {udp_port}}}\n"
    ));
    let levels: Vec<String> = home.ports().into_iter().map(|(level, _)| level).collect();
    assert_eq!(levels, ["fine", "error", "error"]);
}

#[test]
fn a_session_that_has_the_port_is_only_a_warning() {
    let component = wat::parse_str(
        r#"(component
            (core module $m (func (export "run") (result i32) (loop $l br $l) unreachable))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance $cli (export "run" (func $run)))
            (export "wasi:cli/run@0.2.0" (instance $cli)))"#,
    );
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let home = Home::new(&format!(
        "build: {{component_path: spin.wasm}}\n\
         dev: {{address: \"127.0.0.1:{port}\", service: true, limits: {{cpu_time: 1h}}}}\n"
    ));
    home.file("app/spin.wasm", component.unwrap());
    home.file("cache/wash/oci/blobs/sha256/0", "12345");
    let mut session = Running(
        home.wash(&["dev", "-o", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    );
    let output = BufReader::new(session.0.stdout.take().unwrap());
    let mut lines = output.lines().map(Result::unwrap);
    let serving = lines.find(|line| line.contains("\"serving\""));
    assert!(serving.is_some(), "the session serves");

    let [(level, message)] = home.ports().try_into().unwrap();
    assert_eq!(level, "warning", "{message}");
    let pid = format!("(pid {})", session.0.id());
    assert!(message.ends_with(&pid), "{message}");

    // What the session has compiled is left; what it does not use goes.
    let json = home.json(&["config", "cleanup", "--yes"]);
    let whats = |key: &str| -> Vec<String> {
        let items = json["data"][key].as_array().unwrap().iter();
        items
            .map(|item| item["what"].as_str().unwrap().into())
            .collect()
    };
    assert_eq!(whats("removed"), ["oci"]);
    assert_eq!(whats("left"), ["compiled"]);
    let reason = json["data"]["left"][0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("in use by") && reason.ends_with(&pid),
        "{reason}"
    );
    assert!(
        fs::read_dir(home.path("cache/wash/compiled"))
            .unwrap()
            .count()
            > 0
    );
    assert!(!home.path("cache/wash/oci/blobs").exists());

    drop(session);
    let json = home.json(&["config", "cleanup", "--yes"]);
    assert_eq!(json["data"]["removed"][0]["what"], "compiled");
    assert_eq!(
        fs::read_dir(home.path("cache/wash/compiled"))
            .unwrap()
            .count(),
        0
    );
}

/// A session that watches the project would build it again.
#[test]
fn looking_changes_nothing() {
    let home = Home::new("build: {command: \"true\"}\ndev: {address: \"127.0.0.1:0\"}\n");
    let changed = || {
        let changed = |path: &str| fs::metadata(home.path(path)).unwrap().modified().unwrap();
        ["", "app", "app/.wash"].map(changed)
    };
    let before = changed();
    home.json(&["doctor"]);
    assert_eq!(changed(), before);
}

#[test]
fn nothing_is_mended_without_being_asked_for() {
    let home = Home::new(
        "build: {command: \"true\"}\n\
         dev: {address: \"127.0.0.1:0\", volumes: [{host_path: data, guest_path: /d}]}\n",
    );
    let output = home.wash(&["doctor", "--fix"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("cannot ask whether to run `mkdir -p "),
        "{said}"
    );
    assert!(!home.path("app/data").exists());

    let json = home.json(&["doctor", "--fix", "--yes"]);
    assert_eq!(json["success"], true, "{json}");
    assert_eq!(json["data"]["fixed"][0]["ok"], true, "{json}");
    assert!(home.path("app/data").is_dir());
}

#[test]
fn somebody_at_a_terminal_is_asked() {
    let home = Home::new(
        "build: {command: \"true\"}\n\
         dev: {address: \"127.0.0.1:0\", volumes: [{host_path: data, guest_path: /d}]}\n",
    );
    let cached = "cache/wash/oci/blobs/sha256/0";
    home.file(cached, "12345");
    let (cleanup, fix) = (["config", "cleanup"], ["doctor", "--fix"]);
    let mut terminal = home.terminal(&cleanup);
    terminal.shows("remove it?").types("n\r");
    assert!(terminal.end().1.contains("nothing was removed"));
    assert!(home.path(cached).exists());
    let mut terminal = home.terminal(&cleanup);
    terminal
        .shows("remove it?")
        .types("y\r")
        .shows("removed 5 B");
    terminal.end();
    assert!(!home.path(cached).exists());

    let mut terminal = home.terminal(&fix);
    terminal.shows("run `mkdir -p ").types("n\r");
    terminal.end();
    assert!(!home.path("app/data").exists());
    let mut terminal = home.terminal(&fix);
    terminal.shows("run `mkdir -p ").types("y\r");
    terminal.end();
    assert!(home.path("app/data").is_dir());
}

/// The command, on a terminal at which something is typed before it asks anything.
fn typed_ahead(home: &Home, arguments: &[&str], keys: &str) -> Terminal {
    let go = home.path("go");
    let _ = fs::remove_file(&go);
    let wash = home.wash(arguments);
    let mut shell = Command::new("sh");
    let script = r#"echo ready; until test -e "$GO"; do sleep 0.05; done; exec "$@""#;
    shell
        .args(["-c", script, "sh"])
        .arg(wash.get_program())
        .args(wash.get_args());
    shell
        .current_dir(wash.get_current_dir().unwrap())
        .env("GO", &go);
    for (name, value) in wash.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let mut terminal = Terminal::new(&shell);
    // The terminal shows what it has taken.
    terminal.shows("ready").types(keys).shows(keys.trim_end());
    fs::write(go, "").unwrap();
    terminal
}

/// A project with a volume that is not there, something in the cache, and something in the state of the project.
fn home_with_data() -> (Home, PathBuf, PathBuf) {
    let home = Home::new(
        "build: {command: \"true\"}\n\
         dev: {address: \"127.0.0.1:0\", volumes: [{host_path: data, guest_path: /d}]}\n",
    );
    let cached = home.file("cache/wash/oci/blobs/sha256/0", "12345");
    let state = home.file("app/.wash/state/blobs/a", "12345");
    (home, cached, state)
}

#[test]
fn what_was_typed_before_a_question_is_no_answer() {
    let (home, cached, state) = home_with_data();
    for (command, question) in [
        (&["config", "cleanup"][..], "remove it? [y/N]"),
        (&["dev", "reset"], "remove it? [y/N]"),
    ] {
        // An answer is a line, and the end of the input is a no.
        for answer in ["\r", "n\r", "no\r", "\x04", "what\rn\r"] {
            let mut terminal = typed_ahead(&home, command, "yyyy\r");
            terminal.shows(question).types(answer);
            let (code, screen) = terminal.end();
            assert_eq!(code, Some(1), "{answer:?}: {screen}");
            assert!(cached.exists() && state.exists(), "{answer:?}: {screen}");
        }
    }
    let mut terminal = typed_ahead(&home, &["doctor", "--fix"], "y\r");
    terminal
        .shows("run `mkdir -p ")
        .shows("[Y/n]")
        .types("\x04");
    terminal.end();
    assert!(!home.path("app/data").exists());

    let mut terminal = typed_ahead(&home, &["dev", "reset"], "n\r");
    terminal.shows("remove it?").types("y\r").shows("cleared");
    terminal.end();
    assert!(!state.exists());
}

/// Files of a project may name programs of its own, which tools run when they are started there.
#[test]
fn nothing_of_the_project_is_run() {
    let home = Home::new("dev: {address: \"127.0.0.1:0\"}\n");
    home.file("app/Cargo.toml", "[package]\nname = \"app\"\n");
    home.file("app/rust-toolchain.toml", "[toolchain]\npath = \"tc\"\n");
    home.file("app/.yarnrc.yml", "yarnPath: ./yarn.cjs\n");
    // A launcher as rustup's and yarn's are: it obeys the directory that it is started in.
    let launcher = format!(
        "#!/bin/sh\n[ -e rust-toolchain.toml ] || [ -e .yarnrc.yml ] && touch {0}\n\
         [ \"$GOTOOLCHAIN\" = local ] && [ \"$RUSTUP_AUTO_INSTALL\" = 0 ] || touch {0}\necho 1.99.0\n",
        home.path("ran").display()
    );
    for tool in [
        "cargo", "rustc", "rustup", "yarn", "node", "npm", "go", "git",
    ] {
        use std::os::unix::fs::PermissionsExt as _;
        let file = home.file(&format!("bin/{tool}"), &launcher);
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    let mut wash = home.wash(&["doctor", "-o", "json"]);
    let output = wash.env("PATH", path).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!home.path("ran").exists(), "{json:#}");
    let findings = json["data"]["findings"].as_array().unwrap();
    let told = |text: &str| {
        let message = |finding: &Value| finding["message"].as_str().unwrap().to_owned();
        findings
            .iter()
            .any(|finding| message(finding).contains(text))
    };
    assert!(told("cargo 1.99.0"), "{json:#}");
    assert!(
        told("`rust-toolchain.toml` sets `cargo` to `tc`"),
        "{json:#}"
    );
}

/// A command of the config that needs packages fails without them, as `wash dev` tells.
#[test]
fn packages_that_are_not_installed_are_told() {
    let home = Home::new(
        "build: {command: npm run build, component_path: app.wasm}\ndev: {address: \"127.0.0.1:0\"}\n",
    );
    home.file(
        "app/package.json",
        r#"{"name": "app", "scripts": {"build": "tsc"}, "devDependencies": {"typescript": "1"}}"#,
    );
    let missing = || {
        let json = home.json(&["doctor"]);
        let findings = json["data"]["findings"].as_array().unwrap().iter();
        let hints = findings.filter_map(|finding| finding["hint"].as_str());
        hints.filter(|hint| *hint == "npm install").count()
    };
    assert_eq!(missing(), 1);
    fs::create_dir(home.path("app/node_modules")).unwrap();
    assert_eq!(missing(), 0);
}

const SHOW_CURSOR: &str = "\x1b[?25h";

#[test]
fn a_question_is_left_with_ctrl_c_and_nothing_is_done() {
    let (home, cached, state) = home_with_data();
    for (command, question) in [
        (&["config", "cleanup"], "remove it?"),
        (&["dev", "reset"], "remove it?"),
        (&["doctor", "--fix"], "run `mkdir -p "),
    ] {
        let mut terminal = home.terminal(command);
        terminal.shows(question).types("\x03");
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(130), "{screen}");
        // The cursor is shown again.
        assert!(screen.trim_end().ends_with(SHOW_CURSOR), "{screen:?}");
    }
    assert!(cached.exists() && state.exists());
    assert!(!home.path("app/data").exists());
}
