//! Looks for the tools of a build before it runs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Once;

use wash_common::process::{Command, Output};

use super::error::{Toolchain, is_not_found};
use super::{BuildError, tools};
use crate::project::language::{cargo, npm};
use crate::project::{Kind, Project};

/// The rustup toolchain that our script builds where `rustup target add` cannot reach its server.
const FALLBACK_TOOLCHAIN: &str = "wash-wasm";

/// Changes to the environment of the command.
#[derive(Debug, Default)]
pub(super) struct Environment {
    pub(super) set: Vec<(String, String)>,
    pub(super) unset: Vec<&'static str>,
}

/// Where tools are asked about themselves.
pub(super) enum Place {
    /// In the project's directory, whose files say which version of a tool is run.
    Project,
    /// Where nothing of the project is run. Of the rustup toolchains, this one counts; else the default one.
    Outside { toolchain: Option<String> },
}

pub(super) async fn check(
    project: &Project,
    place: &Place,
    output: &Output,
) -> Result<Environment, BuildError> {
    if let Command::Argv(argv) = &project.build.command
        && let Some(tool) = argv.first()
        && tools::locate(tool, &project.root).is_none()
    {
        return Err(BuildError::MissingTool { tool: tool.clone() });
    }
    match (&project.build.kind, &project.build.command) {
        (Kind::Npm, Command::Argv(argv)) => {
            packages(&project.root, argv.first().map_or("npm", String::as_str))
                .map(|()| Environment::default())
        }
        _ => match cargo::target_of(&project.root, &project.build.command) {
            Some(target) => rust(project, target, place, output).await,
            None => Ok(Environment::default()),
        },
    }
}

/// Whether the packages are there that a command of the config needs which does not install them itself.
pub(super) fn packages_of(project: &Project) -> Result<(), BuildError> {
    match (&project.build.kind, &project.build.command) {
        (Kind::Npm, Command::Shell(line)) => {
            let installs = |word: &str| matches!(word, "install" | "i" | "ci" | "add");
            match line.split_whitespace().any(installs) {
                true => Ok(()),
                false => packages(&project.root, manager(line, &project.root)),
            }
        }
        _ => Ok(()),
    }
}

/// The package manager that a command begins with, else that of the project.
fn manager<'a>(line: &'a str, root: &Path) -> &'a str {
    let first = line.split_whitespace().next();
    first
        .filter(|first| ["pnpm", "yarn", "bun"].contains(first))
        .unwrap_or_else(|| npm::manager(root))
}

/// Why a command of the config may have failed. It is not looked for before: the command may install packages itself.
pub(super) fn explain(project: &Project, status: ExitStatus) -> Result<(), BuildError> {
    match (&project.build.kind, &project.build.command) {
        (Kind::Npm, Command::Shell(line)) if is_not_found(status) => {
            packages(&project.root, manager(line, &project.root))
        }
        _ => Ok(()),
    }
}

/// The packages of package.json must be installed, here or in a workspace above.
fn packages(root: &Path, manager: &str) -> Result<(), BuildError> {
    let manifest = root.join("package.json");
    let text = wash_common::files::read_to_string(&manifest).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let names = |key: &str| {
        package
            .get(key)
            .and_then(|names| names.as_object())
            .is_some_and(|names| !names.is_empty())
    };
    let installed = root
        .ancestors()
        .any(|dir| dir.join("node_modules").is_dir() || dir.join(".pnp.cjs").is_file());
    match (names("dependencies") || names("devDependencies")) && !installed {
        true => Err(BuildError::MissingPackages {
            manifest,
            manager: manager.to_string(),
        }),
        false => Ok(()),
    }
}

/// The target must be installed for the toolchain that the project gets; if that is nobody's choice, our own
/// toolchain may stand in.
async fn rust(
    project: &Project,
    target: String,
    place: &Place,
    output: &Output,
) -> Result<Environment, BuildError> {
    let mut environment = Environment::default();
    // Started by `cargo run`, we inherit the toolchain of that cargo, which is nobody's choice for this project.
    if env::var_os("CARGO").is_some() {
        environment.unset.push("RUSTUP_TOOLCHAIN");
    }
    let sysroot = sysroot(&project.root, place, &environment.unset).await?;
    if has_target(&sysroot, &target) {
        return Ok(environment);
    }
    let chosen =
        project.build.env.contains_key("RUSTUP_TOOLCHAIN") || has_toolchain_file(&project.root);
    let name = sysroot
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    match rustup_home().map(|home| home.join("toolchains").join(FALLBACK_TOOLCHAIN)) {
        Some(fallback) if !chosen && has_target(&fallback, &target) => {
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                super::say(output, &format!(
                    "building with the rustup toolchain `{FALLBACK_TOOLCHAIN}`: `{name}` has no target `{target}`"
                ));
            });
            environment.set.push((
                "RUSTUP_TOOLCHAIN".to_string(),
                FALLBACK_TOOLCHAIN.to_string(),
            ));
            Ok(environment)
        }
        _ if chosen => Err(BuildError::MissingTarget {
            target,
            toolchain: Toolchain::Named(name),
        }),
        _ => Err(BuildError::MissingTarget {
            target,
            toolchain: Toolchain::Default,
        }),
    }
}

/// Where the Rust toolchain of a directory lives.
async fn sysroot(dir: &Path, place: &Place, unset: &[&str]) -> Result<PathBuf, BuildError> {
    let mut command = tokio::process::Command::new("rustc");
    command
        .args(["--print", "sysroot"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for name in unset {
        command.env_remove(name);
    }
    match place {
        Place::Project => {
            command.current_dir(dir);
        }
        Place::Outside { toolchain } => {
            command.current_dir("/").env("RUSTUP_AUTO_INSTALL", "0");
            if let Some(toolchain) = toolchain {
                command.env("RUSTUP_TOOLCHAIN", toolchain);
            }
        }
    }
    let missing = || BuildError::MissingTool {
        tool: "rustc".to_string(),
    };
    let answer = command.output().await.map_err(|_| missing())?;
    if !answer.status.success() {
        // rustup says why: the toolchain of the project's `rust-toolchain` file is not installed, for example.
        return Err(BuildError::Failed {
            command: "rustc --print sysroot".to_string(),
            status: answer.status,
            output: String::from_utf8_lossy(&answer.stderr).into_owned(),
            kind: Kind::Cargo,
        });
    }
    Ok(PathBuf::from(
        String::from_utf8_lossy(&answer.stdout).trim(),
    ))
}

fn has_target(sysroot: &Path, target: &str) -> bool {
    let libraries = std::fs::read_dir(sysroot.join("lib").join("rustlib").join(target).join("lib"));
    libraries
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

fn has_toolchain_file(root: &Path) -> bool {
    root.ancestors().any(|dir| {
        ["rust-toolchain.toml", "rust-toolchain"]
            .iter()
            .any(|name| dir.join(name).is_file())
    })
}

fn rustup_home() -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".rustup"));
    env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(home)
}
