//! Variables of the environment that stand for keys: `WASH_DEV__ADDRESS` is `dev.address`.
//!
//! Two underscores lead into a map or a list. Names of keys are compared without case and underscores, so
//! `WASH_WORKLOAD__ALLOWED_HOSTS` is `workload.allowedHosts`. A name that the user chooses is the one in the files that
//! differs in case only, or else as it is written. An entry of a list is named by its index.

use super::super::value::{Node, Value};
use super::{Key, Keys, Takes, root};
use crate::project::table::nearest;

/// A variable that looks as if it stood for a key, but does not.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::project) struct NoSuchKey {
    /// What was looked for: `dev.adress`.
    pub(in crate::project) path: String,
    /// The variable that was most likely meant.
    pub(in crate::project) near: Option<String>,
}

/// The path of the key that a variable stands for, given what the layers below say. `None`: it is no setting.
pub(in crate::project) fn key_of_variable(
    name: &str,
    below: &Value,
) -> Option<Result<Vec<String>, NoSuchKey>> {
    let segments: Vec<&str> = name.strip_prefix("WASH_")?.split("__").collect();
    let is_setting = segments.len() > 1 && segments.iter().all(|segment| !segment.is_empty());
    is_setting.then(|| {
        let mut search = Search {
            segments: &segments,
            path: Vec::new(),
        };
        search.keys(root(), Some(below)).map_err(|near| NoSuchKey {
            path: {
                let rest = segments.iter().skip(search.path.len());
                let rest = rest.map(|segment| segment.to_ascii_lowercase());
                let path: Vec<String> = search.path.iter().cloned().chain(rest).collect();
                path.join(".")
            },
            near,
        })?;
        Ok(search.path)
    })
}

/// A walk along the segments of a variable. An error is the variable that was most likely meant.
struct Search<'s> {
    segments: &'s [&'s str],
    /// The segments so far, as they are called in the file.
    path: Vec<String>,
}

impl<'s> Search<'s> {
    fn next(&self) -> Option<&'s str> {
        self.segments.get(self.path.len()).copied()
    }

    fn keys(&mut self, keys: Keys, below: Option<&Value>) -> Result<(), Option<String>> {
        let Some(segment) = self.next() else {
            return Ok(());
        };
        let all = || keys.iter().copied().flatten();
        let Some(key) = all().find(|key| plain(key.name) == plain(segment)) else {
            let names: Vec<&str> = all().map(|key| key.name).collect();
            return Err(nearest(segment, &names).map(|near| self.instead(near)));
        };
        self.path.push(key.name.to_string());
        let below = below.and_then(|value| entry(value, key.name));
        self.within(key, below)
    }

    fn within(&mut self, key: &Key, below: Option<&Value>) -> Result<(), Option<String>> {
        let Some(segment) = self.next() else {
            return Ok(());
        };
        match key.takes {
            Takes::Map(keys) | Takes::Choice(keys) => self.keys(keys, below),
            Takes::Named(keys) => {
                let name = self.chosen(segment, below);
                self.keys(keys, below.and_then(|value| entry(value, &name)))
            }
            Takes::TextMap | Takes::NamedTexts => {
                self.chosen(segment, below);
                self.end()
            }
            Takes::Environment(keys) => {
                let is_nested = below.is_some_and(|value| value.is_nested_environment());
                let is_flat = below.is_some() && !is_nested;
                let names_part = keys
                    .iter()
                    .copied()
                    .flatten()
                    .any(|key| plain(key.name) == plain(segment));
                match names_part && !is_flat {
                    true => self.keys(keys, below),
                    false if is_nested => {
                        // The form of the file decides where a variable goes.
                        let config = below.and_then(|value| entry(value, "config"));
                        let name = existing(segment, config);
                        self.path.extend(["config".to_string(), name]);
                        match self.segments.len() == self.path.len() - 1 {
                            true => Ok(()),
                            false => Err(None),
                        }
                    }
                    false => {
                        self.chosen(segment, below);
                        self.end()
                    }
                }
            }
            Takes::List(keys) => {
                let items = match below.map(|value| &value.node) {
                    Some(Node::List(items)) => items.as_slice(),
                    _ => &[],
                };
                let item = segment
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index));
                let item = item.ok_or(None)?;
                self.path.push(segment.to_string());
                self.keys(keys, Some(item))
            }
            Takes::Any => {
                let rest = self.segments[self.path.len()..].iter();
                self.path
                    .extend(rest.map(|segment| segment.to_ascii_lowercase()));
                Ok(())
            }
            _ => Err(Some(self.variable(&self.path))),
        }
    }

    fn chosen(&mut self, segment: &str, below: Option<&Value>) -> String {
        let name = existing(segment, below);
        self.path.push(name.clone());
        name
    }

    fn end(&self) -> Result<(), Option<String>> {
        match self.next() {
            None => Ok(()),
            Some(_) => Err(Some(self.variable(&self.path))),
        }
    }

    /// The variable with `near` in the place of the segment that fits nothing.
    fn instead(&self, near: &str) -> String {
        let at = self.path.len();
        let before = self.path.iter().map(String::as_str);
        let after = self.segments[at + 1..].iter().copied();
        let path: Vec<String> = before
            .chain([near])
            .chain(after)
            .map(str::to_string)
            .collect();
        self.variable(&path)
    }

    fn variable(&self, path: &[String]) -> String {
        let upper = path
            .iter()
            .map(|segment| segment.replace('-', "_").to_ascii_uppercase());
        format!("WASH_{}", upper.collect::<Vec<_>>().join("__"))
    }
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

