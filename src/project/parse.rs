//! The text of a config file in, a tree of [`Value`]s with line numbers out.

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use toml::de::{DeTable, DeValue};

use super::Warning;
use super::value::{Node, Origin, Value};

/// The formats of a config file, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
    Toml,
}

impl Format {
    /// Anything that is not JSON or TOML by its name is read as YAML.
    pub(super) fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Format::Json,
            Some("toml") => Format::Toml,
            _ => Format::Yaml,
        }
    }
}

/// Parses a whole file. An empty one is an empty map. The error is the parser's, with its line.
pub(super) fn parse(path: &Path, text: &str) -> Result<Value, Warning> {
    let file: Arc<Path> = path.into();
    let value = match Format::of(path) {
        Format::Yaml => yaml(&file, text, "YAML")?,
        Format::Json => {
            // JSON is YAML, and the YAML parser tells lines; but what is not JSON must not pass.
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default();
                complaint(
                    &file,
                    Some(error.line()),
                    format!("this is not valid JSON: {message}"),
                )
            })?;
            yaml(&file, text, "JSON")?
        }
        Format::Toml => toml(&file, text)?,
    };
    Ok(match value.node {
        Node::Null => Value::empty_map(path),
        _ => value,
    })
}

fn complaint(file: &Path, line: Option<usize>, message: String) -> Warning {
    Warning {
        file: file.to_path_buf(),
        line,
        message,
        hint: None,
        mend: None,
    }
}

/// `format` is what the file says that it is.
fn yaml(file: &Arc<Path>, text: &str, format: &str) -> Result<Value, Warning> {
    let tree: Spanned<Tree> = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map(|location| location.line() as usize);
        let message = error.without_snippet().to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let message = message
            .split(", set DuplicateKeyPolicy")
            .next()
            .unwrap_or_default();
        complaint(file, line, format!("this is not valid {format}: {message}"))
    })?;
    Ok(from_tree(file, text, tree))
}

/// What YAML's types come to, with the places still in the parser's form.
enum Tree {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

fn from_tree(file: &Arc<Path>, source: &str, tree: Spanned<Tree>) -> Value {
    let span = tree.defined.span();
    let written = || {
        let (start, length) = (span.byte_offset()? as usize, span.byte_len()? as usize);
        source.get(start..start + length).map(str::to_string)
    };
    let node = match tree.value {
        Tree::Null => Node::Null,
        Tree::Bool(value) => Node::Bool {
            value,
            text: written().unwrap_or_else(|| value.to_string()),
        },
        Tree::Number => Node::Number {
            text: written().unwrap_or_default(),
        },
        Tree::Text(text) => Node::Text(text),
        Tree::List(items) => Node::List(
            items
                .into_iter()
                .map(|item| from_tree(file, source, item))
                .collect(),
        ),
        Tree::Map(entries) => Node::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let line = Some(key.defined.line() as usize);
                    let value = from_tree(file, source, value);
                    (
                        key.value,
                        Value {
                            at: Origin {
                                file: file.clone(),
                                line,
                            },
                            ..value
                        },
                    )
                })
                .collect(),
        ),
    };
    Value {
        node,
        at: Origin {
            file: file.clone(),
            line: Some(tree.defined.line() as usize),
        },
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Number)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Tree, E> {
        Ok(Tree::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Tree, E> {
        Ok(Tree::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}

fn toml(file: &Arc<Path>, text: &str) -> Result<Value, Warning> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        let message = error.message().replace('\n', ", ");
        complaint(file, line, format!("this is not valid TOML: {message}"))
    })?;
    Ok(from_toml(file, text, DeValue::Table(table.into_inner()), 0))
}

fn from_toml(file: &Arc<Path>, source: &str, value: DeValue<'_>, start: usize) -> Value {
    let node = match value {
        DeValue::String(text) => Node::Text(text.into_owned()),
        DeValue::Boolean(value) => Node::Bool {
            value,
            text: value.to_string(),
        },
        DeValue::Integer(number) => Node::Number {
            text: decimal(number.as_str(), number.radix()),
        },
        DeValue::Float(number) => Node::Number {
            text: number.as_str().to_string(),
        },
        DeValue::Datetime(date) => Node::Text(date.to_string()),
        DeValue::Array(items) => Node::List(
            items
                .into_iter()
                .map(|item| from_toml(file, source, item.get_ref().clone(), item.span().start))
                .collect(),
        ),
        DeValue::Table(entries) => Node::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let value = from_toml(file, source, value.get_ref().clone(), key.span().start);
                    (key.into_inner().into_owned(), value)
                })
                .collect::<IndexMap<_, _>>(),
        ),
    };
    Value {
        node,
        at: Origin {
            file: file.clone(),
            line: Some(line_of(source, start)),
        },
    }
}

/// TOML's digits come without their prefix; only decimal ones can be shown as they are.
fn decimal(digits: &str, radix: u32) -> String {
    match radix {
        10 => digits.to_string(),
        _ => i64::from_str_radix(digits, radix)
            .map_or_else(|_| digits.to_string(), |number| number.to_string()),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}
