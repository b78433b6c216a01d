//! The configuration as it is after its layers are merged, each value with the place it came from, for people to look at.
//!
//! What is secret is not in here: values of `secrets`, tokens, private keys, logins in URLs, values whose names say that they are
//! secret, and whatever stands under a key that does not exist, for it may be a misspelt one of those.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::keys::Takes;
use super::table::Notes;
use super::value::{Node, Origin, Value};
use super::{Overrides, ProjectError, Warning, keys, layers, redact};

/// A configuration.
#[derive(Debug)]
pub struct Merged {
    /// The map of the whole file.
    pub root: Shown,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// What is wrong in them, as far as merging finds it out.
    pub problems: Vec<Warning>,
}

/// A value that may be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub what: What,
    pub from: From,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Neither a list nor a map. Numbers and booleans are as they were written.
    Scalar(Scalar),
    List(Vec<Shown>),
    Map(Vec<(String, Shown)>),
    /// There is a value, and it is not shown.
    Hidden(Hidden),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Null,
    Bool { value: bool, text: String },
    Number(String),
    Text(String),
}

/// Why a value is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    Secret,
    UnknownKey,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    File { path: PathBuf, line: Option<usize> },
    Variable(String),
    Flag(String),
}

impl From {
    fn of(origin: &Origin) -> Self {
        let text = origin.file.to_string_lossy();
        match text.strip_prefix('$') {
            Some(name) => From::Variable(name.to_string()),
            None if text.starts_with("--") => From::Flag(text.into_owned()),
            None => From::File {
                path: origin.file.to_path_buf(),
                line: origin.line,
            },
        }
    }
}

impl Hidden {
    pub fn text(self) -> &'static str {
        match self {
            Hidden::Secret => redact::SECRET,
            Hidden::UnknownKey => "(not shown: unknown key)",
        }
    }
}

impl Shown {
    /// The value of a key by its full name, within the maps that it lies in.
    pub fn only(&self, key: &str) -> Option<Self> {
        let What::Map(entries) = &self.what else {
            return None;
        };
        let found = entries.iter().find_map(|(name, value)| {
            let value = match key.strip_prefix(name.as_str())? {
                "" => value.clone(),
                below => value.only(below.strip_prefix('.')?)?,
            };
            Some((name.clone(), value))
        });
        Some(Self {
            what: What::Map(vec![found?]),
            from: self.from.clone(),
        })
    }

    /// Without the places. What is hidden is a string that says so.
    pub fn json(&self) -> Json {
        match &self.what {
            What::Scalar(scalar) => scalar.json(),
            What::List(items) => items.iter().map(Shown::json).collect(),
            What::Map(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|(key, value)| (key.clone(), value.json()));
                Json::Object(entries.collect::<Map<_, _>>())
            }
            What::Hidden(hidden) => hidden.text().into(),
        }
    }
}

impl Scalar {
    fn json(&self) -> Json {
        match self {
            Scalar::Null => Json::Null,
            Scalar::Bool { value, .. } => (*value).into(),
            // One that JSON writes in another way is a string.
            Scalar::Number(text) => {
                let number = serde_json::from_str::<serde_json::Number>(text).ok();
                let number = number.filter(|number| format!("{number}") == *text);
                number.map_or_else(|| text.clone().into(), Json::Number)
            }
            Scalar::Text(text) => text.clone().into(),
        }
    }
}

/// Reads and merges the layers. `root` is `None` where there is no project: only the user's config is read.
pub fn merged(root: Option<&Path>, overrides: &Overrides) -> Result<Merged, ProjectError> {
    let notes = Notes::default();
    let layers = layers::read(root, overrides, &notes)?;
    let files = layers.sources.into_iter().filter(|path| path.is_file());
    Ok(Merged {
        root: shown(layers.config, "", Some(Place::Keys(keys::root()))),
        files: files.collect(),
        problems: super::sorted(notes.problems.into_inner()),
    })
}

/// What the table of keys says of a place.
#[derive(Clone, Copy)]
enum Place {
    Keys(keys::Keys),
    Takes(Takes),
}

