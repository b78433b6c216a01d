//! A directory with components, and `wash` run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) struct Dir {
    temp: TempDir,
}

impl Dir {
    pub(crate) fn new() -> Self {
        Self {
            temp: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.temp.path().canonicalize().unwrap()
    }

    /// Writes a file; beside `NAME.wat` also `NAME.wasm`.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        if path.extension().is_some_and(|extension| extension == "wat") {
            let bytes = wat::parse_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            fs::write(path.with_extension("wasm"), bytes).unwrap();
        }
        self
    }

    /// Runs `wash` here, apart from the settings of whoever runs the tests.
    pub(crate) fn wash<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env("XDG_CONFIG_HOME", self.path().join("no-config"))
            .env("XDG_DATA_HOME", self.path().join("no-data"))
            .env("CARGO_TARGET_DIR", target_dir())
            .env_remove("RUST_LOG")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.output().unwrap()
    }
}

/// Where guests are built: tests share it.
fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
