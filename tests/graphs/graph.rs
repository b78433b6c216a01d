//! Projects whose components are there already: those of `fixtures/graphs`, and of other fixtures.

use std::path::{Path, PathBuf};
use std::sync::Once;

use serde_json::{Value, json};

use crate::guest;
use crate::project::Projects;
use crate::wash::{Dev, Wash};

/// A project in a directory of its own.
pub(crate) struct Graph {
    projects: Projects,
    config: Value,
}

impl Graph {
    /// One whose own component this is.
    pub(crate) fn of(app: &str) -> Self {
        let config = json!({
            "name": app,
            "build": { "component_path": component(app) },
            "dev": { "components": [], "http": [] },
        });
        Self {
            projects: Projects::empty(),
            config,
        }
    }

    /// Adds a component.
    pub(crate) fn with(self, name: &str) -> Self {
        self.with_settings(name, json!({}))
    }

    pub(crate) fn with_settings(self, name: &str, settings: Value) -> Self {
        self.with_file(name, &component(name), settings)
    }

    pub(crate) fn with_file(mut self, name: &str, file: &Path, mut settings: Value) -> Self {
        settings["name"] = json!(name);
        settings["file"] = json!(file);
        let components = self.config["dev"]["components"].as_array_mut();
        components.expect("it is a list").push(settings);
        self
    }

    /// The order of the HTTP handlers.
    pub(crate) fn http(mut self, names: &[&str]) -> Self {
        self.config["dev"]["http"] = json!(names);
        self
    }

    /// Sets a key of the config, such as `imports`.
    pub(crate) fn set(mut self, key: &str, value: Value) -> Self {
        self.config[key] = value;
        self
    }

    pub(crate) fn set_in_dev(mut self, key: &str, value: Value) -> Self {
        self.config["dev"][key] = value;
        self
    }

    /// Writes a file beside the config's directory, and says where.
    pub(crate) fn write(&self, path: &str, contents: &str) -> PathBuf {
        self.projects.write(path, contents);
        self.projects.path(path)
    }

    pub(crate) async fn serving(&self) -> (Wash, String) {
        self.dev().serving().await
    }

    /// Starts it, which is not to succeed. What is wrong, as it is printed.
    pub(crate) async fn refused(&self) -> String {
        let mut wash = self.dev().spawn();
        wash.line("answers 503").await;
        wash.console()
    }

    /// Its directory, with the config in it.
    pub(crate) fn configured(&self) -> PathBuf {
        self.write(".wash/config.json", &self.config.to_string());
        self.projects.path("")
    }

    fn dev(&self) -> Dev {
        self.configured();
        Dev::on(&self.projects)
    }
}

/// The path of a component. All are built by the first who asks for one.
pub(crate) fn component(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| ["graphs", "probe", "probe-p3"].iter().for_each(build));
    let file = format!("{}/release/{}.wasm", guest::TARGET, name.replace('-', "_"));
    let path = Dev::target_dir().join(file);
    assert!(path.is_file(), "there is no component `{name}`");
    path
}

fn build(fixture: &&str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = guest::cargo()
        .args(["build", "--release", "--locked", "--target", guest::TARGET])
        .arg("--target-dir")
        .arg(Dev::target_dir())
        .current_dir(root.join("fixtures").join(fixture))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "`{fixture}` is not built");
}
