//! Who drives what, and who provides what to whom.

use std::collections::{BTreeMap, BTreeSet};

use wash_runtime::capability::http_client::OutgoingHttp;
use wash_runtime::workload::{Drive, Route};

use super::{BOLD, DIM, HINT, WARNING, joined};
use crate::dev::assemble::Linked;
use crate::linker;
use crate::linker::{LeftOut, LinkPlan, Planned, Provider, Reason, Role};

/// Of each entry, each import of each member: who provides it, and why. WASI is one line a member, and a member that
/// several entries need is shown once, unless it has other providers there.
pub(in crate::dev) fn wiring(entries: &[Linked]) -> String {
    let mut text = format!("{BOLD}wiring{BOLD:#}\n");
    let mut shown = BTreeSet::new();
    for entry in entries {
        for (index, member) in entry.plan.members.iter().enumerate() {
            let member = wiring_of(entry, index, member);
            if shown.insert(member.clone()) {
                text += &member;
            }
        }
    }
    text + &left_out(entries)
}

const TYPES_ONLY: &str = "types only, nothing to provide";

fn wiring_of(entry: &Linked, index: usize, member: &Planned) -> String {
    let mut text = format!("  {}\n", member_line(entry, index, member));
    let lines = edges(&entry.plan, index);
    let width = lines
        .iter()
        .map(|(imports, _)| imports.chars().count())
        .max()
        .unwrap_or_default();
    for (imports, from) in lines {
        text += &match from == TYPES_ONLY {
            true => format!("    {imports:width$}  {DIM}{from}{DIM:#}\n"),
            false => format!("    {imports:width$}  {DIM}from{DIM:#} {from}\n"),
        };
    }
    if sends_requests(&entry.plan, index) {
        let reach = reach(&entry.outgoing_http[index]);
        text += &format!("    http client: {reach}\n");
    }
    text
}

/// Whether the host sends HTTP requests for a member.
fn sends_requests(plan: &LinkPlan, member: usize) -> bool {
    plan.edges_of(member).any(|edge| {
        let interface = edge.import.split('@').next().unwrap_or_default();
        matches!(edge.provider, Provider::Host { .. })
            && ["wasi:http/outgoing-handler", "wasi:http/client"].contains(&interface)
    })
}

fn reach(outgoing: &OutgoingHttp) -> String {
    match outgoing {
        OutgoingHttp::Denied => "nowhere".to_string(),
        OutgoingHttp::Any => "anywhere".to_string(),
        OutgoingHttp::Allowed(hosts) => hosts.join(", "),
    }
}

/// The components of the project that no entry needs, and what would make them needed.
fn left_out(entries: &[Linked]) -> String {
    let takes_part = |name: &str| {
        let mut members = entries.iter().flat_map(|entry| &entry.plan.members);
        members.any(|member| member.name == name)
    };
    let own = |role| matches!(role, Role::Project | Role::Sibling);
    let of_all = entries.iter().flat_map(|entry| &entry.plan.left_out);
    let idle: BTreeMap<&str, &LeftOut> = of_all
        .filter(|left_out| own(left_out.role) && !takes_part(&left_out.name))
        .map(|left_out| (left_out.name.as_str(), left_out))
        .collect();
    let lines = idle.into_iter().map(|(name, LeftOut { exports, .. })| {
        let what = match exports.as_slice() {
            [] => "it exports nothing".to_string(),
            exports => format!("nothing imports {}", exports.join(", ")),
        };
        let mut line = format!("  {WARNING}{name}{WARNING:#} is not used: {what}\n");
        for export in exports {
            line += &linker::render::could_be_driven(name, export)
                .map(|how| format!("    {HINT}hint{HINT:#}: {how}\n"))
                .unwrap_or_default();
        }
        line
    });
    lines.collect()
}

