//! A project in a temporary directory, and the two ways to build it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wash::build::{BuildError, BuildOptions, Built};
use wash::project::{Overrides, Project, Purpose};
use wash::{build, project};

/// How long anything here may take before it counts as hanging.
pub(crate) const LONG: Duration = Duration::from_secs(120);

pub(crate) struct Dir {
    temp: TempDir,
}

impl Dir {
    pub(crate) fn new() -> Self {
        Self {
            temp: tempfile::tempdir().unwrap(),
        }
    }

    /// A project built by a shell command that leaves `out.wasm`.
    pub(crate) fn shell(command: &str) -> Self {
        let config =
            serde_json::json!({ "build": { "command": command, "component_path": "out.wasm" } });
        Self::new().file(".wash/config.json", config.to_string())
    }

    /// A Rust program without dependencies.
    pub(crate) fn cargo(main: &str) -> Self {
        let manifest =
            "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n";
        Self::new()
            .file("Cargo.toml", manifest)
            .file("src/main.rs", main)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.temp.path().canonicalize().unwrap()
    }

    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn executable(self, path: &str) -> Self {
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path().join(path), mode).unwrap();
        self
    }

    /// A program of the tests' own, for a `PATH` that begins (or is) `bin`.
    pub(crate) fn program(self, name: &str, script: &str) -> Self {
        let this = self.file(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        let path = this.path().join("bin").join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        this
    }

    pub(crate) fn project(&self) -> Project {
        let overrides = Overrides {
            purpose: Purpose::Dev,
            user_config: Some("/dev/null".into()),
            ..Overrides::default()
        };
        project::load(&self.path(), &overrides).unwrap()
    }

    /// `wash` with arguments, in this directory, apart from the settings of whoever runs the tests.
    pub(crate) fn wash(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
        command.args(arguments).current_dir(self.path());
        command.env("XDG_CONFIG_HOME", self.path().join("no-config"));
        command.env("XDG_DATA_HOME", self.path().join("no-data"));
        command.env("CARGO_TARGET_DIR", self.path().join("target"));
        command
    }
}

/// What the tools printed, kept for the test.
#[derive(Clone, Default)]
pub(crate) struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    pub(crate) fn output(&self) -> build::Output {
        let kept = self.0.clone();
        build::Output::Tee(Arc::new(move |line| {
            kept.lock().unwrap().extend_from_slice(line);
        }))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Builds with the library, to the end.
pub(crate) async fn build(dir: &Dir, printed: &Printed, color: bool) -> Result<Built, BuildError> {
    let options = BuildOptions {
        output: printed.output(),
        color,
        cancel: CancellationToken::new(),
    };
    build::build(&dir.project(), options).await
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A component that exports nothing.
pub(crate) fn component() -> Vec<u8> {
    wat::parse_str("(component)").unwrap()
}

/// Reads a number that a script writes to a file, once it is there.
pub(crate) fn pid_in(file: &Path) -> u32 {
    wait_for(|| {
        fs::read_to_string(file)
            .ok()?
            .strip_suffix('\n')?
            .parse()
            .ok()
    })
}

pub(crate) fn wait_until_gone(pid: u32) {
    wait_for(|| (!is_alive(pid)).then_some(()));
}

/// A process that has ended but was not reaped does nothing any more.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    !matches!(
        stat.rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next()),
        Some('Z' | 'X')
    )
}

pub(crate) fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(started.elapsed() < LONG, "waited too long");
        std::thread::sleep(Duration::from_millis(5));
    }
}
