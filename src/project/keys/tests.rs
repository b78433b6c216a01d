use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::*;
use crate::project::parse::parse;
use crate::project::raw::RawConfig;
use crate::project::table::Notes;

/// Which of the forms of the keys that have several is written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Flat,
    Nested,
    /// As `Nested`, but a service is one of its own and not the name of a component.
    Own,
}

/// A file in which every key has a value.
fn every_key(keys: Keys, form: Form) -> Json {
    let keys = keys.iter().copied().flatten();
    let left_out: &[&str] = match form {
        Form::Flat => &["service"],
        Form::Nested => &["service_file", "service_image"],
        Form::Own => &["service_file", "service_image", "component"],
    };
    let keys = keys.filter(|key| !left_out.contains(&key.name));
    let entries = keys.map(|key| (key.name.to_string(), value(key, form)));
    Json::Object(entries.collect::<Map<_, _>>())
}

fn value(key: &Key, form: Form) -> Json {
    match key.takes {
        Takes::Text => "x".into(),
        Takes::TextOrNumber => 1.into(),
        Takes::Bool | Takes::Switch => true.into(),
        Takes::OneOf(values) | Takes::Spellings(values) => values[0].into(),
        Takes::Address => "127.0.0.1:1".into(),
        Takes::Duration => "1s".into(),
        Takes::Size | Takes::Count | Takes::Number | Takes::Port => 1.into(),
        Takes::Texts | Takes::Scalars => json!(["x"]),
        Takes::TextMap | Takes::NamedTexts => json!({"x": "x"}),
        // The loader wants to know no more where the name of a component is given.
        Takes::Choice(keys) if form == Form::Nested => every_key(&keys[..1], form),
        Takes::Environment(_) if form == Form::Flat => json!({"x": "x"}),
        Takes::Choice(keys) | Takes::Environment(keys) | Takes::Map(keys) => every_key(keys, form),
        Takes::List(keys) => json!([every_key(keys, form)]),
        Takes::Named(keys) => json!({"*": every_key(keys, form)}),
        Takes::Any => 1.into(),
    }
}

/// As what the loader asks for it.
fn asked(takes: Takes) -> &'static str {
    match takes {
        Takes::Text | Takes::OneOf(_) | Takes::Spellings(_) => "text",
        Takes::TextOrNumber
        | Takes::Address
        | Takes::Duration
        | Takes::Size
        | Takes::Count
        | Takes::Number
        | Takes::Port => "text or number",
        Takes::Bool => "boolean",
        Takes::Switch => "switch",
        Takes::Texts => "texts",
        Takes::Scalars => "scalars",
        Takes::TextMap => "text map",
        Takes::NamedTexts => "named texts",
        Takes::Choice(_) => "choice",
        Takes::Environment(_) | Takes::Map(_) => "map",
        Takes::List(_) => "list",
        Takes::Named(_) => "named",
        Takes::Any => "anything",
    }
}

#[test]
fn the_loader_asks_for_these_keys_and_no_others() {
    let mut found = BTreeSet::new();
    for form in [Form::Flat, Form::Nested, Form::Own] {
        let text = every_key(root(), form).to_string();
        let notes = Notes::default();
        RawConfig::read(&notes, parse(Path::new("x.json"), &text).unwrap());
        assert_eq!(notes.unknown.borrow().as_slice(), []);
        for (path, what) in notes.asked.into_inner() {
            // The flat form of a map that has two.
            let is_flat = path.ends_with(".environment") && what == "text map";
            if !is_flat || path == "dev.environment" {
                found.insert((path.replace("[0]", "[]"), what));
            }
        }
    }
    let expected: BTreeSet<_> = all()
        .into_iter()
        .map(|(path, key)| (path, asked(key.takes)))
        .collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let more: Vec<_> = found.difference(&expected).collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "only in the table: {missing:?}\nonly in the loader: {more:?}"
    );
}

#[test]
fn every_key_has_an_explanation_where_its_name_is_none() {
    let (names, explained): (BTreeSet<_>, BTreeSet<_>) = all()
        .into_iter()
        .map(|(path, key)| (path, !key.about.is_empty()))
        .partition(|(_, explained)| !explained);
    let names: Vec<&str> = names
        .iter()
        .filter_map(|(path, _)| path.rsplit('.').next())
        .collect();
    assert!(explained.len() > 100);
    let plain = ["read_only", "protocol", "url", "username"];
    assert!(names.iter().all(|name| plain.contains(name)), "{names:?}");
}

#[test]
fn secrets_are_told_from_the_places_where_they_are() {
    for (path, expected) in [
        ("secrets.db.inline.PASSWORD", true),
        ("secrets.db.inline", true),
        ("secrets", true),
        ("secrets.db.file", false),
        ("secrets.db.fromEnv[0]", false),
        ("wit.registries[0].token", true),
        ("wit.registries[0].username", false),
        ("configs.db.inline.A", false),
    ] {
        assert_eq!(is_secret(path), expected, "{path}");
    }
}
