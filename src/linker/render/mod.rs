//! Plans and failures in words.

mod hints;
mod problem;

pub use hints::could_be_driven;

use wash_component::InterfaceName;

use super::{Edge, LinkPlan, Provider, Reason, Role};

/// A line of the wiring: interfaces of one package that a member has from the same provider for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    pub member: String,
    /// `wasi:keyvalue/store@0.2.0-draft`, or `wasi:io/{error, poll, streams}@0.2.3`.
    pub import: String,
    pub provider: String,
    pub reason: String,
}

/// The wiring of a plan, in the order of its members and their imports. Imports that only name types are not in it.
pub fn wiring(plan: &LinkPlan) -> Vec<Wiring> {
    let mut groups: Vec<(Wiring, Option<InterfaceName>, Vec<String>)> = Vec::new();
    for edge in plan
        .edges
        .iter()
        .filter(|edge| edge.provider != Provider::Nobody)
    {
        let member = &plan.members[edge.member];
        let mut interface = member.shape.imports[&edge.import].interface.clone();
        if interface
            .as_ref()
            .is_some_and(|name| name.to_string() != edge.import)
        {
            interface = None;
        }
        let line = Wiring {
            member: member.name.clone(),
            import: edge.import.clone(),
            provider: provider(plan, edge),
            reason: reason(plan, edge),
        };
        let same = groups.iter_mut().find(|(known, name, _)| {
            (&known.member, &known.provider, &known.reason)
                == (&line.member, &line.provider, &line.reason)
                && name
                    .as_ref()
                    .zip(interface.as_ref())
                    .is_some_and(|(a, b)| (&a.package, &a.version) == (&b.package, &b.version))
        });
        match (same, interface) {
            (Some((.., names)), Some(interface)) => names.push(interface.interface),
            (_, interface) => {
                let names = interface.iter().map(|i| i.interface.clone()).collect();
                groups.push((line, interface, names));
            }
        }
    }
    let joined =
        groups.into_iter().map(
            |(line, interface, names)| match (interface, names.as_slice()) {
                (Some(interface), [_, _, ..]) => {
                    let version = interface
                        .version
                        .map(|v| format!("@{v}"))
                        .unwrap_or_default();
                    Wiring {
                        import: format!("{}/{{{}}}{version}", interface.package, names.join(", ")),
                        ..line
                    }
                }
                _ => line,
            },
        );
    joined.collect()
}

/// The wiring as aligned text, a line each.
pub fn table(wiring: &[Wiring]) -> String {
    let width = |column: fn(&Wiring) -> &str| {
        wiring
            .iter()
            .map(|line| column(line).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (member, import, provider) = (
        width(|l| &l.member),
        width(|l| &l.import),
        width(|l| &l.provider),
    );
    let line = |l: &Wiring| {
        format!(
            "{:member$}  {:import$}  <- {:provider$}  {}\n",
            l.member, l.import, l.provider, l.reason
        )
    };
    wiring.iter().map(line).collect()
}

fn provider(plan: &LinkPlan, edge: &Edge) -> String {
    match &edge.provider {
        Provider::Member { member, .. } => plan.members[*member].name.clone(),
        Provider::Host { import } if plan.host[*import].capability.is_none() => {
            "runtime".to_string()
        }
        Provider::Host { .. } => "host".to_string(),
        Provider::Stub => "stub".to_string(),
        Provider::Nobody => "-".to_string(),
    }
}

fn reason(plan: &LinkPlan, edge: &Edge) -> String {
    let why = match &edge.reason {
        Reason::Wired => "wired in the config".to_string(),
        Reason::Chain => "next HTTP handler".to_string(),
        Reason::Sibling => match &edge.provider {
            Provider::Member { member, .. } if plan.members[*member].role == Role::Project => {
                "exported by the project"
            }
            _ => "exported by a sibling",
        }
        .to_string(),
        Reason::Plugin => "exported by an installed plugin".to_string(),
        Reason::Shipped => "ships with wash".to_string(),
        Reason::Wasi => "WASI".to_string(),
        Reason::Capability(capability) => format!("capability: {capability}"),
        Reason::OnlyTypes => "types only".to_string(),
        Reason::Missing => "no provider: traps when called".to_string(),
    };
    match &edge.provider {
        Provider::Member { export, .. } if *export != edge.import => format!("{why}, as {export}"),
        _ => why,
    }
}
