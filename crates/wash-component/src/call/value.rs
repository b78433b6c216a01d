//! Values of the component model: arguments that were checked, and answers, which are printed as WAVE or JSON.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value as Json, json};
use wasm_wave::lex::Keyword;
use wasmparser::PrimitiveValType;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    /// Of the type of integers that it was checked to be.
    Integer(PrimitiveValType, i128),
    F32(f32),
    F64(f64),
    Char(char),
    String(String),
    List(Vec<Value>),
    FixedList(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Record(Vec<(String, Value)>),
    Tuple(Vec<Value>),
    Variant(String, Option<Box<Value>>),
    Enum(String),
    Flags(Vec<String>),
    Option(Option<Box<Value>>),
    Result(Result<Option<Box<Value>>, Option<Box<Value>>>),
    /// In an argument: what an earlier call answered.
    Answer(Answer),
    /// In an answer: a resource, which only the component can read.
    Resource,
    /// In an answer: bytes that came from a stream.
    Bytes(Vec<u8>),
}

/// What an earlier call of the program answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Index into the steps of the program.
    pub step: usize,
    /// It is in a `some` or an `ok`; if it is not, the program ends with that answer.
    pub within: bool,
    /// It is given away, not lent.
    pub given: bool,
}

impl Value {
    /// Whether a function answered that it failed.
    pub fn is_err(&self) -> bool {
        matches!(self, Value::Result(Err(_)))
    }

    /// As WAVE, which can be typed again. A resource cannot, and is `<resource>`.
    pub fn wave(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) {
        match self {
            Value::Bool(value) => _ = write!(out, "{value}"),
            Value::Integer(_, value) => _ = write!(out, "{value}"),
            Value::F32(value) if value.is_nan() => out.push_str("nan"),
            Value::F64(value) if value.is_nan() => out.push_str("nan"),
            Value::F32(value) => _ = write!(out, "{value}"),
            Value::F64(value) => _ = write!(out, "{value}"),
            Value::Char(value) => {
                out.push('\'');
                escape(out, *value, '\'');
                out.push('\'');
            }
            Value::String(value) => quoted(out, value),
            Value::List(values) | Value::FixedList(values) => list(out, '[', values, ']'),
            Value::Tuple(values) => list(out, '(', values, ')'),
            Value::Map(entries) => {
                let entries = entries.iter().cloned();
                let pairs: Vec<_> = entries.map(|(k, v)| Value::Tuple(vec![k, v])).collect();
                list(out, '[', &pairs, ']');
            }
            Value::Record(fields) => {
                let shown = |(_, value): &&(String, Value)| *value != Value::Option(None);
                let fields: Vec<_> = fields.iter().filter(shown).collect();
                out.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    let _ = write!(out, "{name}: ");
                    value.write(out);
                }
                out.push_str(if fields.is_empty() { ":}" } else { "}" });
            }
            Value::Variant(name, payload) => {
                label(out, name);
                in_parentheses(out, payload.as_deref());
            }
            Value::Enum(name) => label(out, name),
            Value::Flags(names) => {
                let _ = write!(out, "{{{}}}", names.join(", "));
            }
            Value::Option(None) => out.push_str("none"),
            Value::Option(some) => {
                out.push_str("some");
                in_parentheses(out, some.as_deref());
            }
            Value::Result(result) => {
                let (word, payload) = match result {
                    Ok(payload) => ("ok", payload),
                    Err(payload) => ("err", payload),
                };
                out.push_str(word);
                in_parentheses(out, payload.as_deref());
            }
            Value::Answer(_) | Value::Resource => out.push_str("<resource>"),
            Value::Bytes(bytes) => {
                let bytes: Vec<_> = bytes.iter().map(u8::to_string).collect();
                let _ = write!(out, "[{}]", bytes.join(", "));
            }
        }
    }

    /// As `docs/call.md` describes it.
    pub fn json(&self) -> Json {
        let all = |values: &[Value]| values.iter().map(Value::json).collect::<Vec<_>>();
        let payload = |value: &Option<Box<Value>>| value.as_ref().map_or(Json::Null, |v| v.json());
        match self {
            Value::Bool(value) => json!(value),
            Value::Integer(_, value) => {
                Number::from_i128(*value).map_or_else(|| json!(value.to_string()), Json::Number)
            }
            Value::F32(value) => float(f64::from(*value), value.to_string()),
            Value::F64(value) => float(*value, value.to_string()),
            Value::Char(value) => json!(value),
            Value::String(value) => json!(value),
            Value::List(values) | Value::FixedList(values) | Value::Tuple(values) => {
                json!(all(values))
            }
            Value::Map(entries) => {
                let pairs = entries.iter().map(|(k, v)| json!([k.json(), v.json()]));
                json!(pairs.collect::<Vec<_>>())
            }
            Value::Record(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.json()));
                Json::Object(fields.collect::<Map<_, _>>())
            }
            Value::Variant(name, None) | Value::Enum(name) => json!(name),
            Value::Variant(name, Some(value)) => json!({ name: value.json() }),
            Value::Flags(names) => json!(names),
            Value::Option(None) => Json::Null,
            // Without this, `some(none)` would be `none`.
            Value::Option(Some(value)) if matches!(**value, Value::Option(_)) => {
                json!({ "some": value.json() })
            }
            Value::Option(Some(value)) => value.json(),
            Value::Result(Ok(value)) => json!({ "ok": payload(value) }),
            Value::Result(Err(value)) => json!({ "err": payload(value) }),
            Value::Answer(_) | Value::Resource => json!({ "resource": null }),
            Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => json!(text),
                Err(_) => json!(bytes),
            },
        }
    }
}

