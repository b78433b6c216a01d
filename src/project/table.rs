//! Reads a map of a config file key by key, and keeps account of what was wrong.
//!
//! The keys that were asked for are the keys that exist: whatever is left when a table is finished is unknown, and
//! the nearest of those asked for is suggested.

use std::cell::RefCell;
use std::collections::BTreeMap;

use indexmap::IndexMap;
use wash_common::shell::shell_quote;

use super::Warning;
use super::value::{Node, Origin, Value};

/// Everything found while reading; reading goes on after a problem, so that all are told at once.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) problems: RefCell<Vec<Warning>>,
    pub(super) warnings: RefCell<Vec<Warning>>,
    /// Those of the warnings that are about keys that do not exist.
    pub(super) unknown: RefCell<Vec<Warning>>,
    /// Every key that was asked for, and as what.
    #[cfg(test)]
    pub(super) asked: RefCell<std::collections::BTreeSet<(String, &'static str)>>,
}

impl Notes {
    pub(super) fn problem(&self, at: &Origin, message: String, hint: Option<String>) {
        self.problems.borrow_mut().push(note(at, message, hint));
    }

    /// A problem that a command mends which can do no harm.
    pub(super) fn mendable(&self, at: &Origin, message: String, command: &[&str]) {
        let mend = command.iter().map(|word| word.to_string());
        let problem = Warning {
            mend: Some(mend.collect()),
            ..note(at, message, Some(shell_quote(command)))
        };
        self.problems.borrow_mut().push(problem);
    }

    pub(super) fn warn(&self, at: &Origin, message: String, hint: Option<String>) {
        self.warnings.borrow_mut().push(note(at, message, hint));
    }

    /// Warns of a key that does not exist.
    pub(super) fn unknown(&self, at: &Origin, message: String, hint: Option<String>) {
        let unknown = note(at, message, hint);
        self.unknown.borrow_mut().push(unknown.clone());
        self.warnings.borrow_mut().push(unknown);
    }
}

fn note(at: &Origin, message: String, hint: Option<String>) -> Warning {
    Warning {
        file: at.file.to_path_buf(),
        line: at.line,
        message,
        hint,
        mend: None,
    }
}

/// A value of the right type, its place, and the full name of its key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: Origin,
    /// Such as `dev.components[0].file`.
    pub(super) key: String,
}

impl<T> Located<T> {
    /// Turns the value into what it means; what does not parse is a problem.
    pub(super) fn parse<U>(
        self,
        notes: &Notes,
        parse: impl FnOnce(&T) -> Result<U, String>,
    ) -> Option<Located<U>> {
        match parse(&self.value) {
            Ok(value) => Some(Located {
                value,
                at: self.at,
                key: self.key,
            }),
            Err(reason) => {
                notes.problem(&self.at, format!("`{}`: {reason}", self.key), None);
                None
            }
        }
    }
}

/// Something that is switched on, named, or described.
pub(super) enum Choice<'n> {
    Yes,
    Named(Located<String>),
    Table(Table<'n>),
}

/// A map being read.
pub(super) struct Table<'n> {
    pub(super) notes: &'n Notes,
    pub(super) at: Origin,
    /// Empty for the whole file.
    path: String,
    entries: IndexMap<String, Value>,
    known: Vec<&'static str>,
}

impl<'n> Table<'n> {
    /// `None`, with a problem, when the value is no map.
    pub(super) fn new(notes: &'n Notes, path: &str, value: Value) -> Option<Self> {
        let found = value.describe_at(path);
        match value.node {
            Node::Map(entries) => Some(Self {
                notes,
                at: value.at,
                path: path.to_string(),
                entries,
                known: Vec::new(),
            }),
            _ => {
                let what = if path.is_empty() {
                    String::new()
                } else {
                    format!("`{path}`: ")
                };
                notes.problem(
                    &value.at,
                    format!("{what}expected a map, found {found}"),
                    None,
                );
                None
            }
        }
    }

