//! A data folder of its own, with plugins that were installed from copies of their sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::project::copy;
use crate::wash::wash;

pub(crate) struct Plugins {
    data: TempDir,
}

impl Plugins {
    pub(crate) fn none() -> Self {
        Self {
            data: tempfile::tempdir().unwrap(),
        }
    }

    /// Installs a plugin with everything that it wants.
    pub(crate) fn with(name: &str) -> Self {
        let plugins = Self::none();
        plugins.install(name);
        plugins
    }

    pub(crate) fn install(&self, name: &str) {
        let source = sources(name);
        self.done(&["plugin", "install", "--yes", source.to_str().unwrap()]);
    }

    /// For `XDG_DATA_HOME`.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Runs `wash` in a directory.
    pub(crate) fn run_in(&self, directory: &Path, args: &[&str]) -> Output {
        let mut command = wash();
        command.args(args).current_dir(directory);
        command.env("XDG_DATA_HOME", self.data()).output().unwrap()
    }

    /// Runs `wash`, which has to succeed, and returns what it printed to stdout.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let output = self.run_in(self.data(), args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{args:?}: {stdout}{stderr}");
        stdout
    }
}

/// A copy of a plugin's sources, which nothing can be left behind in.
pub(crate) fn sources(name: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("plugins")
        .join(name);
    // Always in the same place: what was built of the same sources is not built again.
    let to = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("plugins")
        .join(name);
    fs::create_dir_all(&to).unwrap();
    copy(&from, &to);
    to
}

/// A plugin has its own copy of the world, as those outside of this repository have.
#[test]
fn the_world_is_the_one_that_wash_has() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let world =
        fs::read_to_string(root.join("crates/wash-fetch/wit/wash-plugin/0.1.0.wit")).unwrap();
    let plugins = fs::read_dir(root.join("plugins")).unwrap();
    let copies = plugins.map(|plugin| plugin.unwrap().path().join("wit/deps/plugin.wit"));
    let copies: Vec<PathBuf> = copies.filter(|copy| copy.exists()).collect();
    assert!(!copies.is_empty());
    for copy in copies {
        let text = fs::read_to_string(&copy).unwrap();
        assert!(text == world, "`{}` is another", copy.display());
    }
}
