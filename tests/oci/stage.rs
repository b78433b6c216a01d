//! A directory with components, and `wash` run in it with a cache and credentials of its own.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) struct Stage {
    temp: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Stage {
    /// With `hello.wasm`, a component that exports `demo:greet/hello`.
    pub(crate) fn new() -> Self {
        let stage = Self {
            temp: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        };
        fs::write(stage.path("hello.wasm"), component(0)).unwrap();
        stage
    }

    pub(crate) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
        command
            .args(arguments)
            .current_dir(self.path(""))
            .env("XDG_CONFIG_HOME", self.path("no-config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("DOCKER_CONFIG", self.path("docker"))
            .env_remove("RUST_LOG")
            .env_remove("SOURCE_DATE_EPOCH")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command
    }

    pub(crate) fn wash(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    pub(crate) fn wash_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        Ended::of(child.wait_with_output().unwrap())
    }

    /// What the command printed as JSON, which ended well.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let ended = self
            .wash(&[arguments, &["-o", "json"]].concat())
            .assert_success();
        // Nobody needs to have docker.
        assert!(!ended.stderr.contains("docker"), "{}", ended.stderr);
        let mut value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(value["success"], true);
        value["data"].take()
    }
}

pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn assert_success(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// It failed, by no fault of ours, and said all of this.
    pub(crate) fn assert_failure(self, said: &[&str]) -> Self {
        let is_told = matches!(self.code, Some(1 | 2 | 4));
        assert!(is_told, "{:?}: {}{}", self.code, self.stdout, self.stderr);
        for said in said {
            assert!(
                self.stderr.contains(said),
                "expected: {said}\n{}",
                self.stderr
            );
        }
        self
    }
}

/// A component, and with a number other than 0 another one, of at least so many bytes.
pub(crate) fn component(number: usize) -> Vec<u8> {
    let padding = "x".repeat(number);
    let text = format!(
        r#"(component $hello
            (core module $m (func (export "f") (result i32) i32.const {number}) (@custom "padding" "{padding}"))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (instance $hello (export "greet" (func $f)))
            (export "demo:greet/hello@1.0.0" (instance $hello)))"#
    );
    wat::parse_str(text).unwrap()
}

/// A WIT package, in binary form.
pub(crate) fn wit_package() -> Vec<u8> {
    let mut resolve = wit_parser::Resolve::default();
    let text = "package demo:words@1.0.0;\ninterface words { count: func(text: string) -> u32; }\nworld counter { export words; }";
    let package = resolve.push_str("words.wit", text).unwrap();
    wit_component::encode(&resolve, package).unwrap()
}
