//! A plan in words.

use super::names::{size, table, together};
use super::view::{Plan, Provider};

/// Everything that is known about a plan; ends without a line break.
pub fn text(plan: &Plan) -> String {
    let mut text = format!("members\n{}", table(&members(plan)));
    let mut section = |title: &str, lines: String| {
        if !lines.is_empty() {
            text += &format!("{title}\n{lines}");
        }
    };
    section("wiring", table(&wiring(plan)));
    section("the host serves", table(&host(plan)));
    section("exports", table(&exports(plan)));
    section("take no part", table(&left_out(plan)));
    section("problems", problems(plan));
    text.truncate(text.trim_end().len());
    text
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

fn wiring(plan: &Plan) -> Vec<[String; 4]> {
    let lines = plan.edges.iter().map(|edge| {
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
        ("missing", Provider::Stub) => "no provider: traps when it is called".to_string(),
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
        Provider::Nobody => "nobody",
        Provider::Stub => "a stub",
        Provider::Missing => "?",
    };
    (provider.to_string(), why)
}

fn because(reason: &str) -> &'static str {
    match reason {
        "wired" => "wired in the config",
        "chain" => "the next HTTP handler",
        "sibling" => "a sibling exports it",
        "plugin" => "an installed plugin exports it",
        "shipped" => "ships with wash",
        "wasi" => "WASI",
        "only-types" => "only names types",
        "missing" => "see problems",
        _ => "",
    }
}

fn host(plan: &Plan) -> Vec<[String; 3]> {
    let lines = plan.host.iter().map(|import| {
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

fn exports(plan: &Plan) -> Vec<[String; 3]> {
    let exports = plan.exports.iter();
    exports
        .map(|export| {
            let member = format!("of {}", export.member);
            [export.export.clone(), member, drives(export.driven_by)]
        })
        .collect()
}

pub(super) fn drives(driven_by: Option<&str>) -> String {
    match driven_by {
        Some("http") => "driven by HTTP requests",
        Some("command") => "runs as a command",
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
    let idle = plan.members.iter().filter(|member| !member.takes_part);
    idle.map(|member| {
        let exports = match member.exports.as_slice() {
            [] => "exports nothing".to_string(),
            exports if exports.iter().any(is_missed) => "see problems".to_string(),
            exports => format!("nobody imports {}", exports.join(", ")),
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