fn shown(value: Value, path: &str, place: Option<Place>) -> Shown {
    let from = From::of(&value.at);
    let hide = |hidden| Shown {
        what: What::Hidden(hidden),
        from: from.clone(),
    };
    let Some(place) = place else {
        return hide(Hidden::UnknownKey);
    };
    let what = match value.node {
        // An empty value tells nothing, and may be why a secret does not work.
        Node::Null => What::Scalar(Scalar::Null),
        Node::Bool { .. } | Node::Number { .. } | Node::Text(_) if keys::is_secret(path) => {
            return hide(Hidden::Secret);
        }
        Node::Bool { .. } | Node::Number { .. } if redact::says_secret(path) => {
            return hide(Hidden::Secret);
        }
        Node::Text(text) if redact::says_secret(path) && !text.is_empty() => {
            return hide(Hidden::Secret);
        }
        Node::Bool { value, text } => What::Scalar(Scalar::Bool { value, text }),
        Node::Number { text } => What::Scalar(Scalar::Number(text)),
        Node::Text(text) if redact::is_secret_value(&text) => return hide(Hidden::Secret),
        Node::Text(text) => What::Scalar(Scalar::Text(redact::without_secrets(&text))),
        Node::List(items) => {
            let items = items.into_iter().enumerate();
            let items = items.map(|(index, item)| {
                let path = format!("{path}[{index}]");
                shown(item, &path, Some(item_of(place)))
            });
            What::List(items.collect())
        }
        Node::Map(entries) => {
            let is_nested = Value {
                node: Node::Map(entries.clone()),
                at: value.at.clone(),
            }
            .is_nested_environment();
            let entries = entries.into_iter().map(|(key, value)| {
                let path = match path.is_empty() {
                    true => key.clone(),
                    false => format!("{path}.{key}"),
                };
                let value = shown(value, &path, entry_of(place, &key, is_nested));
                (key, value)
            });
            What::Map(entries.collect())
        }
    };
    Shown { what, from }
}

fn item_of(place: Place) -> Place {
    match place {
        Place::Takes(Takes::List(keys)) => Place::Keys(keys),
        Place::Takes(_) | Place::Keys(_) => Place::Takes(Takes::Any),
    }
}

/// `None` where there is no such key.
fn entry_of(place: Place, name: &str, is_nested: bool) -> Option<Place> {
    let among = |keys: keys::Keys| {
        let mut keys = keys.iter().copied().flatten();
        let key = keys.find(|key| key.name == name)?;
        Some(Place::Takes(key.takes))
    };
    match place {
        Place::Keys(keys) | Place::Takes(Takes::Map(keys) | Takes::Choice(keys)) => among(keys),
        Place::Takes(Takes::Environment(keys)) if is_nested => among(keys),
        Place::Takes(Takes::Named(keys)) => Some(Place::Keys(keys)),
        Place::Takes(_) => Some(Place::Takes(Takes::Any)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::parse::parse;

    fn json(text: &str) -> String {
        let value = parse(Path::new("x.yaml"), text).unwrap();
        let shown = shown(value, "", Some(Place::Keys(keys::root())));
        shown.json().to_string()
    }

    #[test]
    fn secrets_are_not_shown() {
        for (text, expected) in [
            (
                "secrets: {db: {inline: {PIN: 1234}, file: pin.env, fromEnv: [PIN]}}",
                r#"{"secrets":{"db":{"inline":{"PIN":"(secret)"},"file":"pin.env","fromEnv":["PIN"]}}}"#,
            ),
            (
                "wit: {registries: [{url: r.io, username: me, token: x}]}",
                r#"{"wit":{"registries":[{"url":"r.io","username":"me","token":"(secret)"}]}}"#,
            ),
            (
                "workload: {environment: {config: {DB_PASSWORD: x, MODE: dev}, secretFrom: [db]}}",
                r#"{"workload":{"environment":{"config":{"DB_PASSWORD":"(secret)","MODE":"dev"},"secretFrom":["db"]}}}"#,
            ),
            (
                "workload: {config: {url: 'redis://me:x@h:1/2?a@b'}}",
                r#"{"workload":{"config":{"url":"redis://me:(secret)@h:1/2?a@b"}}}"#,
            ),
            (
                "secerts: {db: {inline: {PIN: 1}}}",
                r#"{"secerts":"(not shown: unknown key)"}"#,
            ),
            ("secrets: hunter2", r#"{"secrets":"(secret)"}"#),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
    }

    #[test]
    fn everything_else_is_shown_as_it_was_written() {
        let text = "dev: {address: 9000, components: [{file: a.wasm, config: {n: 0080, ok: yes}}]}";
        assert_eq!(
            json(text),
            r#"{"dev":{"address":9000,"components":[{"file":"a.wasm","config":{"n":"0080","ok":true}}]}}"#
        );
    }
}
