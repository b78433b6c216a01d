//! A config file to begin with: comments that say what holds, and what could be said instead.
//!
//! Lines of prose begin with `# `; what could be said begins with `#` and the key, indented as in YAML, so that taking
//! the `#` away is all it takes. A project of a known kind is built as before by a file that says nothing.

use std::path::Path;

use indexmap::IndexMap;
use wash_common::shell::shell_quote;
use wash_component::{Extern, Shape};

use super::keys::SCHEMA_FILE;
use super::{Artifact, Command, Kind, Project, yaml};

/// What a project's first config file says.
pub struct Starter<'s> {
    pub name: &'s str,
    /// `None`: nothing says how it is built.
    pub project: Option<&'s Project>,
    /// What is built already, and where it is: relative to the project.
    pub built: Option<(&'s Path, &'s Shape)>,
}

/// A setting, what it is for, and the interfaces that it is about: packages, or single ones.
struct Setting {
    yaml: &'static str,
    about: &'static str,
    interfaces: &'static [&'static str],
}

const DEV: [Setting; 5] = [
    Setting {
        yaml: "address: 127.0.0.1:8000",
        about: "default: the next free port from here",
        interfaces: &[],
    },
    Setting {
        yaml: "limits: {cpu_time: 10s, memory: 512MiB}",
        about: "of one request",
        interfaces: &[],
    },
    Setting {
        yaml: "components: [{file: lib/greeter.wasm}]",
        about: "linked in; or `path` of another project, or `image` in a registry",
        interfaces: &[],
    },
    Setting {
        yaml: "wasi_blobstore_path: data/blobs",
        about: "instead of .wash/state",
        interfaces: &["wasi:blobstore"],
    },
    Setting {
        yaml: "volumes: [{empty: scratch, guest_path: /tmp}]",
        about: "directories for it; `host_path: DIR` for one that persists",
        interfaces: &["wasi:filesystem/preopens"],
    },
];

const WORKLOAD: [Setting; 5] = [
    Setting {
        yaml: "config: {greeting: hello}",
        about: "values of wasi:config; `subscriptions` lists the subjects of messages",
        interfaces: &["wasi:config", "wasmcloud:messaging/handler"],
    },
    Setting {
        yaml: "environment: {MODE: dev}",
        about: "variables",
        interfaces: &["wasi:cli/environment"],
    },
    Setting {
        yaml: "allowedHosts: [api.example.com]",
        about: "hosts that outgoing HTTP may reach; default: none",
        interfaces: &["wasi:http/outgoing-handler", "wasi:http/client"],
    },
    Setting {
        yaml: "keyvalue: {path: data/keyvalue}",
        about: "one file for each value, instead of .wash/state",
        interfaces: &["wasi:keyvalue"],
    },
    Setting {
        yaml: "allowedSockets: [\"db.example.com:5432/tcp\"]",
        about: "where sockets may connect to; default: nowhere outside",
        interfaces: &["wasi:sockets"],
    },
];

