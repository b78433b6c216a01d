//! `wash config show`

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value as Json, json};
use wash_common::advice::{Advice, hinted};

use super::root;
use crate::commands::{Globals, short};
use crate::completion::values;
use crate::project::merged::{From, Hidden, Scalar, Shown, What};
use crate::project::{Overrides, ProjectError, Purpose, keys, merged, yaml};
use crate::report;

/// Show the effective configuration and where each value comes from
///
/// Prints YAML, with the source of each value (file and line, or variable) as a comment. Secrets are never printed.
/// Outside of a project, shows only the user's configuration.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash config show\n  wash config show dev.address\n  WASH_DEV__ADDRESS=127.0.0.1:9000 wash config show"
)]
pub(super) struct ShowArgs {
    /// Show only this key and the keys below it: `dev.address`, `workload`
    #[arg(value_name = "KEY", add = values::config_keys())]
    key: Option<String>,
    /// Use this config file instead of the project's
    #[arg(long, value_name = "FILE", add = values::file())]
    config: Option<PathBuf>,
    /// Show the result of `wash dev --address`
    #[arg(long, value_name = "ADDRESS", add = values::addresses())]
    address: Option<String>,
    /// Show the result of `--artifact-path` in `wash dev` and `wash build`
    #[arg(long, value_name = "FILE", add = values::wasm_file())]
    artifact_path: Option<String>,
}

pub(super) fn run(args: &ShowArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let root = root(globals)?;
    let config = args.config.as_deref().map(|file| globals.path(file));
    let overrides = Overrides {
        config: config.transpose()?,
        address: args.address.clone(),
        artifact: args.artifact_path.clone(),
        ..globals.overrides(Purpose::Dev)?
    };
    let mut merged = merged::merged(root.as_deref(), &overrides).map_err(hinted)?;
    if !merged.problems.is_empty() {
        return Err(hinted(ProjectError::Invalid(merged.problems)));
    }
    if let Some(key) = &args.key {
        let only = merged.root.only(key).ok_or_else(|| NotSet(key.clone()));
        merged.root = only.map_err(hinted)?;
    }
    let mut settings = Vec::new();
    list(&merged.root, "", &mut settings);
    let data = json!({
        "files": merged.files.iter().map(report::json_path).collect::<Vec<_>>(),
        "config": merged.root.json(),
        "settings": settings,
    });
    let text = match settings.is_empty() {
        true => "# nothing is configured".to_string(),
        false => lines(&merged.root),
    };
    report::success(globals.output, &text, "the configuration", data)?;
    Ok(ExitCode::SUCCESS)
}

/// Nothing gives a key a value.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not set")]
struct NotSet(String);

impl Advice for NotSet {
    fn hints(&self) -> Vec<String> {
        let keys = keys::all();
        let hint = match keys.iter().find(|(name, _)| *name == self.0) {
            Some((_, key)) => key
                .default
                .map(|default| format!("the default is `{default}`")),
            None => keys::nearest(&self.0).map(|near| format!("did you mean `{near}`?")),
        };
        hint.into_iter().collect()
    }
}

/// Every value by its full name. A list of scalars is a value.
fn list(shown: &Shown, path: &str, found: &mut Vec<Json>) {
    match &shown.what {
        What::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let path = match path.is_empty() {
                    true => key.clone(),
                    false => format!("{path}.{key}"),
                };
                list(value, &path, found);
            }
        }
        What::List(items) if !items.iter().all(is_scalar) => {
            for (index, item) in items.iter().enumerate() {
                list(item, &format!("{path}[{index}]"), found);
            }
        }
        What::Map(_) if path.is_empty() => {}
        What::Map(_) | What::List(_) | What::Scalar(_) | What::Hidden(_) => {
            let from = match &shown.from {
                From::File { path, line } => {
                    json!({"kind": "file", "path": report::json_path(path), "line": line})
                }
                From::Variable(name) => json!({"kind": "variable", "name": name}),
                From::Flag(name) => json!({"kind": "flag", "name": name}),
            };
            let hidden = match &shown.what {
                What::Hidden(Hidden::Secret) => "secret".into(),
                What::Hidden(Hidden::UnknownKey) => "unknown-key".into(),
                _ => Json::Null,
            };
            let value = match hidden {
                Json::Null => shown.json(),
                _ => Json::Null,
            };
            found.push(json!({"key": path, "value": value, "hidden": hidden, "from": from}));
        }
    }
}

fn is_scalar(shown: &Shown) -> bool {
    matches!(shown.what, What::Scalar(_) | What::Hidden(_))
}

fn lines(root: &Shown) -> String {
    let mut lines = Vec::new();
    if let What::Map(entries) = &root.what {
        map(entries, "", "", &mut lines);
    }
    let width = |(line, from): &(String, String)| match from.is_empty() {
        true => 0,
        false => line.chars().count(),
    };
    // A long line is no reason to move the comments of all others out of sight.
    let width = lines.iter().map(width).filter(|width| *width <= 60).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for (line, from) in lines {
        let _ = match from.is_empty() {
            true => writeln!(text, "{line}"),
            false => writeln!(text, "{line:width$}  # {from}"),
        };
    }
    text.trim_end().to_string()
}

/// `first` stands before the first line instead of `indent`: the dash of a list.
fn map(entries: &[(String, Shown)], first: &str, indent: &str, lines: &mut Vec<(String, String)>) {
    let mut before = first;
    for (key, shown) in entries {
        let head = format!("{before}{}:", yaml::string(key));
        before = indent;
        match &shown.what {
            What::Map(entries) if !entries.is_empty() => {
                lines.push((head, String::new()));
                let deeper = format!("{indent}  ");
                map(entries, &deeper, &deeper, lines);
            }
            What::List(items) if !items.iter().all(is_scalar) => {
                lines.push((head, String::new()));
                for item in items {
                    match &item.what {
                        What::Map(entries) if !entries.is_empty() => {
                            let dash = format!("{indent}  - ");
                            map(entries, &dash, &format!("{indent}    "), lines);
                        }
                        _ => lines.push((format!("{indent}  - {}", inline(item)), from(item))),
                    }
                }
            }
            _ => lines.push((format!("{head} {}", inline(shown)), from(shown))),
        }
    }
}

/// A value in one line.
fn inline(shown: &Shown) -> String {
    match &shown.what {
        What::Scalar(Scalar::Null) => "null".to_string(),
        What::Scalar(Scalar::Bool { text, .. } | Scalar::Number(text)) => text.clone(),
        What::Scalar(Scalar::Text(value)) => yaml::string(value),
        What::Hidden(hidden) => yaml::string(hidden.text()),
        What::List(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        What::Map(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}: {}", yaml::string(key), inline(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn from(shown: &Shown) -> String {
    match &shown.from {
        From::File {
            path,
            line: Some(line),
        } => format!("{}:{line}", short(path)),
        From::File { path, line: None } => short(path),
        From::Variable(name) => format!("${name}"),
        From::Flag(name) => name.clone(),
    }
}
