//! JavaScript and TypeScript projects: the package manager runs the project's own build script.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{Recipe, read};
use crate::project::raw::RawTypeScript;
use crate::project::{Artifact, Command, ProjectError};

/// The package's name without its scope.
pub(super) fn name(package: &str) -> Option<String> {
    let package: Json = serde_json::from_str(package).ok()?;
    let name = package.get("name")?.as_str()?;
    Some(name.rsplit('/').next().unwrap_or(name).to_string())
}

pub(super) fn recipe(
    root: &Path,
    raw: Option<&RawTypeScript>,
    artifact: Option<PathBuf>,
) -> Result<Recipe, ProjectError> {
    let none = RawTypeScript::default();
    let raw = raw.unwrap_or(&none);
    let file = root.join("package.json");
    let package: Json =
        serde_json::from_str(&read(&file)?).map_err(|error| ProjectError::Read {
            path: file.clone(),
            source: error.into(),
        })?;
    let scripts = package.get("scripts").cloned().unwrap_or_default();
    let script = raw.build_command.as_deref().unwrap_or("build");
    if scripts.get(script).is_none() {
        return Err(ProjectError::NoBuildScript {
            file,
            script: script.to_string(),
        });
    }
    let manager = raw
        .package_manager
        .clone()
        .unwrap_or_else(|| manager(root).to_string());
    let mut argv = vec![manager, "run".to_string(), script.to_string()];
    if !raw.build_flags.is_empty() {
        argv.push("--".into());
        argv.extend(raw.build_flags.iter().cloned());
    }
    let written = || written_by(&scripts, script, 0).map(|path| root.join(path));
    let artifact = match artifact.or_else(written) {
        Some(path) => Artifact::Path(path),
        None => Artifact::Search(output_dirs(root)),
    };
    Ok(Recipe {
        command: Command::Argv(argv),
        artifact,
        env: Vec::new(),
    })
}

/// Where builds usually leave what they made.
pub(super) fn output_dirs(root: &Path) -> Vec<PathBuf> {
    ["dist", "build", "out", ""]
        .map(|dir| root.join(dir))
        .into()
}

/// The package manager that the lock file belongs to.
fn manager(root: &Path) -> &'static str {
    let locks = [
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
    ];
    locks
        .iter()
        .find(|(lock, _)| root.join(lock).is_file())
        .map_or("npm", |(_, manager)| manager)
}

/// The `.wasm` file that a script, or one that it runs, names as its output.
fn written_by(scripts: &Json, script: &str, depth: usize) -> Option<String> {
    let line = scripts.get(script)?.as_str()?;
    let words: Vec<&str> = line
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']))
        .collect();
    let direct = words
        .windows(2)
        .rev()
        .find(|pair| matches!(pair[0], "-o" | "--out" | "--output"));
    let direct = direct
        .map(|pair| pair[1])
        .filter(|path| path.ends_with(".wasm"));
    direct.map(String::from).or_else(|| {
        let runs = words
            .windows(2)
            .filter(|pair| pair[0] == "run")
            .map(|pair| pair[1]);
        (depth < 8).then(|| {
            runs.into_iter()
                .rev()
                .find_map(|next| written_by(scripts, next, depth + 1))
        })?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_is_read_from_the_scripts() {
        let scripts = serde_json::json!({
            "build": "npm run bundle && npm run componentize",
            "bundle": "rollup -c",
            "componentize": "jco componentize dist/app.js -w wit -n app -o 'dist/app.wasm'",
            "loop": "npm run loop",
            "other": "make",
        });
        assert_eq!(
            written_by(&scripts, "build", 0).as_deref(),
            Some("dist/app.wasm")
        );
        assert_eq!(written_by(&scripts, "loop", 0), None);
        assert_eq!(written_by(&scripts, "other", 0), None);
    }

    #[test]
    fn a_scope_is_no_part_of_the_name() {
        assert_eq!(name(r#"{"name": "@me/app"}"#).as_deref(), Some("app"));
        assert_eq!(name("{}"), None);
    }
}