    /// The table's own key, such as `dev.components[0]`.
    pub(super) fn name(&self) -> &str {
        &self.path
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_string()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value of a key, if it is there and not null. `_what` it is asked for is for the tests.
    fn take(&mut self, key: &'static str, _what: &'static str) -> Option<Value> {
        self.known.push(key);
        #[cfg(test)]
        self.notes.asked.borrow_mut().insert((self.key(key), _what));
        self.entries
            .shift_remove(key)
            .filter(|value| value.node != Node::Null)
    }

    fn expected<T>(&self, key: &str, what: &str, value: &Value) -> Option<T> {
        let message = format!(
            "`{}`: expected {what}, found {}",
            self.key(key),
            value.describe_at(&self.key(key))
        );
        let variable = value.at.file.to_string_lossy();
        let hint = match variable.strip_prefix('$') {
            Some(name) if what.starts_with("a list of strings") => {
                Some(format!("{name}='[a, b]', or {name}__0=a for one entry"))
            }
            _ => None,
        };
        self.notes.problem(&value.at, message, hint);
        None
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<Located<String>> {
        let value = self.take(key, "text")?;
        match value.node {
            Node::Text(text) => Some(Located {
                value: text,
                at: value.at,
                key: self.key(key),
            }),
            _ => self.expected(key, "a string", &value),
        }
    }

    /// A string, or a number as it was written.
    pub(super) fn text_or_number(&mut self, key: &'static str) -> Option<Located<String>> {
        let value = self.take(key, "text or number")?;
        match value.node {
            Node::Text(text) | Node::Number { text } => Some(Located {
                value: text,
                at: value.at,
                key: self.key(key),
            }),
            _ => self.expected(key, "a string or a number", &value),
        }
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.take(key, "boolean")?;
        match value.node {
            Node::Bool { value, .. } => Some(value),
            _ => self.expected(key, "`true` or `false`", &value),
        }
    }

    /// `true` or `false`, or `on` or `off`.
    pub(super) fn switch(&mut self, key: &'static str) -> Option<Located<bool>> {
        let value = self.take(key, "switch")?;
        let on = match &value.node {
            Node::Bool { value, .. } => *value,
            Node::Text(text) if text == "on" => true,
            Node::Text(text) if text == "off" => false,
            _ => return self.expected(key, "`on` or `off`", &value),
        };
        Some(Located {
            value: on,
            at: value.at,
            key: self.key(key),
        })
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Option<Located<Vec<String>>> {
        let Value { node, at } = self.take(key, "texts")?;
        let Node::List(items) = node else {
            return self.expected(key, "a list of strings", &Value { node, at });
        };
        let key = self.key(key);
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let found = item.describe();
            match item.node {
                Node::Text(text) => list.push(text),
                _ => self.notes.problem(
                    &item.at,
                    format!("`{key}[{index}]`: expected a string, found {found}"),
                    None,
                ),
            }
        }
        Some(Located {
            value: list,
            at,
            key,
        })
    }

    /// A list of strings, or of numbers as they were written, each with its own place.
    pub(super) fn scalars(&mut self, key: &'static str) -> Option<Vec<Located<String>>> {
        let value = self.take(key, "scalars")?;
        let Node::List(items) = value.node else {
            return self.expected(key, "a list of strings or numbers", &value);
        };
        let path = self.key(key);
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let found = item.describe();
            let key = format!("{path}[{index}]");
            match item.node {
                Node::Text(value) | Node::Number { text: value } => list.push(Located {
                    value,
                    at: item.at,
                    key,
                }),
                _ => self.notes.problem(
                    &item.at,
                    format!("`{key}`: expected a string or a number, found {found}"),
                    None,
                ),
            }
        }
        Some(list)
    }

    /// A map of strings, or of lists of them, in the order of the file.
    pub(super) fn named_texts(&mut self, key: &'static str) -> Vec<(String, Located<Vec<String>>)> {
        let Some(value) = self.take(key, "named texts") else {
            return Vec::new();
        };
        let Node::Map(entries) = value.node else {
            return self
                .expected::<Vec<_>>(key, "a map", &value)
                .unwrap_or_default();
        };
        let path = self.key(key);
        let mut texts = Vec::new();
        for (name, value) in entries {
            let key = format!("{path}.{name}");
            let found = match &value.node {
                Node::List(items) if items.is_empty() => "an empty list".to_string(),
                Node::List(_) => "a list of something else".to_string(),
                _ => value.describe(),
            };
            let list = match value.node {
                Node::Text(text) => Some(vec![text]),
                Node::List(items) => items.into_iter().map(Value::into_text).collect(),
                _ => None,
            };
            match list.filter(|list| !list.is_empty()) {
                Some(list) => texts.push((
                    name,
                    Located {
                        value: list,
                        at: value.at,
                        key,
                    },
                )),
                None => {
                    let message =
                        format!("`{key}`: expected a component or a list of them, found {found}");
                    self.notes.problem(&value.at, message, None);
                }
            }
        }
        texts
    }

    /// `dev.service`: `true`, the name of a component, or a map. `None` for `false`.
    pub(super) fn service(&mut self) -> Option<Choice<'n>> {
        let key = "service";
        let value = self.take(key, "choice")?;
        match value.node {
            Node::Bool { value, .. } => value.then_some(Choice::Yes),
            Node::Text(name) => Some(Choice::Named(Located {
                value: name,
                at: value.at,
                key: self.key(key),
            })),
            Node::Map(_) => Table::new(self.notes, &self.key(key), value).map(Choice::Table),
            _ => self.expected(key, "`true`, the name of a component, or a map", &value),
        }
    }

