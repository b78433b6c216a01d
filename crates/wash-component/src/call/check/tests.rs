//! Expressions, and the programs they become.

use wash_common::advice::Advice as _;

use super::*;
use crate::call::{list, testing};

const WIT: &str = r#"
package my:math@1.0.0;

interface ops {
  enum colour { red, green }
  flags access { read, write }
  variant shape { nothing, dot(tuple<s32, s32>) }
  record point { x: u8, y: option<u8> }
  add: func(a: u32, b: u32) -> u32;
  mix: func(colour: colour, access: access, shape: shape, at: point) -> result<list<colour>, string>;
  say: func(text: string, loudly: option<bool>);
  half: func(of: f32) -> f64;
}

interface counters {
  resource counter {
    constructor(start: u32);
    next: func(by: option<u32>) -> u32;
    try-new: static func(start: u32) -> result<counter, string>;
    sum: static func(a: counter, b: borrow<counter>) -> counter;
  }
  largest: func(among: list<borrow<counter>>) -> u32;
  read: func() -> stream<list<u8>>;
  feed: func(bytes: stream<u8>);
  drain: func() -> tuple<stream<u8>, future<string>>;
}

interface other {
  add: func(a: string, b: string) -> string;
}

world member {
  export ops;
  export counters;
  export other;
  export add-all: func(numbers: list<u32>) -> u32;
  export wasi:cli/run@0.2.0;
}

package wasi:cli@0.2.0 {
  interface run { run: func() -> result; }
}
"#;

fn catalog() -> Catalog {
    testing::catalog(WIT)
}

fn typed(line: &[&str]) -> Result<Program, Rejected> {
    let words: Vec<_> = line[1..].iter().map(|word| (*word).to_owned()).collect();
    program(&catalog(), line[0], &words)
}

/// Each step with its arguments; the answer of step 1 is `$1`, `&$1` where it is lent, `$1?` where it is within.
fn shown(line: &[&str]) -> Vec<String> {
    fn argument(value: &Value) -> String {
        match value {
            Value::Answer(Answer {
                step,
                within,
                given,
            }) => {
                let (lent, within) = (
                    if *given { "" } else { "&" },
                    if *within { "?" } else { "" },
                );
                format!("{lent}${step}{within}")
            }
            Value::List(values) if values.iter().any(|v| matches!(v, Value::Answer(_))) => {
                let values: Vec<_> = values.iter().map(argument).collect();
                format!("[{}]", values.join(", "))
            }
            value => value.wave(),
        }
    }
    let step = |step: &Step| {
        let arguments: Vec<_> = step.arguments.iter().map(argument).collect();
        let interface = step.interface.as_deref().unwrap_or_default();
        let interface = interface.split(['/', '@']).nth(1).unwrap_or_default();
        format!("{interface} {}({})", step.function, arguments.join(", "))
    };
    match typed(line) {
        Ok(program) => program.steps.iter().map(step).collect(),
        Err(rejected) => vec![rejected.to_string()],
    }
}

#[test]
fn functions_are_found_by_every_name_they_have() {
    for name in [
        "ops.add",
        "ops#add",
        "ops@1.0.0.add",
        "my:math/ops.add",
        "my:math/ops#add",
        "my:math/ops@1.0.0.add",
        "my:math/ops@1.0.0#add",
    ] {
        let expected = ["ops add(1, 2)"];
        assert_eq!(shown(&[name, "1", "2"]), expected, "{name}");
        assert_eq!(shown(&[&format!("{name}(1, 2)")]), expected, "{name}");
    }
    assert_eq!(shown(&["add-all", "[1, 2]"]), [" add-all([1, 2])"]);
}