impl Starter<'_> {
    pub fn text(&self) -> String {
        let mut lines = Lines::default();
        lines.head();
        lines.prose(
            "The configuration of this project. `wash config show` prints the effective values and their sources;",
        );
        lines.prose(
            "`wash config validate` finds problems. Remove the `#` from a setting to use it.",
        );
        lines.blank();
        lines.prose("The component's name in logs and in wiring.");
        lines.active(&format!("name: {}", yaml::string(self.name)));
        lines.blank();
        self.build(&mut lines);
        lines.blank();
        self.run(&mut lines);
        lines.text
    }

    fn build(&self, lines: &mut Lines) {
        let Some(project) = self.project else {
            lines.prose("The build command, which must write the component to `component_path`.");
            lines.active("build:");
            lines.active("  command: make component.wasm");
            lines.active("  component_path: component.wasm");
            return;
        };
        lines.prose(&format!(
            "This is {}. By default, this command runs and writes the component to this path.",
            project.build.kind.about()
        ));
        if project.build.kind == Kind::Cargo {
            lines
                .prose("By default, `wash dev` makes a debug build; these settings apply to both.");
        }
        lines.could("build:");
        match &project.build.command {
            Command::Shell(line) => lines.could(&format!("  command: {}", yaml::string(line))),
            Command::Argv(argv) => {
                // With a path to look at, cargo need not say where it leaves the component.
                let words = argv
                    .iter()
                    .filter(|word| !word.starts_with("--message-format"));
                let line = shell_quote(&words.collect::<Vec<_>>());
                lines.could(&format!("  command: {}", yaml::string(&line)));
            }
            Command::None => {}
        }
        let built = self.built.as_ref().map(|(path, _)| path.to_path_buf());
        let path = match &project.build.artifact {
            Artifact::Path(path) => {
                let below = path.strip_prefix(&project.root);
                Some(below.unwrap_or(path).to_path_buf())
            }
            // Cargo is asked where it leaves the component; this is where that mostly is.
            Artifact::FromCargo => {
                let file = format!("{}.wasm", self.name.replace('-', "_"));
                let file = built
                    .as_ref()
                    .and_then(|path| path.file_name())
                    .map_or(file.into(), ToOwned::to_owned);
                Some(Path::new("target/wasm32-wasip2/release").join(file))
            }
            Artifact::Search(_) | Artifact::Image(_) => built,
        };
        if let Some(path) = path {
            let path = yaml::string(&path.to_string_lossy());
            lines.could(&format!("  component_path: {path}"));
        }
        lines.could("  watch: [../assets]  # sources elsewhere; `*` and `**` stand for any names");
    }

    /// What is built, and the settings that mean something to it; those that mean something to most, if nothing is.
    fn run(&self, lines: &mut Lines) {
        let names: Vec<&str> = match &self.built {
            Some((path, shape)) => {
                lines.prose(&format!("What is built, `{}`,", path.display()));
                lines.list("imports", interfaces(&shape.imports));
                lines.list("exports", interfaces(&shape.exports));
                lines.prose("`wash inspect` shows what provides each import.");
                lines.blank();
                let all = [&shape.imports, &shape.exports];
                all.into_iter().flat_map(interfaces).collect()
            }
            None => vec!["wasi:config", "wasi:cli/environment", "wasi:http/client"],
        };
        lines.prose("`wash dev`: where it listens, and which components it links.");
        lines.settings("dev", &DEV, &names);
        let means = |setting: &&Setting| setting.means(&names);
        if WORKLOAD.iter().any(|setting| means(&setting)) {
            lines.blank();
            lines.prose("Run-time settings of the component.");
            lines.settings("workload", &WORKLOAD, &names);
        }
    }
}

fn interfaces(items: &IndexMap<String, Extern>) -> impl Iterator<Item = &str> {
    let named = items.iter().filter(|(_, item)| item.interface.is_some());
    named.map(|(name, _)| name.as_str())
}

impl Setting {
    fn means(&self, names: &[&str]) -> bool {
        let among = |interface: &&str| {
            names.iter().any(|name| {
                name.strip_prefix(interface)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '@']))
            })
        };
        self.interfaces.is_empty() || self.interfaces.iter().any(among)
    }
}

/// What a user's first config file says, which holds for every project that says nothing else.
pub fn for_user() -> String {
    let mut lines = Lines::default();
    lines.head();
    lines.prose("Defaults for every project, with the same keys as a project's .wash/config.yaml.");
    lines.prose("Remove the `#` from a setting to use it.");
    lines.blank();
    lines.prose("Where `wash dev` listens, and the minimum level of wasi:logging that it shows.");
    lines.could("dev:");
    lines.could("  address: 127.0.0.1:8000");
    lines.could("  log_level: info");
    lines.could("  http_client_ca_paths: [/etc/ssl/corporate.pem]    # private authorities");
    lines.blank();
    lines.prose("Registries to ask for WIT packages whose namespace has none.");
    lines.could("wit:");
    lines.could("  registries: [{url: registry.example.com}]");
    lines.text
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn head(&mut self) {
        self.active(&format!("# yaml-language-server: $schema=./{SCHEMA_FILE}"));
    }

    fn active(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn prose(&mut self, line: &str) {
        self.active(&format!("# {line}"));
    }

    fn could(&mut self, line: &str) {
        self.active(&format!("#{line}"));
    }

    fn blank(&mut self) {
        self.active("");
    }

    fn list<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n str>) {
        let mut names = names.peekable();
        match names.peek() {
            Some(_) => self.prose(&format!("{what}:")),
            None => self.prose(&format!("{what} nothing.")),
        }
        names.for_each(|name| self.prose(&format!("- {name}")));
    }

    fn settings(&mut self, section: &str, settings: &[Setting], names: &[&str]) {
        self.could(&format!("{section}:"));
        for Setting { yaml, about, .. } in settings.iter().filter(|s| s.means(names)) {
            self.could(&format!("  {yaml:50} # {about}"));
        }
    }
}