    /// A map of strings. Numbers and booleans are taken as they were written.
    pub(super) fn text_map(&mut self, key: &'static str) -> Option<BTreeMap<String, String>> {
        let value = self.take(key, "text map")?;
        let Node::Map(entries) = value.node else {
            return self.expected(key, "a map of strings", &value);
        };
        let path = self.key(key);
        let mut map = BTreeMap::new();
        for (name, value) in entries {
            let found = value.describe_at(&format!("{path}.{name}"));
            match value.node {
                Node::Text(text) | Node::Number { text } | Node::Bool { text, .. } => {
                    map.insert(name, text);
                }
                _ => self.notes.problem(
                    &value.at,
                    format!("`{path}.{name}`: expected a string, found {found}"),
                    None,
                ),
            }
        }
        Some(map)
    }

    pub(super) fn table(&mut self, key: &'static str) -> Option<Table<'n>> {
        let value = self.take(key, "map")?;
        Table::new(self.notes, &self.key(key), value)
    }

    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table<'n>> {
        let Some(value) = self.take(key, "list") else {
            return Vec::new();
        };
        let Node::List(items) = value.node else {
            return self
                .expected::<Vec<_>>(key, "a list of maps", &value)
                .unwrap_or_default();
        };
        let path = self.key(key);
        let table = |(index, item)| Table::new(self.notes, &format!("{path}[{index}]"), item);
        items.into_iter().enumerate().filter_map(table).collect()
    }

    /// The entries of a map whose keys are names the user chose.
    pub(super) fn named_tables(&mut self, key: &'static str) -> Vec<(String, Table<'n>)> {
        let Some(value) = self.take(key, "named") else {
            return Vec::new();
        };
        let Node::Map(entries) = value.node else {
            return self
                .expected::<Vec<_>>(key, "a map of maps", &value)
                .unwrap_or_default();
        };
        let path = self.key(key);
        let table = |(name, value): (String, Value)| {
            Table::new(self.notes, &format!("{path}.{name}"), value).map(|table| (name, table))
        };
        entries.into_iter().filter_map(table).collect()
    }

    pub(super) fn required_text(&mut self, key: &'static str) -> Option<Located<String>> {
        if !self.has(key) {
            let message = format!("`{}` is missing", self.key(key));
            self.notes.problem(&self.at, message, None);
        }
        self.text(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries
            .get(key)
            .is_some_and(|value| value.node != Node::Null)
    }

    /// Whether `environment` is upstream's map, and not of variables.
    pub(super) fn has_nested_environment(&self) -> bool {
        let environment = self.entries.get("environment");
        environment.is_some_and(Value::is_nested_environment)
    }

    /// Keys that mean something to other commands, or nothing to anyone any more.
    pub(super) fn skip(&mut self, keys: &[&'static str]) {
        for key in keys {
            self.take(key, "anything");
        }
    }

    /// Keys that other tools know and this one does not obey; says so for each that is there. A `false`, an empty
    /// list or an empty map asks for nothing.
    pub(super) fn not_yet(&mut self, what: &str, keys: &[&'static str]) {
        for key in keys {
            let Some(value) = self.take(key, "anything") else {
                continue;
            };
            let asks = match &value.node {
                Node::Bool { value, .. } => *value,
                Node::List(items) => !items.is_empty(),
                Node::Map(entries) => !entries.is_empty(),
                _ => true,
            };
            if asks {
                self.notes.warn(
                    &value.at,
                    format!("`{}` is ignored: {what}", self.key(key)),
                    None,
                );
            }
        }
    }

    /// Warns of every key that nobody asked for.
    pub(super) fn finish(self) {
        for (key, value) in &self.entries {
            let name = self.key(key);
            let hint = nearest(key, &self.known)
                .map(|known| format!("did you mean `{}`?", self.key(known)));
            self.notes
                .unknown(&value.at, format!("unknown key `{name}`"), hint);
        }
    }
}

/// The known name that a misspelt one most likely stands for.
pub(super) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |text: &str| {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase()
    };
    let wanted = plain(name);
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&wanted, &plain(known)), *known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["command", "component_path", "env", "artifact_path"];
        let cases = [
            ("componentPath", Some("component_path")),
            ("comand", Some("command")),
            ("envs", Some("env")),
            ("image", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name, &known), expected, "{name}");
        }
    }
}