#[test]
fn resources_are_made_and_called_in_one_line() {
    for (line, expected) in [
        (
            "counter(5).next()",
            vec![
                "counters [constructor]counter(5)",
                "counters [method]counter.next(&$0, none)",
            ],
        ),
        (
            "counter.new(5).next(2)",
            vec![
                "counters [constructor]counter(5)",
                "counters [method]counter.next(&$0, some(2))",
            ],
        ),
        (
            "counters.counter(5).next",
            vec![
                "counters [constructor]counter(5)",
                "counters [method]counter.next(&$0, none)",
            ],
        ),
        (
            "counter.try-new(5).next()",
            vec![
                "counters [static]counter.try-new(5)",
                "counters [method]counter.next(&$0?, none)",
            ],
        ),
        (
            "counter.sum(counter(1), counter.try-new(2)).next()",
            vec![
                "counters [constructor]counter(1)",
                "counters [static]counter.try-new(2)",
                "counters [static]counter.sum($0, &$1?)",
                "counters [method]counter.next(&$2, none)",
            ],
        ),
        (
            "largest([counter(1), counter(2)])",
            vec![
                "counters [constructor]counter(1)",
                "counters [constructor]counter(2)",
                "counters largest([&$0, &$1])",
            ],
        ),
        (
            "ops.add(counter(1).next(), 2)",
            vec![
                "counters [constructor]counter(1)",
                "counters [method]counter.next(&$0, none)",
                "ops add($1, 2)",
            ],
        ),
    ] {
        assert_eq!(shown(&[line]), expected, "{line}");
    }
    // What stands after it belongs to the last call.
    let expected = [
        "counters [constructor]counter(5)",
        "counters [method]counter.next(&$0, some(3))",
    ];
    assert_eq!(shown(&["counter(5).next", "3"]), expected);
}

#[test]
fn values_are_held_against_their_types() {
    let mix = ["mix", "green", "{write}", "dot((-1, 2))", "{x: 1}"];
    assert_eq!(
        shown(&mix),
        ["ops mix(green, {write}, dot((-1, 2)), {x: 1})"]
    );
    assert_eq!(shown(&["say", "\"x\""]), ["ops say(\"x\", none)"]);
    assert_eq!(
        shown(&["say", "\"x\"", "true"]),
        ["ops say(\"x\", some(true))"]
    );
    assert_eq!(shown(&["half", "-inf"]), ["ops half(-inf)"]);
    assert_eq!(shown(&["half", "3"]), ["ops half(3)"]);
}

#[test]
fn a_command_is_known() {
    assert!(typed(&["run"]).unwrap().is_command());
    assert!(typed(&["wasi:cli/run@0.2.0#run()"]).unwrap().is_command());
    assert!(!typed(&["add-all", "[]"]).unwrap().is_command());
}

/// What is wrong, and what to do about it.
#[track_caller]
fn rejected(line: &[&str], message: &str, hint: &str) {
    let rejected = typed(line).unwrap_err();
    assert_eq!(rejected.to_string(), message);
    assert_eq!(rejected.hints().first().map_or("", String::as_str), hint);
}

#[test]
fn wrong_values_are_pointed_at() {
    rejected(
        &["ops.add", "1", "\"two\""],
        "argument 2 (`b`) of `add`: expected `u32`, found the string \"two\"\n  \"two\"\n  ^^^^^",
        "",
    );
    rejected(
        &["ops.add(1, 4294967296)"],
        "argument 2 (`b`) of `add`: expected `u32` (0 to 4294967295), found the number `4294967296`\n  ops.add(1, 4294967296)\n             ^^^^^^^^^^",
        "",
    );
    rejected(
        &["mix", "gren", "{}", "nothing", "{x: 1}"],
        "argument 1 (`colour`) of `mix`: expected `colour` (enum { red, green }), found `gren`\n  gren\n  ^^^^",
        "did you mean `green`?",
    );
    rejected(
        &["mix", "red", "{read, wrote}", "nothing", "{x: 1}"],
        "argument 2 (`access`) of `mix`: expected `access` (flags { read, write }), found `wrote`\n  {read, wrote}\n         ^^^^^",
        "did you mean `write`?",
    );
    rejected(
        &["mix", "red", "{}", "dot(1)", "{x: 1}"],
        "argument 3 (`shape`) of `mix`: expected `tuple<s32, s32>`, found the number `1`\n  dot(1)\n      ^",
        "",
    );
    rejected(
        &["mix", "red", "{}", "nothing", "{y: 1}"],
        "argument 4 (`at`) of `mix`: expected `point` (record { x: u8, y: option<u8> }), found no field `x`\n  {y: 1}\n  ^^^^^^",
        "",
    );
    rejected(
        &["say", "hello world"],
        "argument 1 (`text`) of `say`: expected `string`, found text without quotes\n  hello world\n  ^^^^^^^^^^^",
        "strings need quotes; quote them again for the shell: '\"hello world\"'",
    );
    rejected(
        &["counter.sum", "1", "2"],
        "argument 1 (`a`) of `counter.sum`: expected `counter`, found the number `1`\n  1\n  ^",
        "write a call that returns one: `counter(start: u32) -> counter` or `counter.try-new(start: u32) -> result<counter, string>` or `counter.sum(a: counter, b: borrow<counter>) -> counter`",
    );
    rejected(
        &["ops.add(say(\"x\"), 1)"],
        "argument 1 (`a`) of `add`: expected `u32`, found a call that returns nothing\n  ops.add(say(\"x\"), 1)\n          ^^^^^^^^",
        "",
    );
}

