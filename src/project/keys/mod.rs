//! The keys of the config file as a table: what each is called, what it takes, and what it is for.
//!
//! Everything that speaks of keys without reading a file goes by this table: the JSON Schema, the documentation, the
//! variables of the environment that stand for keys, completion. What reads files is `project::raw`; a test reads a file
//! with every key of the table, and compares what was asked for with what is here, in both directions.

mod schema;
mod table;
mod variables;

use std::fmt::Write as _;

pub use schema::{SCHEMA_FILE, schema};
pub(super) use variables::{Form, NoSuchKey, VariableKey, key_of_variable, meant_by};

/// A key in a map.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub takes: Takes,
    /// What holds when nobody says anything, where that can be written down.
    pub default: Option<&'static str>,
    /// One or two sentences.
    pub about: &'static str,
}

/// Maps that are put together from several have the keys of all of them.
pub type Keys = &'static [&'static [Key]];

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    Text,
    /// Numbers count as they are written.
    TextOrNumber,
    Bool,
    /// `on` or `off`, or a boolean.
    Switch,
    OneOf(&'static [&'static str]),
    /// These, in any spelling that can be recognised.
    Spellings(&'static [&'static str]),
    Address,
    Duration,
    Size,
    /// A number from 1.
    Count,
    /// A number from 0.
    Number,
    Port,
    Texts,
    /// Strings and numbers.
    Scalars,
    /// Names that the user chooses, to strings.
    TextMap,
    /// Names that the user chooses, to a string or a list of them.
    NamedTexts,
    /// `true`, a string, or a map.
    Choice(Keys),
    /// [`Takes::TextMap`], or a map of these.
    Environment(Keys),
    Map(Keys),
    /// A list of maps.
    List(Keys),
    /// Names that the user chooses, to maps.
    Named(Keys),
    /// Whatever other tools write there.
    Any,
}

/// The keys of the whole file.
pub fn root() -> Keys {
    &[table::ROOT]
}

impl Key {
    const fn new(name: &'static str, takes: Takes, about: &'static str) -> Self {
        Self {
            name,
            takes,
            default: None,
            about,
        }
    }

    const fn or(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }
}

/// Every key by its full name, in the order of the table: `dev.components[].file`, `configs.*.inline`, where `*` is for a
/// name that the user chooses.
pub fn all() -> Vec<(String, &'static Key)> {
    let mut found = Vec::new();
    walk(root(), "", &mut found);
    found
}

/// The full name that resembles one which does not exist.
pub fn nearest(name: &str) -> Option<String> {
    let all = all();
    let known: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    super::table::nearest(name, &known).map(str::to_owned)
}

fn walk(keys: Keys, prefix: &str, found: &mut Vec<(String, &'static Key)>) {
    for key in keys.iter().copied().flatten() {
        let path = format!("{prefix}{}", key.name);
        found.push((path.clone(), key));
        match key.takes {
            Takes::Map(keys) | Takes::Choice(keys) | Takes::Environment(keys) => {
                walk(keys, &format!("{path}."), found);
            }
            Takes::List(keys) => walk(keys, &format!("{path}[]."), found),
            Takes::Named(keys) => walk(keys, &format!("{path}.*."), found),
            _ => {}
        }
    }
}

/// Whether a value is never shown: `path` is a full name, with indexes and the names that the user chose.
pub(super) fn is_secret(path: &str) -> bool {
    let mut segments = path.split('.');
    let first = segments.next().unwrap_or_default();
    let last = path.rsplit('.').next().unwrap_or_default();
    (first == "secrets" && !matches!(last, "file" | "dir") && !last.starts_with("fromEnv"))
        || (first == "wit" && last == "token")
}

/// What a key takes, in a word or two.
fn kind(takes: Takes) -> String {
    let words = match takes {
        Takes::Text => "string",
        Takes::TextOrNumber => "string or number",
        Takes::Bool => "`true` or `false`",
        Takes::Switch => "`on` or `off`",
        Takes::OneOf(values) | Takes::Spellings(values) => {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            return values.join(", ");
        }
        Takes::Address => "address",
        Takes::Duration => "duration",
        Takes::Size => "size",
        Takes::Count | Takes::Number => "number",
        Takes::Port => "port",
        Takes::Texts => "list of strings",
        Takes::Scalars => "list of strings or numbers",
        Takes::TextMap => "map of strings",
        Takes::NamedTexts => "map to a string or a list of strings",
        Takes::Choice(_) => "`true`, string or map",
        Takes::Environment(_) => "map of strings, or a map",
        Takes::Map(_) => "map",
        Takes::List(_) => "list of maps",
        Takes::Named(_) => "map of maps",
        Takes::Any => "anything",
    };
    words.to_string()
}

/// The table of the documentation.
pub fn markdown() -> String {
    let mut text = "| key | type | default | |\n|---|---|---|---|\n".to_string();
    for (path, key) in all() {
        let default = key
            .default
            .map_or(String::new(), |value| format!("`{value}`"));
        let kind = kind(key.takes);
        let _ = writeln!(text, "| `{path}` | {kind} | {default} | {} |", key.about);
    }
    text
}

#[cfg(test)]
mod tests;
