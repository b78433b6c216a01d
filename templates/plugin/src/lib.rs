//! Adds a command to `wash`, which greets.

mod describe;

use bindings::exports::wash::plugin::describer;
use bindings::exports::wash::plugin::runner::{self, Invocation};
use bindings::wash::plugin::types::{Descriptor, Format, Value};

mod bindings {
    wit_bindgen::generate!({ world: "plugin", path: "wit", generate_all });
    use super::Plugin;
    export!(Plugin);
}

struct Plugin;

impl describer::Guest for Plugin {
    fn describe() -> Descriptor {
        describe::descriptor()
    }
}

impl runner::Guest for Plugin {
    /// What it is given has been checked against the description, and has its defaults.
    fn run(invocation: Invocation) -> Result<u8, String> {
        let Some(Value::Text(name)) = given(&invocation, "name").first() else {
            return Err("there is nobody to greet".to_string());
        };
        let greeting = greeting(name, !given(&invocation, "upper").is_empty());
        match invocation.format {
            Format::Text => println!("{greeting}"),
            Format::Json => println!("{}", json(&greeting)),
        }
        Ok(0)
    }
}

/// The values of an argument or flag; of a switch, one for each time it was given.
fn given<'i>(invocation: &'i Invocation, name: &str) -> &'i [Value] {
    let mut values = invocation.values.iter();
    let found = values.find(|named| named.name == name);
    found.map_or(&[], |named| &named.values)
}

fn greeting(name: &str, upper: bool) -> String {
    match upper {
        true => format!("HELLO, {}!", name.to_uppercase()),
        false => format!("Hello, {name}!"),
    }
}

/// What commands of `wash` print with `-o json`: `message`, `success`, and `data` of their own.
fn json(greeting: &str) -> String {
    let greeting = quoted(greeting);
    format!(r#"{{"message": "greeted", "success": true, "data": {{"greeting": {greeting}}}}}"#)
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets() {
        assert_eq!(greeting("ada", false), "Hello, ada!");
        assert_eq!(greeting("ada", true), "HELLO, ADA!");
    }

    #[test]
    fn prints_json_whatever_the_name_is() {
        assert_eq!(
            json("a\t\"b\"\n\\"),
            r#"{"message": "greeted", "success": true, "data": {"greeting": "a\u0009\"b\"\u000a\\"}}"#
        );
    }

    #[test]
    fn the_command_is_the_plugins_own() {
        let descriptor = describe::descriptor();
        assert_eq!(descriptor.commands[0].path, [descriptor.name]);
    }
}