/// JSON has no numbers for what is none.
fn float(value: f64, shown: String) -> Json {
    // By way of the text: `0.1` of 32 bits is `0.1`, not `0.10000000149011612`.
    let number = shown.parse::<f64>().ok().and_then(Number::from_f64);
    match number {
        Some(number) => Json::Number(number),
        None if value.is_nan() => json!("nan"),
        None => json!(shown),
    }
}

fn list(out: &mut String, open: char, values: &[Value], close: char) {
    out.push(open);
    for (index, value) in values.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        value.write(out);
    }
    out.push(close);
}

fn in_parentheses(out: &mut String, payload: Option<&Value>) {
    if let Some(value) = payload {
        out.push('(');
        value.write(out);
        out.push(')');
    }
}

fn label(out: &mut String, name: &str) {
    out.push_str(if Keyword::decode(name).is_some() {
        "%"
    } else {
        ""
    });
    out.push_str(name);
}

/// Text as WAVE quotes it.
pub(super) fn quoted(out: &mut String, text: &str) {
    out.push('"');
    text.chars().for_each(|c| escape(out, c, '"'));
    out.push('"');
}

fn escape(out: &mut String, c: char, quote: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\\' => out.push_str("\\\\"),
        c if c == quote => {
            out.push('\\');
            out.push(c);
        }
        c if c.is_control() => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(value: Value) -> Option<Box<Value>> {
        Some(Box::new(value))
    }

    #[track_caller]
    fn check(value: Value, wave: &str, expected: Json) {
        assert_eq!(value.wave(), wave);
        assert_eq!(value.json(), expected);
    }

    #[test]
    fn values_are_printed() {
        let none = || Value::Option(None);
        let int = |value| Value::Integer(PrimitiveValType::S64, value);
        check(int(-5), "-5", json!(-5));
        check(
            Value::Integer(PrimitiveValType::U64, u64::MAX.into()),
            "18446744073709551615",
            json!(u64::MAX),
        );
        check(Value::F32(0.1), "0.1", json!(0.1));
        check(Value::F64(f64::NAN), "nan", json!("nan"));
        check(Value::F64(f64::NEG_INFINITY), "-inf", json!("-inf"));
        check(Value::Char('\''), "'\\''", json!("'"));
        check(
            Value::String("a\"\\\n\u{1b}🦀'".into()),
            r#""a\"\\\n\u{1b}🦀'""#,
            json!("a\"\\\n\u{1b}🦀'"),
        );
        check(
            Value::Record(vec![("a".into(), int(1)), ("b".into(), none())]),
            "{a: 1}",
            json!({ "a": 1, "b": null }),
        );
        check(
            Value::Record(vec![("b".into(), none())]),
            "{:}",
            json!({ "b": null }),
        );
        check(Value::Enum("none".into()), "%none", json!("none"));
        check(
            Value::Variant("dot".into(), boxed(Value::Tuple(vec![int(1), int(2)]))),
            "dot((1, 2))",
            json!({ "dot": [1, 2] }),
        );
        check(
            Value::Flags(vec!["a".into(), "b".into()]),
            "{a, b}",
            json!(["a", "b"]),
        );
        check(Value::Option(boxed(int(1))), "some(1)", json!(1));
        check(
            Value::Option(boxed(none())),
            "some(none)",
            json!({ "some": null }),
        );
        check(Value::Result(Ok(None)), "ok", json!({ "ok": null }));
        check(
            Value::Result(Err(boxed(int(1)))),
            "err(1)",
            json!({ "err": 1 }),
        );
        check(Value::Bytes(b"hi".into()), "[104, 105]", json!("hi"));
        check(Value::Bytes(vec![255]), "[255]", json!([255]));
    }
}
