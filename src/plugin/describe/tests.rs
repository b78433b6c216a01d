use super::*;
use crate::plugin::manifest::{Access, Choice};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn list(values: Vec<Value>) -> Value {
    Value::List(values)
}

fn none() -> Value {
    Value::Option(None)
}

fn some(value: Value) -> Value {
    Value::Option(Some(value.into()))
}

fn case(name: &str, value: Option<Value>) -> Value {
    Value::Variant(name.to_owned(), value.map(Box::new))
}

fn record(fields: &[(&str, Value)]) -> Value {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    Value::Record(fields.collect())
}

/// A record with one field changed.
fn with(mut of: Value, name: &str, value: Value) -> Value {
    let Value::Record(fields) = &mut of else {
        panic!("no record")
    };
    fields
        .iter_mut()
        .find(|(field, _)| field == name)
        .expect("a field")
        .1 = value;
    of
}

fn command(path: &[&str]) -> Value {
    record(&[
        ("path", list(path.iter().map(|word| text(word)).collect())),
        ("summary", text("Do it")),
        ("details", text("")),
        ("aliases", list(vec![])),
        ("group", Value::Bool(false)),
        ("arguments", list(vec![])),
        ("flags", list(vec![])),
        ("examples", list(vec![])),
    ])
}

fn argument(name: &str, kind: Value, count: &str) -> Value {
    record(&[
        ("name", text(name)),
        ("summary", text("")),
        ("kind", kind),
        ("count", Value::Enum(count.to_owned())),
        ("default", none()),
    ])
}

fn flag(name: &str, kind: Value) -> Value {
    record(&[
        ("name", text(name)),
        ("short", none()),
        ("summary", text("")),
        ("kind", kind),
        ("required", Value::Bool(false)),
        ("repeated", Value::Bool(false)),
        ("default", none()),
    ])
}

fn descriptor(commands: Vec<Value>) -> Value {
    record(&[
        ("name", text("my")),
        ("version", text("0.1.0")),
        ("summary", text("Mine")),
        ("commands", list(commands)),
        ("hooks", list(vec![])),
        ("wants", list(vec![])),
    ])
}

fn reserved() -> Reserved {
    let wash = clap::Command::new("wash")
        .subcommand(clap::Command::new("build"))
        .arg(
            clap::Arg::new("output")
                .short('o')
                .long("output")
                .global(true),
        );
    Reserved::of(&wash)
}

#[track_caller]
fn refused(value: Value, expected: &str) {
    let error = read(&value, &reserved()).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(!error.chars().any(is_unseen), "{error:?}");
}

#[test]
fn a_description_is_read_whole() {
    let color = record(&[("value", text("red")), ("summary", text(""))]);
    let range = record(&[
        (
            "least",
            some(Value::Integer(wasmparser::PrimitiveValType::S64, -1)),
        ),
        ("most", none()),
    ]);
    let list_command = with(
        with(
            command(&["my", "list"]),
            "arguments",
            list(vec![argument(
                "files",
                case("file", Some(list(vec![text("wasm")]))),
                "any",
            )]),
        ),
        "flags",
        list(vec![
            with(flag("loud", none()), "short", some(Value::Char('l'))),
            flag("color", some(case("one-of", Some(list(vec![color]))))),
            flag("level", some(case("integer", Some(range)))),
        ]),
    );
    let want = record(&[
        (
            "what",
            case(
                "directory",
                Some(record(&[
                    ("path", text("~/notes")),
                    ("access", Value::Enum("read-only".into())),
                ])),
            ),
        ),
        ("reason", text("to find them")),
    ]);
    let value = with(
        with(descriptor(vec![list_command]), "wants", list(vec![want])),
        "hooks",
        list(vec![
            Value::Enum("before-push".into()),
            Value::Enum("after-build".into()),
        ]),
    );
    let Description {
        commands,
        hooks,
        wants,
        ..
    } = read(&value, &reserved()).unwrap();
    assert_eq!(hooks, [HookPoint::AfterBuild, HookPoint::BeforePush]);
    assert_eq!(
        wants[0].what,
        Permission::Directory {
            path: "~/notes".into(),
            access: Access::ReadOnly
        }
    );
    assert!(
        commands[0].group && commands[0].path == ["my"],
        "the group was not described"
    );
    assert_eq!(
        commands[1].arguments[0].kind,
        ValueKind::File(vec!["wasm".into()])
    );
    let flags = &commands[1].flags;
    assert_eq!((flags[0].short, &flags[0].kind), (Some('l'), &None));
    let red = Choice {
        value: "red".into(),
        summary: String::new(),
    };
    assert_eq!(flags[1].kind, Some(ValueKind::OneOf(vec![red])));
    assert_eq!(
        flags[2].kind,
        Some(ValueKind::Integer {
            least: Some(-1),
            most: None
        })
    );
}

