//! The JSON Schema of the configuration against the loader, on the same files.
//!
//! Knows as much of JSON Schema as ours uses, and panics at anything else.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;
use wash::project::{Verdict, keys};

/// What the loader says of the types and the names in a file, the schema says as well; and what the loader has nothing
/// against, neither has the schema.
pub(crate) fn agrees(root: &Path, verdict: Option<&Verdict>) {
    let file = root.join(".wash/config.yaml");
    let Some(verdict) = verdict.filter(|_| file.is_file()) else {
        return;
    };
    let text = fs::read_to_string(&file).unwrap();
    let Ok(value) = serde_saphyr::from_str::<Value>(&text) else {
        return;
    };
    let schema = keys::schema();
    let wrong = problems(&schema, &value, "");
    let ours = verdict.problems.iter().chain(&verdict.unknown);
    let ours: Vec<String> = ours
        .filter(|found| found.file == file)
        .map(|found| found.message.clone())
        .collect();
    assert!(
        wrong.is_empty() || !ours.is_empty(),
        "only the schema is against\n{text}\n{wrong:?}"
    );
    let of_types = [
        "a string",
        "a list",
        "a map",
        "a boolean",
        "`true` or `false`",
    ];
    let by_type = |message: &&String| {
        message.contains("unknown key")
            || of_types
                .iter()
                .any(|of| message.contains(&format!("expected {of}")))
    };
    let missed = ours.iter().find(by_type);
    assert!(
        missed.is_none() || !wrong.is_empty(),
        "only the loader is against\n{text}\n{missed:?}"
    );
}

/// What a schema has against a value.
pub(crate) fn problems(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let empty = serde_json::Map::new();
    let properties = schema.get("properties").map(|p| p.as_object().unwrap());
    for (word, said) in schema.as_object().unwrap() {
        let holds = match word.as_str() {
            "$schema" | "$id" | "title" | "description" | "default" => true,
            "type" => match said {
                Value::String(name) => is_of(value, name),
                names => {
                    let mut names = names.as_array().unwrap().iter();
                    names.any(|name| is_of(value, name.as_str().unwrap()))
                }
            },
            "enum" => said.as_array().unwrap().contains(value),
            "anyOf" => {
                let mut any = said.as_array().unwrap().iter();
                any.any(|schema| problems(schema, value, path).is_empty())
            }
            "pattern" => {
                let pattern = Regex::new(said.as_str().unwrap()).unwrap();
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "minimum" => value.as_f64().is_none_or(|n| n >= said.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|n| n <= said.as_f64().unwrap()),
            "minItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 >= said.as_u64().unwrap()),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(problems(said, item, &format!("{path}[{index}]")));
                }
                true
            }
            "properties" => {
                for (name, value) in value.as_object().unwrap_or(&empty) {
                    if let Some(schema) = said.get(name) {
                        found.extend(problems(schema, value, &format!("{path}.{name}")));
                    }
                }
                true
            }
            "additionalProperties" => {
                for (name, value) in value.as_object().unwrap_or(&empty) {
                    let path = format!("{path}.{name}");
                    if properties.is_some_and(|properties| properties.contains_key(name)) {
                        continue;
                    }
                    match said {
                        Value::Bool(true) => {}
                        Value::Bool(false) => found.push(format!("{path}: no such key")),
                        schema => found.extend(problems(schema, value, &path)),
                    }
                }
                true
            }
            other => panic!("`{other}` is not known to this test"),
        };
        if !holds {
            found.push(format!("{path}: {word} {said}, found {value}"));
        }
    }
    found
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type `{other}`"),
    }
}
