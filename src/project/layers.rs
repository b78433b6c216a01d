//! The layers of the configuration, lowest first: the user's config, the project's, `WASH_SECTION__KEY` in the
//! environment, the command line. Merged key by key; lists are replaced.

use std::io;
use std::path::{Path, PathBuf};

use wash_common::{files, folders};

use super::keys::{Form, NoSuchKey, VariableKey, key_of_variable, meant_by};
use super::parse::parse;
use super::table::Notes;
use super::value::{Node, Origin, Value};
use super::{Overrides, ProjectError};

/// In the order in which they are looked for; the first that exists is read.
const NAMES: [&str; 4] = ["config.yaml", "config.yml", "config.json", "config.toml"];

/// The merged configuration, and the files it came from or would have come from.
pub(super) struct Layers {
    pub(super) config: Value,
    pub(super) sources: Vec<PathBuf>,
}

/// `root` is `None` for a component that is there already: it has no project config.
pub(super) fn read(
    root: Option<&Path>,
    overrides: &Overrides,
    notes: &Notes,
) -> Result<Layers, ProjectError> {
    let mut layers = Layers {
        config: Value::empty_map(root.unwrap_or(Path::new("."))),
        sources: Vec::new(),
    };
    match &overrides.user_config {
        Some(file) => layers.add_file(file, notes)?,
        None => {
            if let Some(dir) = user_config_dir(overrides) {
                layers.add_first(&dir, notes)?;
            }
        }
    }
    match (&overrides.config, root) {
        (Some(file), _) => layers.add_file(file, notes)?,
        (None, Some(root)) => layers.add_first(&root.join(".wash"), notes)?,
        (None, None) => {}
    }
    for (name, text) in in_order(overrides) {
        match key_of_variable(name, &layers.config) {
            None => {
                if let Some(meant) = meant_by(name) {
                    let hint =
                        format!("two underscores separate a section from its key: `{meant}`");
                    notes.warn(
                        &of_variable(name),
                        "this is not a setting".to_string(),
                        Some(hint),
                    );
                }
            }
            Some(Ok(VariableKey { path, form })) => {
                layers.config.insert(&path, variable(name, text, form));
            }
            Some(Err(NoSuchKey { path, near })) => {
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                notes.unknown(&of_variable(name), format!("unknown key `{path}`"), hint);
            }
        }
    }
    let flags = [
        ("--address", &overrides.address, &["dev", "address"][..]),
        ("--tls", &overrides.tls, &["dev", "tls"]),
        (
            "--artifact-path",
            &overrides.artifact,
            &["build", "component_path"],
        ),
        (
            "--artifact-path",
            &overrides.artifact,
            &["dev", "component_path"],
        ),
    ];
    for (flag, text, path) in flags {
        if let Some(text) = text {
            let path: Vec<String> = path.iter().map(ToString::to_string).collect();
            let at = Origin {
                file: Path::new(flag).into(),
                line: None,
            };
            layers.config.insert(
                &path,
                Value {
                    node: Node::Text(text.clone()),
                    at,
                },
            );
        }
    }
    Ok(layers)
}

/// The names of config files in a directory, in the order in which they are looked for.
pub(super) fn files_in(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    NAMES.map(|name| dir.join(name)).into_iter()
}

/// The user's config file, or where it would be.
pub(super) fn user_file(overrides: &Overrides) -> Option<PathBuf> {
    if let Some(file) = &overrides.user_config {
        return Some(file.clone());
    }
    let dir = user_config_dir(overrides)?;
    let found = files_in(&dir).find(|path| is_there(path));
    found.or_else(|| files_in(&dir).next())
}

/// One file alone, as the config of the project in `root`.
pub(super) fn read_file(path: &Path, root: &Path, notes: &Notes) -> Result<Layers, ProjectError> {
    let mut layers = Layers {
        config: Value::empty_map(root),
        sources: Vec::new(),
    };
    layers.add_file(path, notes)?;
    Ok(layers)
}

/// Whether there is something under the name of a config, be it nothing that can be read: it is not passed over then.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether a directory has a config file of its own.
pub(super) fn has_config(dir: &Path) -> bool {
    NAMES
        .iter()
        .any(|name| is_there(&dir.join(".wash").join(name)))
}

