//! `wit.sources` from elsewhere: a real git repository, a real server, a real registry.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::registry::Registry;

const WORDS: &str =
    "package demo:words@1.0.0;\n\ninterface words {\n  count: func(text: string) -> u32;\n}\n";

/// A project that needs `demo:words`, which its config says is at `source`.
struct Stage(TempDir);

impl Stage {
    fn new(source: &str) -> Self {
        let stage = Self(tempfile::tempdir().unwrap());
        let world = "package demo:app;\n\nworld app {\n  import demo:words/words@1.0.0;\n}\n";
        stage.write("app/wit/world.wit", world);
        stage.source(source);
        stage
    }

    fn source(&self, source: &str) {
        let config = format!(
            "build: {{ command: \"true\", component_path: app.wasm }}\nwit:\n  sources: {{ \"demo:words\": \"{source}\" }}\n"
        );
        self.write("app/.wash/config.yaml", &config);
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn command(&self, dir: &str, args: &[&str]) -> Command {
        let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
        wash.args(args)
            .current_dir(self.path(dir))
            .env_remove("RUST_LOG")
            .env("HOME", self.0.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"));
        wash
    }

    fn wash(&self, dir: &str, args: &[&str]) -> Output {
        self.command(dir, args).output().unwrap()
    }

    /// Fetches, and finds the package where it belongs.
    fn fetched(&self) {
        let output = self.wash("app", &["wit", "fetch"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let deps = self.path("app/wit/deps/demo-words-1.0.0");
        let files: Vec<_> = fs::read_dir(&deps).unwrap().flatten().collect();
        let text = fs::read_to_string(files[0].path()).unwrap();
        assert!(text.contains("count: func(text: string) -> u32;"), "{text}");
        let checked = self.wash("app", &["wit", "check"]);
        assert!(checked.status.success());
        fs::remove_dir_all(self.path("app/wit/deps")).unwrap();
    }

    /// Says why not, and leaves nothing behind.
    fn refused(&self, said: &str) {
        let output = self.wash("app", &["wit", "fetch"]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains(said), "expected: {said}\n{text}");
        assert!(!self.path("app/wit/deps").exists());
    }
}

fn git(dir: &Path, args: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(dir)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(args);
    let output = git.output().unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_git_repository() {
    let stage = Stage::new("");
    stage.write("words/interfaces/words.wit", WORDS);
    let words = stage.path("words");
    git(&words, &["init", "--quiet", "--initial-branch", "main"]);
    git(&words, &["add", "."]);
    git(&words, &["commit", "--quiet", "-m", "words"]);
    git(&words, &["tag", "v1"]);
    let url = format!("git+file://{}", words.display());
    let commit = git(&words, &["rev-parse", "HEAD"]);
    for place in ["#main:", "#v1:", &format!("#{}:", commit.trim()), "#:"] {
        stage.source(&format!("{url}{place}interfaces"));
        stage.fetched();
    }
    stage.source(&format!("{url}#gone:interfaces"));
    stage.refused("couldn't find remote ref gone");
    stage.source(&format!("{url}-that-is-not-there"));
    stage.refused("words-that-is-not-there' does not appear to be a git repository");
    stage.source(&format!("{url}#main:../../etc"));
    stage.refused("..");
}

/// What the repository has beside the package is used as it is for a local one.
#[test]
fn a_git_repository_with_deps() {
    let stage = Stage::new("");
    let uses = WORDS.replace(
        "  count",
        "  use corp:common/kinds@0.1.0.{kind};\n  of: func() -> kind;\n  count",
    );
    stage.write("words/wit/words.wit", &uses);
    let common = "package corp:common@0.1.0;\n\ninterface kinds {\n  type kind = u8;\n}\n";
    stage.write("words/wit/deps/common/common.wit", common);
    let words = stage.path("words");
    git(&words, &["init", "--quiet", "--initial-branch", "main"]);
    git(&words, &["add", "."]);
    git(&words, &["commit", "--quiet", "-m", "words"]);
    stage.source(&format!("git+file://{}", words.display()));
    stage.fetched();
}

#[test]
fn answers_without_end_and_secrets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let length = client.read(&mut [0; 4096]).unwrap();
            assert!(length > 0);
            let mut block = &b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"[..];
            // Until nobody reads any more.
            while client.write_all(block).is_ok() {
                block = &[b' '; 65536];
            }
        }
    });
    for url in [
        format!("http://user:HUNTER2@{address}/words.wit"),
        format!("http://{address}/words.wit?token=HUNTER2"),
        format!("http://HUNTER2@{address}/words.wit"),
    ] {
        let stage = Stage::new(&url);
        let output = stage.wash("app", &["wit", "fetch"]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains("it is larger than 16 MiB"), "{text}");
        assert!(!text.contains("HUNTER2"), "{text}");
    }
}

#[test]
fn what_does_not_parse_is_not_written() {
    let stage = Stage::new("../words.wit");
    stage.write(
        "words.wit",
        "package demo:words@1.0.0;\n\ninterface words {\n  count: fun();\n}\n",
    );
    let output = stage.wash("app", &["wit", "fetch"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("4 |   count: fun();"), "{text}");
    assert!(!stage.path("app/wit/deps").exists());
}

#[test]
fn a_file_on_a_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut head = [0; 4096];
            let length = client.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..length]);
            let (status, body) = match head.starts_with("GET /words.wit ") {
                true => ("200 OK", WORDS),
                false => ("404 Not Found", "gone"),
            };
            let length = body.len();
            let _ = write!(
                client,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    Stage::new(&format!("http://{address}/words.wit")).fetched();
    Stage::new(&format!("http://{address}/other.wit")).refused("404 Not Found");
}

/// Asks again and again, for a minute.
fn soon<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_silent_server_is_left_with_a_signal() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let url = format!("git+http://{}/words", silent.local_addr().unwrap());
    for args in [&["wit", "fetch"][..], &["build"]] {
        let stage = Stage::new(&url);
        let temporary = stage.path("tmp");
        fs::create_dir(&temporary).unwrap();
        let mut wash = stage.command("app", args);
        let mut wash = wash.env("TMPDIR", &temporary).spawn().unwrap();
        let _asked = soon("it asks", || silent.accept().ok());
        kill_process(Pid::from_child(&wash), Signal::INT).unwrap();
        let status = soon("it ends", || wash.try_wait().unwrap());
        assert_eq!(status.code(), Some(130), "{args:?}");
        let left = fs::read_dir(&temporary).unwrap().flatten();
        assert_eq!(left.count(), 0, "{args:?}");
        assert!(!stage.path("app/wit/deps").exists());
    }
}

#[test]
fn an_artifact_in_a_registry() {
    let registry = Registry::start();
    let reference = format!("{}/demo/words:1.0.0", registry.address());
    let stage = Stage::new(&reference);
    stage.write("words/wit/words.wit", WORDS);
    let built = stage.wash("words", &["wit", "build", "-o", "words.wasm"]);
    assert!(built.status.success());
    let push = ["oci", "push", "--insecure", &reference, "words.wasm"];
    assert!(stage.wash("words", &push).status.success());
    stage.fetched();
    // It is in the cache by now.
    drop(registry);
    stage.fetched();
    Stage::new(&reference).refused("connection refused");
}