#[test]
fn another_form_is_refused() {
    refused(text("hello"), "something else than `wash:plugin@0.1.0`");
    refused(record(&[("name", text("my"))]), "missing field");
}

#[test]
fn names_stay_in_their_place() {
    for name in [
        "../my",
        "/etc/passwd",
        "My",
        "my\u{1b}[2J",
        "",
        "a b",
        &"x".repeat(100),
    ] {
        refused(
            with(descriptor(vec![]), "name", text(name)),
            "is not a name",
        );
        refused(descriptor(vec![command(&["my", name])]), "is not a name");
        let named = with(command(&["my"]), "aliases", list(vec![text(name)]));
        refused(descriptor(vec![named]), "is not a name");
    }
    refused(
        with(descriptor(vec![]), "version", text("1; rm")),
        "is not a version",
    );
    refused(descriptor(vec![command(&[])]), "it is empty");
    refused(
        descriptor(vec![command(&["a", "b", "c", "d", "e"])]),
        "at most 4",
    );
}

#[test]
fn texts_are_short_and_can_be_seen() {
    let summary = |summary: &str| with(descriptor(vec![]), "summary", text(summary));
    refused(summary("\u{1b}]0;title\u{7}"), "U+001B");
    refused(summary("two\nlines"), "U+000A");
    refused(summary("\u{202e}txt.exe"), "U+202E");
    refused(summary(&"x".repeat(201)), "at most 200");
    let details =
        |details: &str| descriptor(vec![with(command(&["my"]), "details", text(details))]);
    read(&details("two\n\nparagraphs"), &reserved()).unwrap();
    refused(details("\r"), "U+000D");
    refused(details(&"x".repeat(2 << 20)), "at most");
    refused(descriptor(vec![command(&["my"]); 1000]), "at most 200");
}

#[test]
fn commands_and_flags_can_be_told_apart() {
    let twice = descriptor(vec![command(&["my", "a"]), command(&["my", "a"])]);
    refused(twice, "two commands");
    let alias = with(command(&["my", "b"]), "aliases", list(vec![text("a")]));
    refused(
        descriptor(vec![command(&["my", "a"]), alias]),
        "two commands",
    );
    let of = |key, values| descriptor(vec![with(command(&["my"]), key, list(values))]);
    let any = || case("text", None);
    refused(
        of("flags", vec![flag("output", none())]),
        "global option of `wash`",
    );
    refused(
        of(
            "flags",
            vec![with(flag("x", none()), "short", some(Value::Char('o')))],
        ),
        "`-o`",
    );
    refused(
        of(
            "flags",
            vec![with(flag("x", none()), "short", some(Value::Char('\u{7}')))],
        ),
        "letter",
    );
    refused(
        of("flags", vec![flag("x", none()), flag("x", none())]),
        "another one",
    );
    refused(
        of(
            "flags",
            vec![with(flag("x", none()), "required", Value::Bool(true))],
        ),
        "a switch",
    );
    let several = vec![argument("a", any(), "any"), argument("b", any(), "one")];
    refused(of("arguments", several), "the last");
    let late = vec![
        argument("a", any(), "at-most-one"),
        argument("b", any(), "one"),
    ];
    refused(of("arguments", late), "after one that can be left out");
}

#[test]
fn a_default_is_a_value_and_never_a_path() {
    let with_default = |kind: Value, default: &str| {
        let argument = with(argument("a", kind, "one"), "default", some(text(default)));
        descriptor(vec![with(
            command(&["my"]),
            "arguments",
            list(vec![argument]),
        )])
    };
    refused(
        with_default(case("file", Some(list(vec![]))), "/etc/passwd"),
        "a path",
    );
    refused(with_default(case("directory", None), "/"), "a path");
    refused(
        with_default(case("boolean", None), "maybe"),
        "not a valid value",
    );
    refused(
        with_default(case("number", None), "nan"),
        "not a valid value",
    );
    refused(
        with_default(case("one-of", Some(list(vec![]))), "x"),
        "no value",
    );
    read(&with_default(case("number", None), "1.5"), &reserved()).unwrap();
}
