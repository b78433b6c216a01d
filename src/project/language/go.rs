//! Go projects: TinyGo for a component with a world of its own, Go's own compiler for a plain WASI command.

use std::path::{Path, PathBuf};

use wash_common::process::Command;

use super::world::only_world;
use super::{Detected, Recipe};
use crate::project::Artifact;
use crate::project::raw::RawTinyGo;

/// The last element of the module's path, a version suffix apart.
pub(super) fn name(go_mod: &str) -> Option<String> {
    let module = go_mod
        .lines()
        .find_map(|line| line.trim().strip_prefix("module "))?;
    let mut elements = module.trim().rsplit('/').peekable();
    let last = elements.next()?;
    let is_version = last
        .strip_prefix('v')
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let name = if is_version {
        elements.next().unwrap_or(last)
    } else {
        last
    };
    Some(name.to_string())
}

pub(super) fn recipe(
    root: &Path,
    detected: &Detected,
    raw: Option<&RawTinyGo>,
    artifact: Option<PathBuf>,
) -> Recipe {
    let artifact = artifact.unwrap_or_else(|| {
        root.join(format!(
            "{}.wasm",
            detected.name.as_deref().unwrap_or("main")
        ))
    });
    let (argv, env) = match raw {
        Some(raw) => (tinygo(root, raw, &artifact), Vec::new()),
        None if root.join("wit").is_dir() => {
            (tinygo(root, &RawTinyGo::default(), &artifact), Vec::new())
        }
        None => {
            let argv = ["go", "build", "-o", &artifact.to_string_lossy(), "."]
                .map(String::from)
                .into();
            (
                argv,
                vec![
                    ("GOOS", "wasip1".to_string()),
                    ("GOARCH", "wasm".to_string()),
                ],
            )
        }
    };
    Recipe {
        command: Command::Argv(argv),
        artifact: Artifact::Path(artifact),
        env,
    }
}

fn tinygo(root: &Path, raw: &RawTinyGo, artifact: &Path) -> Vec<String> {
    let mut argv = vec!["tinygo".to_string(), "build".into()];
    let mut flag = |name: &str, value: Option<&str>| {
        argv.extend(value.map(|value| format!("-{name}={value}")));
    };
    let package = raw
        .wit_package
        .clone()
        .or_else(|| root.join("wit").is_dir().then(|| "wit".to_string()));
    flag("target", Some(raw.target.as_deref().unwrap_or("wasip2")));
    flag("wit-package", package.as_deref());
    // Without it TinyGo takes a world of its own, which exports nothing of the project's.
    let dir = package.as_ref().map(|package| root.join(package));
    let only = || dir.and_then(|dir| only_world(&dir).ok());
    flag("wit-world", raw.wit_world.clone().or_else(only).as_deref());
    flag("scheduler", raw.scheduler.as_deref());
    flag("gc", raw.gc.as_deref());
    flag("opt", raw.opt.as_deref());
    flag("panic", raw.panic.as_deref());
    flag("stack-size", raw.stack_size.as_deref());
    flag(
        "tags",
        Some(raw.tags.join(" "))
            .filter(|tags| !tags.is_empty())
            .as_deref(),
    );
    if raw.no_debug {
        argv.push("-no-debug".into());
    }
    argv.extend(raw.build_flags.iter().cloned());
    argv.extend([
        "-o".into(),
        artifact.to_string_lossy().into_owned(),
        ".".into(),
    ]);
    argv
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn the_name_is_the_last_element_of_the_module() {
        let cases = [
            ("module example.org/me/api\n\ngo 1.23\n", Some("api")),
            ("// comment\nmodule example.org/me/api/v2\n", Some("api")),
            ("module hello\n", Some("hello")),
            ("go 1.23\n", None),
        ];
        for (text, expected) in cases {
            assert_eq!(name(text).as_deref(), expected);
        }
    }
}