fn member_line(entry: &Linked, index: usize, member: &Planned) -> String {
    let plan = &entry.plan;
    let exports = plan
        .exports
        .iter()
        .filter(|exported| exported.member == index);
    let exports = exports.map(|exported| exported.export.as_str());
    // Of handlers of several versions, the host calls the newest.
    let older: Vec<&str> = member
        .shape
        .http_exports()
        .map(|(name, _)| name)
        .filter(|name| member.shape.exports_http() != Some(name))
        .collect();
    let exports: Vec<_> = exports.filter(|name| !older.contains(name)).collect();
    let role = match member.role {
        Role::Project | Role::Sibling => "",
        Role::Plugin => " (plugin)",
        Role::Shipped => " (ships with wash)",
    };
    let name = &member.name;
    match exports.as_slice() {
        [] => format!("{name}{role}"),
        exports => {
            let to = match &entry.drive {
                Drive::Http { routes } if is_everything(routes) => String::new(),
                Drive::Http { routes } => format!(" {DIM}for{DIM:#} {}", joined(routes)),
                Drive::Messages { subscriptions } if subscriptions.is_empty() => {
                    format!(" {DIM}for{DIM:#} all messages")
                }
                Drive::Messages { subscriptions } => {
                    format!(" {DIM}for{DIM:#} {}", joined(subscriptions))
                }
                Drive::Service { .. } => format!(" {DIM}as{DIM:#} the service"),
                Drive::Calls => format!(" {DIM}for calls{DIM:#}"),
            };
            format!("{name}{role} {DIM}serves{DIM:#} {}{to}", exports.join(", "))
        }
    }
}

fn is_everything(routes: &[Route]) -> bool {
    routes == [Route::default()]
}

/// The imports of one member as `(imports, provider and reason)`.
fn edges(plan: &LinkPlan, member: usize) -> Vec<(String, String)> {
    let mut wasi: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut types = BTreeSet::new();
    let mut lines = Vec::new();
    for edge in plan.edges_of(member) {
        let provider = match &edge.provider {
            Provider::Member { member, .. } => plan.members[*member].name.as_str(),
            Provider::Host { .. } => "the host",
            Provider::Nobody => "none",
            Provider::Stub => "a stub that traps",
        };
        let why = match &edge.reason {
            Reason::Wasi => {
                let (generation, package) = wasi_package(&edge.import);
                wasi.entry(generation).or_default().insert(package);
                continue;
            }
            Reason::OnlyTypes => {
                types.insert(edge.import.as_str());
                continue;
            }
            Reason::Wired => " (as the config says)".to_string(),
            Reason::Chain => " (the next HTTP handler)".to_string(),
            Reason::Sibling => " (a component of the project)".to_string(),
            Reason::Plugin => " (an installed plugin)".to_string(),
            Reason::Shipped => " (ships with wash)".to_string(),
            Reason::Capability(capability) => format!(" ({capability})"),
            Reason::Missing => " (no provider)".to_string(),
        };
        lines.push((edge.import.clone(), format!("{provider}{why}")));
    }
    for (generation, packages) in wasi {
        let packages: Vec<_> = packages.into_iter().collect();
        lines.push((
            format!("{generation}: {}", packages.join(", ")),
            "the host".to_string(),
        ));
    }
    if !types.is_empty() {
        let types: Vec<_> = types.into_iter().collect();
        lines.push((types.join(", "), TYPES_ONLY.to_string()));
    }
    lines
}

/// `WASI 0.2` and `http` for `wasi:http/types@0.2.3`.
fn wasi_package(import: &str) -> (String, &str) {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    let package = name.split(['/', ':']).nth(1).unwrap_or(name);
    let mut numbers = version.splitn(3, '.');
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (format!("WASI {major}.{minor}"), package),
        _ => ("WASI".to_string(), package),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_wasi() {
        assert_eq!(
            wasi_package("wasi:http/types@0.2.3"),
            ("WASI 0.2".to_string(), "http")
        );
        assert_eq!(
            wasi_package("wasi:cli/run@0.3.0-rc-2025-09-16"),
            ("WASI 0.3".to_string(), "cli")
        );
        assert_eq!(wasi_package("wasi:io/poll"), ("WASI".to_string(), "io"));
    }
}
