//! Which export of a component a drive calls.

use wasmtime::component::Component;

use super::linking::exports;
use crate::capability::{Interface, Preview};
use crate::workload::{Drive, Entry, Problem};

/// An export that can be called.
pub(super) struct Callable {
    /// The interface as the component spells it.
    pub(super) name: String,
    pub(super) preview: Preview,
}

/// Finds what an entry's drive calls. `None`: whoever calls names the functions.
pub(super) fn callable(component: &Component, entry: &Entry) -> Result<Option<Callable>, Problem> {
    let exports = exports(component);
    let Some((wanted, does)) = wanted(&entry.drive) else {
        return Ok(None);
    };
    let found = exports.iter().filter_map(|name| {
        let interface = Interface::parse(name);
        let preview = interface.preview()?;
        wanted.contains(&(interface.name, preview)).then(|| {
            let callable = Callable {
                name: name.clone(),
                preview,
            };
            (interface.version, callable)
        })
    });
    // The newest, as the linker's plan has it.
    let found = found.max_by(|(a, _), (b, _)| a.cmp(b));
    found.map(|(_, callable)| Some(callable)).ok_or_else(|| {
        let exports = match exports.as_slice() {
            [] => "nothing".to_owned(),
            exports => listed(exports.iter().map(String::as_str), ", "),
        };
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(name, preview)| format!("{name}@{}", preview.version()))
            .collect();
        let wanted = listed(wanted.iter().map(String::as_str), " or ");
        Problem {
            member: Some(entry.name.clone()),
            message: format!("the component exports nothing that {does}; it exports {exports}"),
            hint: Some(format!("export {wanted}")),
        }
    })
}

/// The interfaces that a drive calls, and what they do.
fn wanted(drive: &Drive) -> Option<(&'static [(&'static str, Preview)], &'static str)> {
    Some(match drive {
        Drive::Http { .. } => (
            &[
                ("wasi:http/incoming-handler", Preview::P2),
                ("wasi:http/handler", Preview::P3),
            ],
            "answers HTTP requests",
        ),
        Drive::Messages { .. } => (
            &[("wasmcloud:messaging/handler", Preview::P2)],
            "takes messages",
        ),
        Drive::Service { .. } => (
            &[("wasi:cli/run", Preview::P2), ("wasi:cli/run", Preview::P3)],
            "runs as a service",
        ),
        Drive::Calls => return None,
    })
}

fn listed<'a>(names: impl Iterator<Item = &'a str>, separator: &str) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    names.join(separator)
}
