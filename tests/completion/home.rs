//! The home directory of somebody who has `wash` on the path and its completion installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::of_wit;

pub(crate) struct Home {
    temp: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self {
            temp: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(home.path("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_wash"), home.path("bin/wash")).unwrap();
        home.file(
            ".bashrc",
            "PS1='% '\nbind 'set enable-bracketed-paste off'\n",
        );
        home.file(".inputrc", "");
        home.file(
            ".zshrc",
            "PROMPT='%% '\nRPROMPT=\nunset zle_bracketed_paste\nPROMPT_SP=\nsetopt no_prompt_sp\n",
        );
        home.file(
            ".config/fish/config.fish",
            "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\nfunction fish_title; end\nfunction fish_prompt; printf '%% '; end\n",
        );
        home.file(
            ".config/elvish/rc.elv",
            "set edit:prompt = { put '% ' }\nset edit:rprompt = { }\n",
        );
        home
    }

    /// With the completion of a shell, installed by `wash`.
    pub(crate) fn with(shell: &str) -> Self {
        let home = Self::new();
        home.wash("", &["completion", "install", shell]);
        home
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

    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let home = self.path("").display().to_string();
        vec![
            ("HOME", home.clone()),
            ("PATH", format!("{home}/bin:/usr/bin:/bin")),
            ("LC_ALL", "C.UTF-8".to_owned()),
            // A machine that tests on is a busy one.
            ("WASH_COMPLETE_TIMEOUT", "10000".to_owned()),
        ]
    }

    pub(crate) fn command(&self, dir: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("bin/wash"));
        command
            .args(arguments)
            .current_dir(self.path(dir))
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null());
        command
    }

    /// Runs `wash`, which must do what it is asked.
    pub(crate) fn wash(&self, dir: &str, arguments: &[&str]) -> String {
        let output = self.command(dir, arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A project in `project`, whose component was built already, with folders below it.
    pub(crate) fn project(&self) -> &Self {
        self.file("project/app.wasm", component());
        self.file(
            "project/.wash/config.yaml",
            "build:\n  component_path: app.wasm\ndev:\n  components:\n    - name: painter\n      file: ../lib/painter.wasm\n",
        );
        self.file("lib/painter.wasm", component());
        self.file("project/sub/my folder/notes.txt", "");
        self.file("project/sub/my folder/deep/notes.txt", "");
        self.file("project/sub/other.wasm", component());
        self
    }
}

pub(crate) fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}{err}")
}

/// A component with functions that nobody will call.
pub(crate) fn component() -> Vec<u8> {
    const WIT: &str = "package test:paint@1.0.0;
    interface brush {
        enum color { red, green }
        greet: func(name: string) -> string;
        paint: func(color: color, thick: bool);
        resource counter {
            constructor(start: u32);
            next: func() -> u32;
        }
    }
    interface canvas { draw: func(); }
    world member { import canvas; export brush; }";
    of_wit::component(WIT).unwrap()
}

/// Whether nothing lies in a directory.
pub(crate) fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none())
}
