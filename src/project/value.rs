//! A config file as a tree of values, each with the place it stands at.
//!
//! One tree for YAML, TOML, JSON and the environment, so that everything after [`super::parse`] is written once.
//! Scalars keep the text they were written with: `PORT: 0080` is still `0080` where a string is wanted.

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use super::{keys, redact};

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// A file, or `$VARIABLE`.
    pub(super) file: Arc<Path>,
    /// From 1, where the parser tells.
    pub(super) line: Option<usize>,
}

/// A value; of an entry in a map, `at` is the place of its key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) node: Node,
    pub(super) at: Origin,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Bool { value: bool, text: String },
    Number { text: String },
    Text(String),
    List(Vec<Value>),
    Map(IndexMap<String, Value>),
}

impl Value {
    pub(super) fn empty_map(file: &Path) -> Self {
        Self {
            node: Node::Map(IndexMap::new()),
            at: Origin {
                file: file.into(),
                line: None,
            },
        }
    }

    /// Lays `over` on top: maps are merged key by key, everything else is replaced.
    pub(super) fn merge(&mut self, over: Value) {
        match (&mut self.node, over) {
            (
                _,
                Value {
                    node: Node::Null, ..
                },
            ) => {}
            (
                Node::Map(base),
                Value {
                    node: Node::Map(entries),
                    at,
                },
            ) => {
                for (key, value) in entries {
                    match base.get_mut(&key) {
                        Some(below) => below.merge(value),
                        None => {
                            base.insert(key, value);
                        }
                    }
                }
                self.at = at;
            }
            (_, over) => *self = over,
        }
    }

    /// Sets the value at a path of keys, making the maps on the way. An entry of a list that is there may be named by
    /// its index; any other name adds one.
    pub(super) fn insert(&mut self, path: &[String], value: Value) {
        let Some((first, rest)) = path.split_first() else {
            return self.merge(value);
        };
        let below = match &mut self.node {
            Node::Map(entries) => entries.get_mut(first),
            Node::List(items) => first.parse().ok().and_then(|i: usize| items.get_mut(i)),
            _ => None,
        };
        if let Some(below) = below {
            return below.insert(rest, value);
        }
        if let (Node::List(items), []) = (&mut self.node, rest) {
            return items.push(value);
        }
        let nested = path.iter().rev().fold(value, |inner, key| {
            let at = inner.at.clone();
            Value {
                node: Node::Map(IndexMap::from([(key.clone(), inner)])),
                at,
            }
        });
        self.merge(nested);
    }

    /// Of `environment`: whether it is upstream's map of `config`, `configFrom` and `secretFrom`, and not of variables.
    pub(super) fn is_nested_environment(&self) -> bool {
        let Node::Map(entries) = &self.node else {
            return false;
        };
        let nested = |key, is: fn(&Node) -> bool| {
            entries
                .get(key)
                .is_some_and(|value: &Value| is(&value.node))
        };
        nested("config", |node| matches!(node, Node::Map(_)))
            || ["configFrom", "secretFrom"]
                .iter()
                .any(|key| nested(key, |node| matches!(node, Node::List(_))))
    }

    /// The text of a string.
    pub(super) fn into_text(self) -> Option<String> {
        match self.node {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// [`Self::describe`], without the value of a key whose values are never shown.
    pub(super) fn describe_at(&self, path: &str) -> String {
        let is_secret = keys::is_secret(path) || redact::says_secret(path);
        match &self.node {
            Node::Bool { .. } if is_secret => "a boolean".to_string(),
            Node::Number { .. } if is_secret => "a number".to_string(),
            Node::Text(_) if is_secret => "a string".to_string(),
            Node::Text(text) if redact::is_secret_value(text) => "a string".to_string(),
            Node::Text(text) => format!("the string `{}`", redact::without_secrets(text)),
            _ => self.describe(),
        }
    }

    /// What was found, for `expected X, found Y`.
    pub(super) fn describe(&self) -> String {
        match &self.node {
            Node::Null => "nothing".to_string(),
            Node::Bool { text, .. } => format!("the boolean `{text}`"),
            Node::Number { text } => format!("the number `{text}`"),
            Node::Text(text) => format!("the string `{text}`"),
            Node::List(_) => "a list".to_string(),
            Node::Map(_) => "a map".to_string(),
        }
    }
}
