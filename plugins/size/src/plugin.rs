//! The command, as `wash` knows it.

use std::fs;
use std::io::{self, Write as _};

use crate::bindings::exports::wash::plugin::describer::{self, Descriptor};
use crate::bindings::exports::wash::plugin::runner::{self, Invocation};
use crate::bindings::wash::plugin::project;
use crate::bindings::wash::plugin::types::{
    Access, Argument, Choice, Command, Count, Flag, Format, Path, Permission, Range, Value,
    ValueKind, Want,
};
use crate::chart::{self, Style};
use crate::json;
use crate::measure::{Measured, measure};
use crate::rows::By;

pub(crate) struct Size;

/// Rows of a chart that stands alone, and of each of several.
const TOP: (usize, usize) = (25, 8);

impl describer::Guest for Size {
    fn describe() -> Descriptor {
        let project = Want {
            what: Permission::Project(Access::ReadOnly),
            reason: "to find what it has built, when no file is named".to_owned(),
        };
        Descriptor {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Show what makes a component big".to_owned(),
            commands: vec![command()],
            hooks: Vec::new(),
            wants: vec![project],
        }
    }
}

fn command() -> Command {
    let wasm = || ValueKind::File(vec!["wasm".to_owned()]);
    let choice = |by: By| Choice {
        value: by.name().to_owned(),
        summary: by.summary().to_owned(),
    };
    let least_one = Range {
        least: Some(1),
        most: None,
    };
    let file = Argument {
        name: "file".to_owned(),
        summary: "A component or core module. Without it, what the project here has built"
            .to_owned(),
        kind: wasm(),
        count: Count::AtMostOne,
        default: None,
    };
    let examples = [
        "wash size",
        "wash size app.wasm --by function --top 50",
        "wash size app.wasm --diff before.wasm --by crate",
        "wash size app.wasm --by crate -o json",
    ];
    Command {
        path: vec!["size".to_owned()],
        summary: "Show what makes a component big".to_owned(),
        details: "Each byte of the file is counted once: for a section, a core module, a crate, a function. What is \
                  no code is shown in brackets. Without `--by` there is a short chart of each.\n\nFunctions have the \
                  names that the file has for them; a component that was stripped has few."
            .to_owned(),
        aliases: Vec::new(),
        group: false,
        arguments: vec![file],
        flags: vec![
            Flag {
                short: Some('b'),
                ..flag("by", "What to add up by", Some(ValueKind::OneOf(By::ALL.map(choice).into())))
            },
            Flag {
                short: Some('n'),
                ..flag("top", "How many rows to show", Some(ValueKind::Integer(least_one)))
            },
            flag("diff", "Show what has changed since this file", Some(wasm())),
            flag("ascii", "Draw with plain ASCII", None),
        ],
        examples: examples.map(str::to_owned).into(),
    }
}

fn flag(name: &str, summary: &str, kind: Option<ValueKind>) -> Flag {
    Flag {
        name: name.to_owned(),
        short: None,
        summary: summary.to_owned(),
        kind,
        required: false,
        repeated: false,
        default: None,
    }
}

impl runner::Guest for Size {
    fn run(invocation: Invocation) -> Result<u8, String> {
        let (name, new) = match value(&invocation, "file") {
            Some(Value::Path(path)) => (path.shown.clone(), read(path)?),
            _ => built()?,
        };
        let old = match value(&invocation, "diff") {
            Some(Value::Path(path)) => Some((path.shown.clone(), read(path)?)),
            _ => None,
        };
        let by = match value(&invocation, "by") {
            Some(Value::Text(by)) => By::ALL.into_iter().filter(|one| one.name() == by).collect(),
            _ => By::ALL.to_vec(),
        };
        let top = match value(&invocation, "top") {
            Some(Value::Integer(top)) => Some(usize::try_from(*top).unwrap_or(usize::MAX)),
            _ => None,
        };
        let usual = if by.len() == 1 { TOP.0 } else { TOP.1 };
        let style = Style {
            ascii: value(&invocation, "ascii").is_some(),
            columns: invocation
                .terminal
                .as_ref()
                .map(|terminal| terminal.columns),
            top: top.unwrap_or(usual),
        };
        let text = match (invocation.format, &old) {
            (Format::Text, None) => chart::show(&name, &new, &by, &style),
            (Format::Text, Some((old_name, old))) => {
                chart::show_changes((old_name, &name), old, &new, &by, &style)
            }
            (Format::Json, None) => json::show(&name, &new, &by, top) + "\n",
            (Format::Json, Some((old_name, old))) => {
                json::show_changes((old_name, &name), old, &new, &by, top) + "\n"
            }
        };
        // Whoever closed the pipe has seen enough.
        let _ = io::stdout().write_all(text.as_bytes());
        Ok(0)
    }
}

fn value<'i>(invocation: &'i Invocation, name: &str) -> Option<&'i Value> {
    let named = invocation.values.iter().find(|named| named.name == name);
    named.and_then(|named| named.values.first())
}

fn read(path: &Path) -> Result<Measured, String> {
    let shown = &path.shown;
    let bytes = fs::read(&path.path).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    measure(&bytes)
        .map_err(|error| format!("`{shown}` is no WebAssembly that can be read: {error}"))
}

/// What the project in the current directory has built.
fn built() -> Result<(String, Measured), String> {
    let info = project::current().map_err(|error| match error {
        project::Error::NoProject(reason) => {
            format!("{reason}; `wash size FILE` shows a file without a project")
        }
        project::Error::Denied(reason) => reason,
    })?;
    let Some(path) = info.component else {
        return Err(format!(
            "there is nothing in the project `{}` that it has built: run `wash build`, or name the file",
            info.name
        ));
    };
    let shown = path.strip_prefix("/project/").unwrap_or(&path).to_owned();
    let measured = read(&Path {
        shown: shown.clone(),
        path,
    })?;
    Ok((shown, measured))
}
