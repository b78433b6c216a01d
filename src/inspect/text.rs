//! A plan in words.

use wash_common::units::size;

use super::names::{table, together};
use super::view::{Entry, Plan, Provider};
use crate::linker::render::could_be_driven;

/// Everything that is known about a plan; ends without a line break.
pub fn text(plan: &Plan) -> String {
    let mut text = format!("members\n{}", table(&members(plan)));
    let mut section = |title: &str, lines: String| {
        if !lines.is_empty() {
            text += &format!("{title}\n{lines}");
        }
    };
    let several = plan.entries.len() > 1;
    if several {
        section("entries", table(&entries(plan)));
    }
    for (index, entry) in plan.entries.iter().enumerate() {
        let title = |title: &str| match several {
            true => format!("{title} ({})", entry_name(plan, entry)),
            false => title.to_string(),
        };
        section(&title("wiring"), table(&wiring(plan, index)));
        section(&title("the host serves"), table(&host(plan, index)));
        section(&title("exports"), table(&exports(plan, index)));
    }
    section("unused", table(&left_out(plan)));
    section("problems", problems(plan));
    text.truncate(text.trim_end().len());
    text
}

/// The name of an entry, with what drives it where there are others of that name.
fn entry_name(plan: &Plan, entry: &Entry) -> String {
    let same = plan.entries.iter().filter(|e| e.name == entry.name);
    match same.count() {
        1 => entry.name.clone(),
        _ => format!("{}, {}", entry.name, drive(entry)),
    }
}

fn entries(plan: &Plan) -> Vec<[String; 3]> {
    let entries = plan.entries.iter();
    entries
        .map(|entry| {
            let others = entry.members.iter().filter(|name| **name != entry.name);
            let others: Vec<_> = others.map(String::as_str).collect();
            let with = match others.as_slice() {
                [] => String::new(),
                others => format!("with {}", others.join(", ")),
            };
            [entry.name.clone(), drive(entry), with]
        })
        .collect()
}

/// What drives an entry, for people.
fn drive(entry: &Entry) -> String {
    match entry.driven_by {
        Some("http") => format!("requests for {}", entry.routes.join(", ")),
        Some("messages") if entry.subscriptions.is_empty() => "all messages".to_string(),
        Some("messages") => format!("messages of {}", entry.subscriptions.join(", ")),
        Some(_) => "runs as the service".to_string(),
        None => "not known yet".to_string(),
    }
}

fn members(plan: &Plan) -> Vec<[String; 4]> {
    let members = plan.members.iter();
    members
        .map(|member| {
            [
                member.name.clone(),
                member.role.to_string(),
                size(member.size),
                member.languages.join(", "),
            ]
        })
        .collect()
}

fn wiring(plan: &Plan, entry: usize) -> Vec<[String; 4]> {
    let edges = plan.edges.iter().filter(|edge| edge.entry == entry);
    let lines = edges.map(|edge| {
        let (provider, why) = provided_by(&edge.import, &edge.provider, edge.reason);
        ((edge.member.as_str(), provider, why), edge.import.as_str())
    });
    let lines = together(lines).into_iter();
    lines
        .map(|((member, provider, why), import)| {
            [member.to_string(), import, format!("<- {provider}"), why]
        })
        .collect()
}

/// Who provides an import, and why, for people.
pub(super) fn provided_by(import: &str, by: &Provider, reason: &str) -> (String, String) {
    let mut why = match (reason, by) {
        ("capability", Provider::Host { capability, .. }) => format!("capability: {capability}"),
        ("missing", Provider::Stub) => "no provider: traps when called".to_string(),
        (reason, _) => because(reason).to_string(),
    };
    let provider = match by {
        Provider::Member { member, export } => {
            if export != import {
                why += &format!(", as {export}");
            }
            member
        }
        Provider::Host { .. } => "the host",
        Provider::Runtime { .. } => "the runtime",
        Provider::Nobody => "none",
        Provider::Stub => "a stub",
        Provider::Missing => "?",
    };
    (provider.to_string(), why)
}

fn because(reason: &str) -> &'static str {
    match reason {
        "wired" => "wired in the config",
        "chain" => "the next HTTP handler",
        "sibling" => "exported by a sibling",
        "plugin" => "exported by an installed plugin",
        "shipped" => "ships with wash",
        "wasi" => "WASI",
        "only-types" => "types only",
        "missing" => "see problems",
        _ => "",
    }
}

fn host(plan: &Plan, entry: usize) -> Vec<[String; 3]> {
    let imports = plan.host.iter().filter(|import| import.entry == entry);
    let lines = imports.map(|import| {
        let whose = match import.scope {
            "shared" if import.members.len() > 1 => {
                format!("shared by {}", import.members.join(", "))
            }
            "shared" => format!("for {}", import.members.join(", ")),
            _ => format!("for {} alone", import.members.join(", ")),
        };
        ((import.capability, whose), import.interface.as_str())
    });
    let lines = together(lines).into_iter();
    lines
        .map(|((capability, whose), interface)| [interface, capability.to_string(), whose])
        .collect()
}

fn exports(plan: &Plan, entry: usize) -> Vec<[String; 3]> {
    let exports = plan.exports.iter().filter(|export| export.entry == entry);
    exports
        .map(|export| {
            let member = format!("of {}", export.member);
            [export.export.clone(), member, drives(export.driven_by)]
        })
        .collect()
}

pub(super) fn drives(driven_by: Option<&str>) -> String {
    match driven_by {
        Some("http") => "handles HTTP requests",
        Some("command") => "runs as a command or service",
        Some("messages") => "handles messages",
        Some("plugin") => "called by `wash`, as a plugin",
        _ => "for other components",
    }
    .to_string()
}

fn left_out(plan: &Plan) -> Vec<[String; 2]> {
    // Somebody imports it, and it may be what was meant.
    let is_missed = |export: &String| {
        let missing = plan.edges.iter();
        let mut missing = missing.filter(|edge| edge.provider == Provider::Missing);
        missing.any(|edge| path(&edge.import) == path(export))
    };
    let is_entry =
        |name: &str| plan.entries.len() > 1 && plan.entries.iter().any(|entry| entry.name == name);
    let idle = plan.members.iter().filter(|member| !member.takes_part);
    idle.map(|member| {
        let exports = match member.exports.as_slice() {
            [] => "exports nothing".to_string(),
            exports if exports.iter().any(is_missed) || is_entry(&member.name) => {
                "see problems".to_string()
            }
            exports => {
                let how = exports
                    .iter()
                    .filter_map(|e| could_be_driven(&member.name, e));
                let unused = format!("nothing imports {}", exports.join(", "));
                [unused]
                    .into_iter()
                    .chain(how)
                    .collect::<Vec<_>>()
                    .join("; ")
            }
        };
        [member.name.clone(), exports]
    })
    .collect()
}

/// A name without the version.
fn path(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

fn problems(plan: &Plan) -> String {
    let mut text = String::new();
    for problem in &plan.problems {
        text += &indented("", &problem.message);
        for hint in &problem.hints {
            text += &indented("hint: ", hint);
        }
    }
    text
}

fn indented(before: &str, message: &str) -> String {
    let message = format!("{before}{message}");
    message.lines().map(|line| format!("  {line}\n")).collect()
}