impl Layers {
    fn add_first(&mut self, dir: &Path, notes: &Notes) -> Result<(), ProjectError> {
        let candidates = NAMES.map(|name| dir.join(name));
        let mut present = candidates.iter().filter(|path| is_there(path));
        if let Some(first) = present.next() {
            for other in present {
                let at = Origin {
                    file: other.as_path().into(),
                    line: None,
                };
                notes.warn(
                    &at,
                    format!("ignored, because `{}` exists", first.display()),
                    None,
                );
            }
            self.merge(first, notes)?;
        }
        self.sources.extend(candidates);
        Ok(())
    }

    fn add_file(&mut self, path: &Path, notes: &Notes) -> Result<(), ProjectError> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.merge(&path, notes)?;
        self.sources.push(path);
        Ok(())
    }

    fn merge(&mut self, path: &Path, notes: &Notes) -> Result<(), ProjectError> {
        let text = files::read_to_string(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ProjectError::NoSuchFile(path.to_path_buf()),
            _ => ProjectError::Read {
                path: path.to_path_buf(),
                source,
            },
        })?;
        match parse(path, &text) {
            Ok(Value {
                node: Node::Map(entries),
                at,
            }) => self.config.merge(Value {
                node: Node::Map(entries),
                at,
            }),
            Ok(other) => {
                notes.problem(
                    &other.at,
                    format!("expected a map of settings, found {}", other.describe()),
                    None,
                );
            }
            Err(problem) => notes.problems.borrow_mut().push(problem),
        }
        Ok(())
    }
}

fn user_config_dir(overrides: &Overrides) -> Option<PathBuf> {
    match overrides
        .env
        .get("XDG_CONFIG_HOME")
        .filter(|dir| Path::new(dir).is_absolute())
    {
        Some(dir) => Some(Path::new(dir).join("wash")),
        None => folders::config(),
    }
}

/// The variables, so that the entries of a list come in its order: `X__2` before `X__10`.
fn in_order(overrides: &Overrides) -> Vec<(&String, &String)> {
    let mut variables: Vec<_> = overrides.env.iter().collect();
    variables.sort_by_cached_key(|(name, _)| {
        let segments = name.split("__");
        let key = |segment: &str| (segment.parse::<usize>().ok(), segment.to_string());
        segments.map(key).collect::<Vec<_>>()
    });
    variables
}

fn of_variable(name: &str) -> Origin {
    Origin {
        file: Path::new(&format!("${name}")).into(),
        line: None,
    }
}

/// What a variable says to a key that takes such values.
fn variable(name: &str, text: &str, form: Form) -> Value {
    let at = of_variable(name);
    let as_text = || Node::Text(text.to_string());
    let node = match form {
        Form::Text => as_text(),
        Form::TextOrList | Form::List | Form::Yaml => match parse(&at.file, text) {
            Ok(Value {
                node: node @ Node::List(_),
                ..
            }) => node,
            Ok(Value {
                node: node @ (Node::Bool { .. } | Node::Number { .. }),
                ..
            }) if form == Form::Yaml => node,
            Ok(Value {
                node: Node::Map(entries),
                ..
            }) if form == Form::Yaml && !entries.is_empty() => Node::Map(entries),
            _ => as_text(),
        },
    };
    Value { node, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_decides_what_a_variable_is() {
        let node = |text, form| variable("WASH_A__B", text, form).node;
        let text = |text: &str| Node::Text(text.to_string());
        for value in [
            "true",
            "80",
            "Hello: world",
            "{\"a\": 1}",
            "[1, 2]",
            "",
            "\"x\"",
            "# x",
            "a: b",
        ] {
            assert_eq!(node(value, Form::Text), text(value));
        }
        assert!(matches!(
            node("true", Form::Yaml),
            Node::Bool { value: true, .. }
        ));
        assert!(matches!(node("{a: 1}", Form::Yaml), Node::Map(map) if map.len() == 1));
        assert_eq!(node("[::1]:80", Form::Yaml), text("[::1]:80"));
        assert_eq!(node("", Form::Yaml), text(""));
        for form in [Form::Yaml, Form::List, Form::TextOrList] {
            assert!(matches!(node("[a, b]", form), Node::List(items) if items.len() == 2));
        }
        assert_eq!(node("a, b", Form::List), text("a, b"));
        assert_eq!(node("a: b", Form::TextOrList), text("a: b"));
    }

    #[test]
    fn entries_of_a_list_come_in_its_order() {
        let env = ["WASH_A__10", "WASH_A__2", "WASH_A", "HOME"];
        let overrides = Overrides {
            env: env.map(|name| (name.to_string(), String::new())).into(),
            ..Overrides::default()
        };
        let names: Vec<_> = in_order(&overrides)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["HOME", "WASH_A", "WASH_A__2", "WASH_A__10"]);
    }
}