fn entry<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match &value.node {
        Node::Map(entries) => entries.get(name),
        _ => None,
    }
}

/// The name that is there in another case, or as it is written.
fn existing(segment: &str, below: Option<&Value>) -> String {
    let Some(Value {
        node: Node::Map(entries),
        ..
    }) = below
    else {
        return segment.to_string();
    };
    let same = || {
        entries
            .keys()
            .find(|name| name.eq_ignore_ascii_case(segment))
    };
    match entries.contains_key(segment) {
        true => segment.to_string(),
        false => same().cloned().unwrap_or_else(|| segment.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::project::parse::parse;

    fn check(variable: &str, below: &str, expected: Option<Result<&str, (&str, Option<&str>)>>) {
        let below = parse(Path::new("x.yaml"), below).unwrap();
        let found = key_of_variable(variable, &below);
        let found = found.map(|found| found.map(|path| path.join(".")));
        let expected = expected.map(|expected| {
            expected
                .map(str::to_string)
                .map_err(|(path, near)| NoSuchKey {
                    path: path.to_string(),
                    near: near.map(str::to_string),
                })
        });
        assert_eq!(found, expected, "{variable}");
    }

    #[test]
    fn only_variables_with_a_section_are_settings() {
        for name in [
            "WASH_LOG",
            "WASH_COMPONENT_PATH",
            "DEV__ADDRESS",
            "WASH___X",
            "WASH_DEV__",
        ] {
            check(name, "", None);
        }
    }

    #[test]
    fn keys_are_found_without_case_and_underscores() {
        for (name, path) in [
            ("WASH_DEV__ADDRESS", "dev.address"),
            ("WASH_DEV__LIMITS__CPU_TIME", "dev.limits.cpu_time"),
            ("WASH_WORKLOAD__ALLOWED_HOSTS", "workload.allowedHosts"),
            ("WASH_WORKLOAD__ALLOWEDHOSTS", "workload.allowedHosts"),
            (
                "WASH_DEV__CAPABILITIES__HTTP_CLIENT",
                "dev.capabilities.http-client",
            ),
            ("WASH_DEV__SERVICE__RESTART", "dev.service.restart"),
            ("WASH_DEV__POSTGRES_URL", "dev.postgres_url"),
        ] {
            check(name, "", Some(Ok(path)));
        }
    }

    #[test]
    fn names_that_users_choose_are_taken_as_they_are() {
        let files =
            "build: {env: {Lower: 1}}\nsecrets: {db: {inline: {}}}\ndev: {components: [{name: a}]}";
        for (name, path) in [
            ("WASH_BUILD__ENV__RUST_LOG", "build.env.RUST_LOG"),
            ("WASH_BUILD__ENV__LOWER", "build.env.Lower"),
            (
                "WASH_SECRETS__DB__INLINE__PASSWORD",
                "secrets.db.inline.PASSWORD",
            ),
            ("WASH_DEV__COMPONENTS__0__FILE", "dev.components.0.file"),
        ] {
            check(name, files, Some(Ok(path)));
        }
        let missing = Err(("dev.components.1.file", None));
        check("WASH_DEV__COMPONENTS__1__FILE", files, Some(missing));
    }

    #[test]
    fn variables_of_components_go_where_the_file_has_them() {
        let path = "WASH_WORKLOAD__ENVIRONMENT__MODE";
        check(path, "", Some(Ok("workload.environment.MODE")));
        let flat = "workload: {environment: {mode: x}}";
        check(path, flat, Some(Ok("workload.environment.mode")));
        let nested = "workload: {environment: {config: {A: b}}}";
        check(path, nested, Some(Ok("workload.environment.config.MODE")));
        let named = "WASH_WORKLOAD__ENVIRONMENT__SECRET_FROM";
        check(named, nested, Some(Ok("workload.environment.secretFrom")));
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest() {
        for (name, path, near) in [
            ("WASH_DEV__ADRESS", "dev.adress", Some("WASH_DEV__ADDRESS")),
            (
                "WASH_DEF__ADDRESS",
                "def.address",
                Some("WASH_DEV__ADDRESS"),
            ),
            (
                "WASH_DEV__ADDRESS__PORT",
                "dev.address.port",
                Some("WASH_DEV__ADDRESS"),
            ),
            ("WASH_OTHER__TOOL", "other.tool", None),
        ] {
            check(name, "", Some(Err((path, near))));
        }
    }
}
