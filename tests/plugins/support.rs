//! A user with a home of their own, and the guests of `fixtures/plugins`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::guest;

/// Longer than anything takes here, on a machine with much else to do.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A `wash` that goes on, and ends with the test at the latest.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// What it has said so far.
    said: Vec<String>,
}

/// Which of its streams is read, line by line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Running {
    pub(crate) fn start(mut command: Command, stream: Stream) -> Self {
        let (stdout, stderr) = match stream {
            Stream::Stdout => (Stdio::piped(), Stdio::null()),
            Stream::Stderr => (Stdio::null(), Stdio::piped()),
        };
        let mut child = command.stdout(stdout).stderr(stderr).spawn().unwrap();
        let from: Box<dyn Read + Send> = match stream {
            Stream::Stdout => Box::new(child.stdout.take().unwrap()),
            Stream::Stderr => Box::new(child.stderr.take().unwrap()),
        };
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(from).lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        Self {
            child,
            lines,
            said: Vec::new(),
        }
    }

    /// Waits for a line with a text in it.
    #[track_caller]
    pub(crate) fn line(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(TIMEOUT) {
                Ok(line) => self.said.push(line),
                Err(_) => panic!("nothing says `{text}`: {:#?}", self.said),
            }
            if let Some(line) = self.said.last().filter(|line| line.contains(text)) {
                return line.clone();
            }
        }
    }

    /// Presses Ctrl-C. Returns the exit code, and everything that was said.
    #[track_caller]
    pub(crate) fn interrupt(mut self) -> (Option<i32>, Vec<String>) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        loop {
            match self.lines.recv_timeout(TIMEOUT) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it goes on: {:#?}", self.said),
            }
        }
        let code = self.child.wait().unwrap().code();
        (code, std::mem::take(&mut self.said))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who uses `wash`.
pub(crate) struct User {
    home: TempDir,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl User {
    pub(crate) fn new() -> Self {
        let user = Self {
            home: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(user.path("work")).unwrap();
        user
    }

    /// A path in the user's home.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home.path().canonicalize().unwrap().join(path)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("data/wash/plugins")
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// `wash`, in the folder `work`.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
        command
            .current_dir(self.path("work"))
            .env("HOME", self.path(""))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn wash(&self, line: &[&str]) -> Done {
        self.command().args(line).output().unwrap().into()
    }

    /// Runs what has to work, and returns what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, line: &[&str]) -> String {
        let done = self.wash(line);
        assert_eq!(done.code, Some(0), "{line:?}: {done:?}");
        done.stdout
    }

    /// What comes after `data` in the answer of `-o json`.
    #[track_caller]
    pub(crate) fn data(&self, line: &[&str]) -> Value {
        let line: Vec<_> = line.iter().copied().chain(["-o", "json"]).collect();
        let text = self.ok(&line);
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["success"], true, "{text}");
        answer["data"].take()
    }

    /// Installs a guest, with everything allowed that it wants.
    #[track_caller]
    pub(crate) fn with(self, guest: &Path) -> Self {
        self.ok(&["plugin", "install", "--yes", text(guest)]);
        self
    }

    /// The names of what is installed.
    #[track_caller]
    pub(crate) fn installed(&self) -> Vec<String> {
        let data = self.data(&["plugin", "list"]);
        let plugins = data["plugins"].as_array().unwrap();
        let names = plugins
            .iter()
            .map(|plugin| plugin["name"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Done {
    /// It failed, and said so.
    #[track_caller]
    pub(crate) fn failed(&self, expected: &str) -> &Self {
        assert!(matches!(self.code, Some(1 | 2)), "{self:?}");
        assert!(self.stderr.contains(expected), "{expected}: {self:?}");
        self
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A guest of `fixtures/plugins`, built.
pub(crate) fn plugin(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build("plugins"));
    artifact(name)
}

/// A guest of `fixtures`, built.
pub(crate) fn built(name: &str) -> PathBuf {
    build(name);
    artifact(name)
}

fn build(fixture: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut cargo = guest::cargo();
    cargo
        .args([
            "build",
            "--quiet",
            "--locked",
            "--release",
            "--target",
            guest::TARGET,
        ])
        .current_dir(root.join(fixture))
        .env("CARGO_TARGET_DIR", target());
    assert!(cargo.status().unwrap().success(), "{cargo:?}");
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests")
}

fn artifact(name: &str) -> PathBuf {
    let path = target().join(guest::TARGET).join("release").join(name);
    path.with_extension("wasm")
}

/// The hostile guest, told what to do: `describe=loop`. It is of the same size and of another digest.
pub(crate) fn hostile(user: &User, mode: &str) -> PathBuf {
    const MARK: &[u8] = b"MODE:behave";
    let mut bytes = fs::read(plugin("hostile")).unwrap();
    let at = bytes
        .windows(MARK.len())
        .position(|window| window == MARK)
        .unwrap()
        + 5;
    let told = format!("{mode}.");
    bytes[at..at + told.len()].copy_from_slice(told.as_bytes());
    let path = user.path(&format!("{}.wasm", mode.replace('=', "-")));
    fs::write(&path, bytes).unwrap();
    path
}
