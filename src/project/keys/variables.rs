//! Variables of the environment that stand for keys: `WASH_DEV__ADDRESS` is `dev.address`.
//!
//! Two underscores lead into a map or a list. Names of keys are compared without case and underscores, so
//! `WASH_WORKLOAD__ALLOWED_HOSTS` is `workload.allowedHosts`. A name that the user chooses is the one in the files that
//! differs in case only, or else as it is written. An entry of a list is named by its index; in a list of strings, the index after the last
//! one adds an entry.
//!
//! What a key takes decides how a variable is read: text is text, whatever it looks like.

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

/// The key that a variable stands for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::project) struct VariableKey {
    pub(in crate::project) path: Vec<String>,
    pub(in crate::project) form: Form,
}

/// How the text of a variable is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::project) enum Form {
    /// As it is.
    Text,
    /// A list in YAML, or text.
    TextOrList,
    /// A list in YAML, and nothing else.
    List,
    /// As YAML.
    Yaml,
}

impl Form {
    fn of(takes: Takes) -> Self {
        match takes {
            Takes::Text
            | Takes::TextOrNumber
            | Takes::OneOf(_)
            | Takes::Spellings(_)
            | Takes::Address
            | Takes::Duration
            | Takes::Size
            | Takes::Count
            | Takes::Number
            | Takes::Port => Form::Text,
            Takes::Texts | Takes::Scalars => Form::List,
            _ => Form::Yaml,
        }
    }
}

/// The key that a variable stands for, given what the layers below say. `None`: it is no setting.
pub(in crate::project) fn key_of_variable(
    name: &str,
    below: &Value,
) -> Option<Result<VariableKey, NoSuchKey>> {
    let segments: Vec<&str> = name.strip_prefix("WASH_")?.split("__").collect();
    let is_setting = segments.len() > 1 && segments.iter().all(|segment| !segment.is_empty());
    is_setting.then(|| {
        let mut search = Search {
            segments: &segments,
            path: Vec::new(),
        };
        let form = search.keys(root(), Some(below)).map_err(|near| NoSuchKey {
            path: {
                let rest = segments.iter().skip(search.path.len());
                let rest = rest.map(|segment| segment.to_ascii_lowercase());
                let path: Vec<String> = search.path.iter().cloned().chain(rest).collect();
                path.join(".")
            },
            near,
        })?;
        Ok(VariableKey {
            path: search.path,
            form,
        })
    })
}

/// The variable that was meant by one that has a single underscore where two lead into a map: `WASH_DEV_ADDRESS`.
pub(in crate::project) fn meant_by(name: &str) -> Option<String> {
    let wanted = plain(name.strip_prefix("WASH_")?);
    let keys = super::all();
    let mut paths = keys.iter().map(|(path, _)| path);
    let path = paths.find(|path| path.contains('.') && plain(path) == wanted)?;
    let path: Vec<String> = path.split('.').map(str::to_string).collect();
    Some(variable(&path))
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

    fn keys(&mut self, keys: Keys, below: Option<&Value>) -> Result<Form, Option<String>> {
        let Some(segment) = self.next() else {
            return Ok(Form::Yaml);
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

    fn within(&mut self, key: &Key, below: Option<&Value>) -> Result<Form, Option<String>> {
        let Some(segment) = self.next() else {
            return Ok(Form::of(key.takes));
        };
        match key.takes {
            Takes::Map(keys) | Takes::Choice(keys) => self.keys(keys, below),
            Takes::Named(keys) => {
                let name = self.chosen(segment, below);
                self.keys(keys, below.and_then(|value| entry(value, &name)))
            }
            Takes::TextMap => {
                self.chosen(segment, below);
                self.end(Form::Text)
            }
            Takes::NamedTexts => {
                self.chosen(segment, below);
                self.end(Form::TextOrList)
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
                            true => Ok(Form::Text),
                            false => Err(None),
                        }
                    }
                    false => {
                        self.chosen(segment, below);
                        self.end(Form::Text)
                    }
                }
            }
            Takes::List(keys) => {
                let items = items(below);
                let index = segment.parse::<usize>().ok();
                let item = index.and_then(|index| items.get(index)).ok_or(None)?;
                self.path.push(segment.to_string());
                self.keys(keys, Some(item))
            }
            Takes::Texts | Takes::Scalars => match segment.parse::<usize>() {
                Ok(index) if index <= items(below).len() => {
                    self.path.push(index.to_string());
                    self.end(Form::Text)
                }
                _ => Err(None),
            },
            Takes::Any => {
                let rest = self.segments[self.path.len()..].iter();
                self.path
                    .extend(rest.map(|segment| segment.to_ascii_lowercase()));
                Ok(Form::Yaml)
            }
            _ => Err(Some(variable(&self.path))),
        }
    }

    fn chosen(&mut self, segment: &str, below: Option<&Value>) -> String {
        let name = existing(segment, below);
        self.path.push(name.clone());
        name
    }

    fn end(&self, form: Form) -> Result<Form, Option<String>> {
        match self.next() {
            None => Ok(form),
            Some(_) => Err(Some(variable(&self.path))),
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
        variable(&path)
    }
}

