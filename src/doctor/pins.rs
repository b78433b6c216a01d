//! Which versions of its tools a project asks for, as far as its files tell. The files are read and nothing is run: a project may name
//! programs of its own, which run as soon as a tool is started in its directory.

use std::path::Path;

use wash_common::files;

/// What a file of a project asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pin {
    /// The programs that obey it.
    pub(super) tools: &'static [&'static str],
    /// The name of the file.
    pub(super) file: &'static str,
    pub(super) to: PinnedTo,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PinnedTo {
    Version(String),
    /// Programs in the project itself, or wherever it says.
    Path(String),
    /// Whatever the file says.
    Unknown,
}

const RUST: &[&str] = &["cargo", "rustc"];
const NODE: &[&str] = &["node", "npm", "pnpm", "yarn"];

/// The pins that hold in a directory: those of the nearest file of each kind, here or above.
pub(super) fn pins(dir: &Path) -> Vec<Pin> {
    let read = |file: &str| {
        let above = dir.ancestors();
        above
            .filter_map(|dir| files::read_to_string(dir.join(file)).ok())
            .next()
    };
    let pin = |tools, file, to| Pin { tools, file, to };
    let version = |text: String| PinnedTo::Version(text.trim().to_string());
    let mut found = Vec::new();
    if let Some(text) = read("rust-toolchain.toml") {
        found.push(pin(RUST, "rust-toolchain.toml", rust(&text)));
    } else if let Some(text) = read("rust-toolchain") {
        let to = match text.contains('[') {
            true => rust(&text),
            false => version(text),
        };
        found.push(pin(RUST, "rust-toolchain", to));
    }
    if let Some(path) = read(".yarnrc.yml").and_then(|text| field(&text, "yarnPath:")) {
        found.push(pin(&["yarn"], ".yarnrc.yml", PinnedTo::Path(path)));
    }
    if let Some(path) = read(".yarnrc").and_then(|text| field(&text, "yarn-path ")) {
        found.push(pin(&["yarn"], ".yarnrc", PinnedTo::Path(path)));
    }
    let manager = read("package.json").and_then(|text| {
        let package: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(package.get("packageManager")?.as_str()?.to_string())
    });
    if let Some(manager) = manager {
        found.push(pin(
            &["npm", "pnpm", "yarn"],
            "package.json",
            PinnedTo::Version(manager),
        ));
    }
    if let Some(toolchain) = read("go.mod").and_then(|text| field(&text, "toolchain ")) {
        found.push(pin(&["go"], "go.mod", PinnedTo::Version(toolchain)));
    }
    for file in [".nvmrc", ".node-version"] {
        found.extend(read(file).map(|text| pin(NODE, file, version(text))));
    }
    found.extend(
        read(".python-version").map(|text| pin(&["python3"], ".python-version", version(text))),
    );
    for file in [".tool-versions", "mise.toml", ".mise.toml"] {
        found.extend(read(file).map(|_| pin(&[], file, PinnedTo::Unknown)));
    }
    found
}

impl Pin {
    /// Whether it is about a program. Files of version managers may be about any.
    pub(super) fn is_about(&self, tool: &str) -> bool {
        self.tools.is_empty() || self.tools.contains(&tool)
    }

    /// What is to be told of it.
    pub(super) fn message(&self) -> Option<String> {
        let tool = self.tools.first()?;
        let file = self.file;
        match &self.to {
            PinnedTo::Version(version) if version.contains('@') => {
                Some(format!("`{file}` asks for {version}"))
            }
            PinnedTo::Version(version) => Some(format!("`{file}` asks for `{tool}` {version}")),
            PinnedTo::Path(path) => Some(format!(
                "`{file}` sets `{tool}` to `{path}`: builds run it, `wash doctor` did not"
            )),
            PinnedTo::Unknown => None,
        }
    }
}

/// The channel of rustup that a project asks for, if it is a name.
pub(super) fn rust_channel(dir: &Path) -> Option<String> {
    let pins = pins(dir).into_iter();
    let channel = pins
        .filter(|pin| pin.tools == RUST)
        .find_map(|pin| match pin.to {
            PinnedTo::Version(channel) => Some(channel),
            _ => None,
        })?;
    // A path would be run.
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    channel.chars().all(is_name).then_some(channel)
}

/// Whether a project has its own Rust toolchain.
pub(super) fn has_own_rust(dir: &Path) -> bool {
    let is_own = |pin: &Pin| pin.tools == RUST && matches!(pin.to, PinnedTo::Path(_));
    pins(dir).iter().any(is_own)
}

fn rust(text: &str) -> PinnedTo {
    let table: Option<toml::Table> = text.parse().ok();
    let toolchain = table.as_ref().and_then(|table| table.get("toolchain"));
    let of = |key: &str| Some(toolchain?.get(key)?.as_str()?.to_string());
    match (of("path"), of("channel")) {
        (Some(path), _) => PinnedTo::Path(path),
        (None, Some(channel)) if channel.contains('/') => PinnedTo::Path(channel),
        (None, Some(channel)) => PinnedTo::Version(channel),
        (None, None) => PinnedTo::Unknown,
    }
}

/// The rest of the line that begins with a word.
fn field(text: &str, word: &str) -> Option<String> {
    let rest = text.lines().find_map(|line| line.strip_prefix(word))?;
    Some(rest.trim().trim_matches(['"', '\'']).to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_say_what_is_asked_for() {
        for (file, text, message) in [
            (
                "rust-toolchain.toml",
                "[toolchain]\nchannel = \"1.95\"",
                "`rust-toolchain.toml` asks for `cargo` 1.95",
            ),
            (
                "rust-toolchain",
                "nightly\n",
                "`rust-toolchain` asks for `cargo` nightly",
            ),
            (
                "rust-toolchain.toml",
                "[toolchain]\npath = \"tc\"",
                "`rust-toolchain.toml` sets `cargo` to `tc`: builds run it, `wash doctor` did not",
            ),
            (
                ".yarnrc.yml",
                "x: 1\nyarnPath: .yarn/releases/yarn.cjs\n",
                "`.yarnrc.yml` sets `yarn` to `.yarn/releases/yarn.cjs`: builds run it, `wash doctor` did not",
            ),
            (
                "package.json",
                r#"{"packageManager": "pnpm@9.1.0"}"#,
                "`package.json` asks for pnpm@9.1.0",
            ),
            (
                "go.mod",
                "module x\ngo 1.22\ntoolchain go1.23.1\n",
                "`go.mod` asks for `go` go1.23.1",
            ),
            (".nvmrc", "22\n", "`.nvmrc` asks for `node` 22"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(file), text).unwrap();
            let below = dir.path().join("below");
            fs::create_dir(&below).unwrap();
            let found = pins(&below);
            let messages: Vec<_> = found.iter().filter_map(Pin::message).collect();
            assert_eq!(messages, [message]);
        }
    }

    #[test]
    fn a_channel_is_a_name() {
        for (text, channel, is_own) in [
            ("[toolchain]\nchannel = \"1.95\"", Some("1.95"), false),
            ("[toolchain]\nchannel = \"/x/tc\"", None, true),
            ("[toolchain]\npath = \"tc\"\nchannel = \"1.95\"", None, true),
            ("[toolchain]\nchannel = \"+x y\"", None, false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("rust-toolchain.toml"), text).unwrap();
            assert_eq!(rust_channel(dir.path()).as_deref(), channel, "{text}");
            assert_eq!(has_own_rust(dir.path()), is_own, "{text}");
        }
    }
}
