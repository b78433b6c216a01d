//! The tools that projects are built with: what each is for, which versions will do, and how to get it.

use std::env;
use std::path::{Path, PathBuf};

use crate::project::Kind;

/// A program that builds of some kind need.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// What would not work without it.
    pub(crate) purpose: &'static str,
    /// Makes it tell its version.
    pub(crate) version: &'static [&'static str],
    /// Older ones will not do, and why.
    pub(crate) oldest: Option<([u32; 3], &'static str)>,
    pub(crate) install: Install,
    /// Nobody misses it who does not need it.
    pub(crate) rare: bool,
}

/// How to get a tool.
#[derive(Debug)]
pub(crate) enum Install {
    /// A line for the shell, the same everywhere.
    Command(&'static str),
    /// The page that says how.
    Page(&'static str),
}

/// In the order in which they are told.
pub(crate) const TOOLS: [Tool; 16] = [
    Tool {
        name: "cargo",
        purpose: "Rust components",
        version: &["--version"],
        oldest: Some(([1, 82, 0], "the first with the target wasm32-wasip2")),
        install: RUST,
        rare: false,
    },
    Tool {
        name: "rustc",
        purpose: "Rust components",
        version: &["--version"],
        oldest: Some(([1, 82, 0], "the first with the target wasm32-wasip2")),
        install: RUST,
        rare: false,
    },
    Tool {
        name: "rustup",
        purpose: "further Rust targets and toolchains",
        version: &["--version"],
        oldest: None,
        install: RUST,
        rare: false,
    },
    Tool {
        name: "node",
        purpose: "JavaScript components",
        version: &["--version"],
        oldest: Some(([20, 19, 0], "jco does not run on older versions")),
        install: Install::Page("install Node.js: https://nodejs.org"),
        rare: false,
    },
    Tool {
        name: "npm",
        purpose: "JavaScript components",
        version: &["--version"],
        oldest: None,
        install: Install::Page("install Node.js: https://nodejs.org"),
        rare: false,
    },
    Tool {
        name: "pnpm",
        purpose: "JavaScript components of projects with pnpm-lock.yaml",
        version: &["--version"],
        oldest: None,
        install: Install::Command("npm install --global pnpm"),
        rare: true,
    },
    Tool {
        name: "yarn",
        purpose: "JavaScript components of projects with yarn.lock",
        version: &["--version"],
        oldest: None,
        install: Install::Command("npm install --global yarn"),
        rare: true,
    },
    Tool {
        name: "bun",
        purpose: "JavaScript components of projects with bun.lock",
        version: &["--version"],
        oldest: None,
        install: Install::Page("install Bun: https://bun.sh"),
        rare: true,
    },
    Tool {
        name: "jco",
        purpose: "JavaScript components; projects mostly have their own",
        version: &["--version"],
        oldest: None,
        install: Install::Command("npm install --global @bytecodealliance/jco"),
        rare: true,
    },
    Tool {
        name: "python3",
        purpose: "Python components",
        version: &["--version"],
        oldest: None,
        install: Install::Page("install Python: https://www.python.org/downloads"),
        rare: false,
    },
    Tool {
        name: "componentize-py",
        purpose: "Python components",
        version: &["--version"],
        oldest: None,
        install: Install::Command(
            "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1",
        ),
        rare: false,
    },
    Tool {
        name: "go",
        purpose: "Go components",
        version: &["version"],
        oldest: Some(([1, 21, 0], "the first that builds for wasip1")),
        install: Install::Page("install Go: https://go.dev/dl"),
        rare: false,
    },
    Tool {
        name: "tinygo",
        purpose: "Go components with a WIT world of their own",
        version: &["version"],
        oldest: Some(([0, 33, 0], "the first that builds for wasip2")),
        install: Install::Page("install TinyGo: https://tinygo.org/getting-started/install"),
        rare: false,
    },
    Tool {
        name: "clang",
        purpose: "C and C++ components",
        version: &["--version"],
        oldest: None,
        install: Install::Page(
            "install wasi-sdk: https://github.com/WebAssembly/wasi-sdk/releases",
        ),
        rare: false,
    },
    Tool {
        name: "make",
        purpose: "projects with a Makefile",
        version: &["--version"],
        oldest: None,
        install: Install::Page("install make with the system's package manager"),
        rare: false,
    },
    Tool {
        name: "git",
        purpose: "WIT packages and templates in git repositories",
        version: &["--version"],
        oldest: None,
        install: Install::Page("install git: https://git-scm.com/downloads"),
        rare: false,
    },
];

const RUST: Install = Install::Page("install Rust: https://rustup.rs");

pub(crate) fn known(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// The tool that a kind of project cannot do without.
pub(super) fn tool_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Cargo => Some("cargo"),
        Kind::Npm => Some("npm"),
        Kind::Python => Some("componentize-py"),
        Kind::Go => Some("tinygo"),
        Kind::Custom | Kind::Prebuilt => None,
    }
}

/// The package manager of JavaScript that a command begins with.
pub(super) fn package_manager(command: &str) -> Option<&'static str> {
    let first = command.split_whitespace().next()?;
    ["npm", "pnpm", "yarn", "bun"]
        .into_iter()
        .find(|manager| *manager == first)
}

pub(crate) fn how_to_install(tool: &str) -> String {
    match known(tool).map(|tool| &tool.install) {
        Some(Install::Command(line) | Install::Page(line)) => line.to_string(),
        None => format!("install `{tool}`, or change the build command in .wash/config.*"),
    }
}

/// Where a program is that can be run by its name, or by its path from `dir`.
pub(crate) fn locate(program: &str, dir: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        let path = dir.join(program);
        return path.is_file().then_some(path);
    }
    let path = env::var_os("PATH")?;
    let candidates = env::split_paths(&path).map(|dir| dir.join(program));
    candidates.into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_is_set_up_as_its_template_is() {
        let config = include_str!("../../templates/http-python/.wash/config.yaml");
        let readme = include_str!("../../templates/http-python/README.md.jinja");
        let line = how_to_install("componentize-py");
        assert!(config.contains(&line) && readme.contains(&line), "{line}");
    }
}