fn variable(path: &[String]) -> String {
    let upper = path
        .iter()
        .map(|segment| segment.replace('-', "_").to_ascii_uppercase());
    format!("WASH_{}", upper.collect::<Vec<_>>().join("__"))
}

fn items(below: Option<&Value>) -> &[Value] {
    match below.map(|value| &value.node) {
        Some(Node::List(items)) => items,
        _ => &[],
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
        let found = found.map(|found| found.map(|key| key.path.join(".")));
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
    fn entries_of_lists_are_named_by_their_index() {
        let files = "workload: {allowedHosts: [a, b]}";
        for index in [0, 2] {
            let name = format!("WASH_WORKLOAD__ALLOWED_HOSTS__{index}");
            let path = format!("workload.allowedHosts.{index}");
            check(&name, files, Some(Ok(&path)));
        }
        check("WASH_DEV__HTTP__0", "", Some(Ok("dev.http.0")));
        let missing = Err(("workload.allowedHosts.3", None));
        check("WASH_WORKLOAD__ALLOWED_HOSTS__3", files, Some(missing));
    }

    #[test]
    fn the_key_says_how_a_variable_is_read() {
        for (name, form) in [
            ("WASH_NAME", None),
            ("WASH_BUILD__COMMAND", Some(Form::Text)),
            ("WASH_BUILD__ENV__RUSTFLAGS", Some(Form::Text)),
            ("WASH_BUILD__ENV", Some(Form::Yaml)),
            ("WASH_WORKLOAD__CONFIG__x", Some(Form::Text)),
            ("WASH_WORKLOAD__ENVIRONMENT__x", Some(Form::Text)),
            ("WASH_SECRETS__db__INLINE__x", Some(Form::Text)),
            ("WASH_WORKLOAD__ALLOWED_HOSTS", Some(Form::List)),
            ("WASH_WORKLOAD__ALLOWED_HOSTS__0", Some(Form::Text)),
            ("WASH_DEV__ROUTES__x", Some(Form::TextOrList)),
            ("WASH_DEV__SERVICE", Some(Form::Yaml)),
            ("WASH_DEV__LIMITS__MEMORY", Some(Form::Text)),
            ("WASH_BUILD__RUST__RELEASE", Some(Form::Yaml)),
        ] {
            let found = key_of_variable(name, &Value::empty_map(Path::new("x")));
            assert_eq!(found.map(|key| key.unwrap().form), form, "{name}");
        }
    }

    #[test]
    fn one_underscore_is_one_too_few() {
        for (name, meant) in [
            ("WASH_DEV_ADDRESS", Some("WASH_DEV__ADDRESS")),
            ("WASH_DEV_LIMITS__MEMORY", Some("WASH_DEV__LIMITS__MEMORY")),
            ("WASH_BUILD_COMMAND", Some("WASH_BUILD__COMMAND")),
            ("WASH_OFFLINE", None),
            ("WASH_OCI_USER", None),
            ("WASH_NAME", None),
        ] {
            assert_eq!(meant_by(name).as_deref(), meant, "{name}");
        }
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
