//! Rust projects: `cargo build` for a WebAssembly target.

use std::path::{Path, PathBuf};

use wash_common::process::Command;

use super::Recipe;
use crate::project::raw::RawRust;
use crate::project::{Artifact, Purpose};

const TARGET: &str = "wasm32-wasip2";

/// Makes cargo say which files it made.
const MESSAGES: &str = "--message-format=json-render-diagnostics";

/// The command with what makes cargo say which files it made, if it is a `cargo build` that does not say already what it prints.
pub(crate) fn with_messages(command: &Command) -> Option<Command> {
    let Command::Argv(argv) = command else {
        return None;
    };
    let [cargo, build, flags @ ..] = argv.as_slice() else {
        return None;
    };
    let is_build = cargo == "cargo" && build == "build";
    match flags
        .iter()
        .find(|flag| flag.starts_with("--message-format"))
    {
        Some(flag) if is_build && flag == MESSAGES => Some(command.clone()),
        None if is_build => {
            let mut argv = vec![cargo.clone(), build.clone(), MESSAGES.to_string()];
            argv.extend_from_slice(flags);
            Some(Command::Argv(argv))
        }
        _ => None,
    }
}

/// The package's name; a workspace without a package has none.
pub(super) fn name(manifest: &str) -> Option<String> {
    let manifest: toml::Table = manifest.parse().ok()?;
    Some(manifest.get("package")?.get("name")?.as_str()?.to_string())
}

/// Unless the config says, `wash build` makes a release build, and `wash dev` one of cargo's `dev` profile: it is
/// rebuilt in a third of the time, costs twice the time to compile to machine code, and traps name their lines.
pub(super) fn recipe(
    root: &Path,
    rust: Option<&RawRust>,
    purpose: Purpose,
    artifact: Option<PathBuf>,
) -> Recipe {
    let none = RawRust::default();
    let rust = rust.unwrap_or(&none);
    let given = |flags: &[&str]| {
        rust.cargo_flags.iter().any(|given| {
            flags.iter().any(|flag| {
                given == flag
                    || given
                        .strip_prefix(flag)
                        .is_some_and(|rest| rest.starts_with('='))
            })
        })
    };
    let mut argv: Vec<String> = ["cargo", "build"].map(String::from).into();
    if artifact.is_none() {
        argv.push(MESSAGES.into());
    }
    match &rust.target {
        _ if given(&["--target"]) => {}
        Some(target) => argv.extend(["--target".into(), target.clone()]),
        None if configured_target(root).is_some() => {}
        None => argv.extend(["--target", TARGET].map(String::from)),
    }
    if rust.release.unwrap_or(purpose != Purpose::Dev) && !given(&["--release", "-r", "--profile"])
    {
        argv.push("--release".into());
    }
    if rust.no_default_features {
        argv.push("--no-default-features".into());
    }
    if !rust.features.is_empty() {
        argv.extend(["--features".into(), rust.features.join(",")]);
    }
    argv.extend(rust.cargo_flags.iter().cloned());
    let artifact = artifact.map_or(Artifact::FromCargo, Artifact::Path);
    Recipe {
        command: Command::Argv(argv),
        artifact,
        env: Vec::new(),
    }
}

/// Where a build that is not ours leaves components.
pub(super) fn output_dirs(root: &Path, rust: Option<&RawRust>) -> Vec<PathBuf> {
    let target = rust
        .and_then(|rust| rust.target.as_deref())
        .unwrap_or(TARGET);
    ["release", "debug"]
        .map(|profile| root.join("target").join(target).join(profile))
        .into()
}

/// The `build.target` of the nearest `.cargo/config.toml` that has one, if it is a WebAssembly target.
fn configured_target(root: &Path) -> Option<String> {
    let files = root
        .ancestors()
        .flat_map(|dir| ["config.toml", "config"].map(|name| dir.join(".cargo").join(name)));
    let target = files.into_iter().find_map(|file| {
        let config: toml::Table = wash_common::files::read_to_string(file)
            .ok()?
            .parse()
            .ok()?;
        Some(config.get("build")?.get("target")?.as_str()?.to_string())
    })?;
    target.starts_with("wasm32-").then_some(target)
}

/// The WebAssembly target that a cargo command builds for: named in its words, or configured.
pub(crate) fn target_of(root: &Path, command: &Command) -> Option<String> {
    let words: Vec<&str> = match command {
        Command::Shell(line) => line.split_whitespace().collect(),
        Command::Argv(argv) => argv.iter().map(String::as_str).collect(),
        Command::None => return None,
    };
    let uses_cargo = words.iter().any(|word| {
        Path::new(word)
            .file_stem()
            .is_some_and(|stem| stem == "cargo")
    });
    let named = words
        .iter()
        .map(|word| word.strip_prefix("--target=").unwrap_or(word));
    let named = named
        .filter(|word| word.starts_with("wasm32-") && !word.contains('/'))
        .map(String::from)
        .next();
    if uses_cargo {
        named.or_else(|| configured_target(root))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_found_in_the_words_of_a_command() {
        let root = Path::new("/");
        let of = |line: &str| target_of(root, &Command::Shell(line.into()));
        assert_eq!(
            of("cargo build --target wasm32-wasip2 --release").as_deref(),
            Some("wasm32-wasip2")
        );
        assert_eq!(
            of("cargo build --target=wasm32-wasip1").as_deref(),
            Some("wasm32-wasip1")
        );
        assert_eq!(
            of("cargo build && cp target/wasm32-wasip2/debug/a.wasm ."),
            None
        );
        assert_eq!(of("make TARGET=wasm32-wasip2"), None);
    }

    #[test]
    fn flags_of_the_user_are_not_given_twice() {
        let rust = RawRust {
            cargo_flags: vec!["--target=wasm32-wasip1".into(), "-r".into()],
            ..RawRust::default()
        };
        let Command::Argv(argv) = recipe(Path::new("/"), Some(&rust), Purpose::Build, None).command
        else {
            panic!("no argv")
        };
        assert_eq!(
            argv.join(" "),
            "cargo build --message-format=json-render-diagnostics --target=wasm32-wasip1 -r"
        );
    }
}
