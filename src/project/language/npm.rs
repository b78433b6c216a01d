//! JavaScript and TypeScript projects: the package manager runs the project's own build script.

use std::path::{Path, PathBuf};

use ignore::overrides::OverrideBuilder;
use serde_json::Value as Json;
use wash_common::process::Command;

use super::{Recipe, read};
use crate::project::raw::RawTypeScript;
use crate::project::{Artifact, ProjectError};

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

/// The lock files, and files of a workspace, by which a package manager is known.
const SIGNS: [(&str, &str); 9] = [
    ("pnpm-lock.yaml", "pnpm"),
    ("pnpm-workspace.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    (".yarnrc.yml", "yarn"),
    (".pnp.cjs", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
];

/// The package manager that the project's own files name, or those of the workspace that it is a member of.
pub(crate) fn manager(root: &Path) -> &'static str {
    let workspace = || {
        root.ancestors()
            .skip(1)
            .find(|above| has_member(above, root))
    };
    let of_workspace = || workspace().and_then(manager_in);
    manager_in(root).or_else(of_workspace).unwrap_or("npm")
}

/// What a directory says: `packageManager` of its package.json, then its files.
fn manager_in(dir: &Path) -> Option<&'static str> {
    let package = package(dir);
    let chosen = [
        package["packageManager"].as_str(),
        package["devEngines"]["packageManager"]["name"].as_str(),
    ];
    let chosen = chosen.into_iter().flatten().find_map(|chosen| {
        let name = chosen.split('@').next()?;
        ["npm", "pnpm", "yarn", "bun"]
            .into_iter()
            .find(|known| *known == name)
    });
    let by_file = || SIGNS.iter().find(|(file, _)| dir.join(file).is_file());
    chosen.or_else(|| by_file().map(|(_, manager)| *manager))
}

fn package(dir: &Path) -> Json {
    let text = wash_common::files::read_to_string(dir.join("package.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Whether `dir` is the root of a workspace with `member` in it.
fn has_member(dir: &Path, member: &Path) -> bool {
    let globs = workspace_globs(dir);
    if globs.is_empty() {
        return false;
    }
    let mut overrides = OverrideBuilder::new(dir);
    for glob in &globs {
        let glob = glob.trim_start_matches("./").trim_end_matches('/');
        // In the order of the file, where the last that fits decides, also one that begins with `!`.
        if overrides.add(&glob.replacen("!./", "!", 1)).is_err() {
            return false;
        }
    }
    let matched = overrides
        .build()
        .map(|globs| globs.matched(member, true).is_whitelist());
    matched.unwrap_or(false)
}

/// The members that a workspace names, as npm, yarn and bun have them, or as pnpm has.
fn workspace_globs(dir: &Path) -> Vec<String> {
    let package = package(dir);
    let workspaces = &package["workspaces"];
    let named = workspaces.as_array().or(workspaces["packages"].as_array());
    let pnpm =
        wash_common::files::read_to_string(dir.join("pnpm-workspace.yaml")).unwrap_or_default();
    let pnpm: Json = serde_saphyr::from_str(&pnpm).unwrap_or_default();
    let named = named.or(pnpm["packages"].as_array());
    let globs = named.into_iter().flatten().filter_map(Json::as_str);
    globs.map(str::to_string).collect()
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
    fn the_package_manager_is_that_of_the_project_or_of_its_workspace() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        for dir in ["pnpm", "yarn", "bun", "npm"] {
            write(&format!("{dir}/apps/one/package.json"), "{}");
            write(&format!("{dir}/apps/own/package.json"), "{}");
            write(&format!("{dir}/apps/own/package-lock.json"), "{}");
            write(&format!("{dir}/tools/none/package.json"), "{}");
        }
        write("pnpm/package.json", "{}");
        write(
            "pnpm/pnpm-workspace.yaml",
            "packages:\n  - 'apps/*'\n  - '!apps/not'\n",
        );
        write("pnpm/apps/not/package.json", "{}");
        write(
            "yarn/package.json",
            r#"{ "workspaces": { "packages": ["./apps/*"] }, "packageManager": "yarn@4.5.0+sha224.0" }"#,
        );
        write("bun/package.json", r#"{ "workspaces": ["apps/**"] }"#);
        write("bun/bun.lock", "");
        // Someone's lock file in a directory above is nobody's workspace.
        write("npm/yarn.lock", "");
        for (project, expected) in [
            ("pnpm/apps/one", "pnpm"),
            ("pnpm/apps/not", "npm"),
            ("pnpm/tools/none", "npm"),
            ("pnpm/apps/own", "npm"),
            ("yarn/apps/one", "yarn"),
            ("yarn", "yarn"),
            ("bun/apps/one", "bun"),
            ("bun/tools/none", "npm"),
            ("npm/apps/one", "npm"),
        ] {
            assert_eq!(manager(&root.join(project)), expected, "{project}");
        }
    }

    #[test]
    fn a_scope_is_no_part_of_the_name() {
        assert_eq!(name(r#"{"name": "@me/app"}"#).as_deref(), Some("app"));
        assert_eq!(name("{}"), None);
    }
}