#[test]
fn wrong_names_have_an_answer() {
    rejected(
        &["add", "1", "2"],
        "`add` may be one of several\n  add\n  ^^^",
        "name it: `ops.add` or `other.add`",
    );
    rejected(
        &["counter(1).nxt()"],
        "`counter` has no method `nxt`\n  counter(1).nxt()\n             ^^^",
        "did you mean `next`?",
    );
    rejected(
        &["larges", "[]"],
        "no function `larges`\n  larges\n  ^^^^^^",
        "did you mean `largest`?",
    );
    rejected(
        &["counter.next"],
        "`counter.next` is a method: it needs a call that returns `counter` in front of it\n  counter.next\n  ^^^^^^^^^^^^",
        "`--list` shows the functions that return one",
    );
    rejected(
        &["half(1).next()"],
        "`f64` has no methods: only resources do\n  half(1).next()\n          ^^^^",
        "",
    );
    rejected(
        &["ops.add", "1"],
        "`add` takes 2 arguments, found 1\n  ops.add\n  ^^^^^^^",
        "it is `ops.add(a: u32, b: u32) -> u32`",
    );
    rejected(
        &["ops.add(1, 2)", "3"],
        "the arguments of `ops.add` are given twice: in parentheses and after it\n  ops.add(1, 2)\n  ^^^^^^^",
        "",
    );
    rejected(
        &["5"],
        "expected the name of a function, found the number `5`\n  5\n  ^",
        "",
    );
}

#[test]
fn streams_are_printed_where_they_can_be() {
    assert_eq!(shown(&["drain"]), ["counters drain()"]);
    rejected(
        &["read"],
        "`read` returns a `stream<list<u8>>`, which cannot be printed\n  read\n  ^^^^",
        "",
    );
    rejected(
        &["feed", "[1]"],
        "argument 1 (`bytes`) of `feed` is a `stream<u8>`, which cannot be written on a command line\n  [1]\n  ^^^",
        "",
    );
}

/// Every name of the list means what it stands for.
#[test]
fn what_is_listed_can_be_typed() {
    let catalog = catalog();
    let listing = list::listing(&catalog);
    let calls: Vec<_> = listing
        .functions
        .iter()
        .map(|entry| entry.call.as_str())
        .collect();
    for call in [
        "ops.add(a: u32, b: u32) -> u32",
        "other.add(a: string, b: string) -> string",
        "counter(start: u32) -> counter",
        "counter(start: u32).next(by: option<u32>) -> u32",
        "counter.try-new(start: u32) -> result<counter, string>",
        "add-all(numbers: list<u32>) -> u32",
        "run() -> result",
    ] {
        assert!(calls.contains(&call), "no `{call}` in {calls:#?}");
    }
    for (index, entry) in listing.functions.iter().enumerate() {
        assert_eq!(
            find::function(&catalog, &entry.name),
            Ok(index),
            "{}",
            entry.name
        );
    }
}
