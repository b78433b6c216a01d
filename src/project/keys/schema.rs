//! The table as a JSON Schema, for editors and for whoever checks files without `wash`.
//!
//! A schema cannot say everything that reading a file finds out; what it rejects, `wash` rejects or warns of as well.
//! Draft 7, which the language servers for YAML, JSON and TOML read. A key without a value is like one that is not there,
//! so `null` is allowed everywhere.

use serde_json::{Map, Value, json};

use super::{Key, Keys, Takes, root};

/// What the schema is called beside a config file. It is never fetched: whoever owns a public address decides what editors load.
pub const SCHEMA_FILE: &str = "config.schema.json";

pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of wash",
        "description": "`.wash/config.yaml` of a project (or .yml, .json, .toml), and `wash/config.yaml` in the user's config directory.",
    });
    merge(&mut schema, map(root()));
    schema
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn map(keys: Keys) -> Value {
    let properties = keys.iter().copied().flatten();
    let properties: Map<String, Value> = properties
        .map(|key| (key.name.to_string(), property(key)))
        .collect();
    json!({"type": ["object", "null"], "properties": properties, "additionalProperties": false})
}

fn property(key: &Key) -> Value {
    let mut property = json!({});
    if !key.about.is_empty() {
        property["description"] = key.about.into();
    }
    merge(&mut property, takes(key.takes));
    if let Some(default) = key.default {
        property["default"] = match default {
            "true" | "false" => (default == "true").into(),
            text => text
                .parse::<u64>()
                .map_or_else(|_| text.into(), Value::from),
        };
    }
    property
}

fn takes(takes: Takes) -> Value {
    const NUMBER_OR_TEXT: [&str; 3] = ["string", "number", "null"];
    match takes {
        Takes::Text => json!({"type": ["string", "null"]}),
        Takes::TextOrNumber => json!({"type": NUMBER_OR_TEXT}),
        Takes::Bool => json!({"type": ["boolean", "null"]}),
        Takes::Switch => json!({"enum": ["on", "off", true, false, null]}),
        Takes::OneOf(values) => {
            let values = values.iter().map(|value| json!(value));
            json!({"enum": values.chain([Value::Null]).collect::<Vec<_>>()})
        }
        Takes::Spellings(values) => {
            json!({"anyOf": [{"enum": values}, {"type": ["string", "null"]}]})
        }
        Takes::Address => json!({
            "type": ["string", "integer", "null"],
            "pattern": r"^\s*(\d+|(localhost|[0-9.]+|\[[0-9a-fA-F:.%]+\])?:\d+)\s*$",
            "minimum": 0, "maximum": 65535,
        }),
        Takes::Duration => json!({
            "type": ["string", "null"],
            "pattern": r"^\s*[0-9.]+\s*(ms|s|m|min|h)\s*$",
        }),
        Takes::Size => json!({
            "type": ["string", "integer", "null"],
            "pattern": r"^\s*\d+\s*([bB]|[kKmMgG]([iI]?[bB]|[iI])?)?\s*$",
            "minimum": 1,
        }),
        Takes::Count => json!({
            "type": ["string", "integer", "null"],
            "pattern": r"^\s*\+?\d*[1-9]\d*\s*$",
            "minimum": 1,
        }),
        Takes::Number => json!({
            "type": ["string", "integer", "null"],
            "pattern": r"^\+?\d+$",
            "minimum": 0,
        }),
        Takes::Port => json!({
            "type": ["string", "integer", "null"],
            "pattern": r"^\+?\d+$",
            "minimum": 1, "maximum": 65535,
        }),
        Takes::Texts => json!({"type": ["array", "null"], "items": {"type": "string"}}),
        Takes::Scalars => {
            json!({"type": ["array", "null"], "items": {"type": ["string", "number"]}})
        }
        Takes::TextMap => texts(),
        Takes::NamedTexts => json!({
            "type": ["object", "null"],
            "additionalProperties": {"anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]},
        }),
        Takes::Choice(keys) => json!({"anyOf": [
            {"type": ["boolean", "string", "null"]},
            map(keys),
        ]}),
        Takes::Environment(keys) => json!({"anyOf": [map(keys), texts()]}),
        Takes::Map(keys) => map(keys),
        Takes::List(keys) => {
            let mut items = map(keys);
            items["type"] = "object".into();
            json!({"type": ["array", "null"], "items": items})
        }
        Takes::Named(keys) => {
            let mut named = map(keys);
            named["type"] = "object".into();
            json!({"type": ["object", "null"], "additionalProperties": named})
        }
        Takes::Any => json!({}),
    }
}

fn texts() -> Value {
    json!({
        "type": ["object", "null"],
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    })
}
