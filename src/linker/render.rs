//! Plans and failures in words.

use std::fmt;

use super::near::{HOST, STUB};
use super::{
    Difference, Edge, Fix, Lack, LinkFailure, LinkPlan, NearMiss, Problem, Provider, Reason, Role,
};
use crate::component::InterfaceName;

/// What a host can do something with.
const DRIVEN: &str = "a host drives `wasi:http/incoming-handler@0.2.x` and `wasi:http/handler@0.3.x`, for requests, and \
                      `wasi:cli/run`, for commands and services";
/// What helps against all unmet imports at once.
const GO_ON: &str =
    "with `--stub-missing`, calls of what is missing trap, and everything else runs";

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
                "the project exports it"
            }
            _ => "a sibling exports it",
        }
        .to_string(),
        Reason::Plugin => "an installed plugin exports it".to_string(),
        Reason::Shipped => "ships with wash".to_string(),
        Reason::Wasi => "WASI".to_string(),
        Reason::Capability(capability) => format!("capability: {capability}"),
        Reason::OnlyTypes => "only names types".to_string(),
        Reason::Missing => "nobody provides it: traps when called".to_string(),
    };
    match &edge.provider {
        Provider::Member { export, .. } if *export != edge.import => format!("{why}, as {export}"),
        _ => why,
    }
}

impl fmt::Display for LinkFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f, "\n")?;
            }
            write!(f, "{problem}")?;
            for hint in problem.hints() {
                write!(f, "\nhint: {hint}")?;
            }
        }
        let unmet = |problem: &Problem| matches!(problem, Problem::Unmet { .. });
        if self.problems.iter().all(unmet) {
            write!(f, "\n\nhint: {GO_ON}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    /// The problem alone, without its hints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::DuplicateName { name } => write!(f, "two components are named `{name}`"),
            Problem::NoSuchProvider {
                member,
                import,
                wanted,
                ..
            } => {
                write!(
                    f,
                    "component `{member}` has `{import}` wired to `{wanted}`, but there is no such component"
                )
            }
            Problem::NoSuchImport { member, import, .. } => {
                write!(
                    f,
                    "component `{member}` has `{import}` wired, but does not import it"
                )
            }
            Problem::WiredMisfit {
                member,
                import,
                provider,
                ..
            } if provider == STUB => {
                write!(
                    f,
                    "component `{member}` has `{import}` wired to a stub, which can only stand for functions and types"
                )
            }
            Problem::WiredMisfit {
                member,
                import,
                provider,
                ..
            } => {
                let provider = if provider == HOST {
                    provider.clone()
                } else {
                    format!("`{provider}`")
                };
                write!(
                    f,
                    "component `{member}` has `{import}` wired to {provider}, which does not provide it"
                )
            }
            Problem::TypeClash {
                member,
                import,
                provider,
                export,
                difference,
                ..
            } => {
                write!(
                    f,
                    "component `{member}` imports `{import}`, which `{provider}` exports with another type"
                )?;
                if export != import {
                    write!(f, " (as `{export}`)")?;
                }
                write!(f, ": {difference}")
            }
            Problem::Unmet {
                member,
                import,
                kind,
                through,
                ..
            } => {
                let kind = if *kind == "interface" {
                    String::new()
                } else {
                    format!("the {kind} ")
                };
                let through = match through.as_slice() {
                    [] => String::new(),
                    parts => format!(" (through {})", parts.join(" and ")),
                };
                write!(
                    f,
                    "component `{member}` imports {kind}`{import}`{through}, but no sibling or capability provides it"
                )
            }
            Problem::Tie {
                member,
                import,
                candidates,
                ..
            } => {
                write!(
                    f,
                    "component `{member}` imports `{import}`, which {} provide",
                    several(candidates)
                )
            }
            Problem::Cycle { path } if path.len() == 1 => {
                let (member, import) = &path[0];
                write!(f, "component `{member}` has `{import}` wired to itself")
            }
            Problem::Cycle { path } => {
                write!(f, "components need each other in a circle:")?;
                for (index, (member, import)) in path.iter().enumerate() {
                    let next = &path[(index + 1) % path.len()].0;
                    write!(f, "\n  `{member}` imports `{import}` from `{next}`")?;
                }
                Ok(())
            }
            Problem::ResourceClash {
                member,
                import,
                provider,
                resource,
                here,
                there,
                ..
            } => {
                let provider = if provider == HOST {
                    provider.clone()
                } else {
                    format!("`{provider}`")
                };
                write!(
                    f,
                    "component `{member}` has `{import}` from {provider}, where `{resource}` is the one of {there}, but everywhere \
                     else in `{member}` it is the one of {here}"
                )
            }
            Problem::SharedClash {
                import,
                members: (first, second),
                difference,
            } => write!(
                f,
                "components `{first}` and `{second}` share `{import}` of the host, but expect different things of it: {difference}"
            ),
            Problem::HiddenResource {
                member,
                export,
                resource,
                maker,
            } => {
                write!(
                    f,
                    "`{export}` of component `{member}` cannot be exported: its resource `{resource}` is made by {maker}"
                )
            }
            Problem::BrokenChain {
                member,
                import,
                next,
                ..
            } => write!(
                f,
                "`dev.http` has `{next}` after `{member}`, but `{next}` does not export the `{import}` that `{member}` imports"
            ),
            Problem::NoSuchHandler { name, .. } => {
                write!(
                    f,
                    "`dev.http` names `{name}`, but there is no such component"
                )
            }
            Problem::NotAHandler {
                member,
                lacks: Lack::Export,
            } => {
                write!(
                    f,
                    "`dev.http` names `{member}`, which does not export an HTTP handler"
                )
            }
            Problem::NotAHandler {
                member,
                lacks: Lack::Import,
            } => {
                write!(
                    f,
                    "`dev.http` has another component after `{member}`, which does not import an HTTP handler"
                )
            }
            Problem::SeveralHandlers { candidates } => {
                write!(
                    f,
                    "{} answer HTTP requests, and the project itself does not",
                    several(candidates)
                )
            }
            Problem::NothingToDrive {
                member, exports, ..
            } if exports.is_empty() => {
                write!(f, "component `{member}` exports nothing")
            }
            Problem::NothingToDrive {
                member, exports, ..
            } => {
                write!(
                    f,
                    "component `{member}` exports nothing that a host could drive, only {}",
                    listed(exports)
                )
            }
        }
    }
}

impl Problem {
    /// What is near, and what to do; ready to paste where there is something to write.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Problem::DuplicateName { .. } => {
                vec!["give each entry of `dev.components` a `name` of its own".to_string()]
            }
            Problem::NoSuchProvider {
                member,
                role,
                import,
                nearest,
                ..
            } => match nearest {
                Some(nearest) => vec![format!(
                    "did you mean `{nearest}`?{}",
                    wire(member, *role, import, nearest)
                )],
                None => vec![
                    "name a component of `dev.components`, `plugin:NAME`, `host` or `stub`"
                        .to_string(),
                ],
            },
            Problem::NoSuchImport {
                member,
                role,
                nearest,
                ..
            } => match nearest {
                Some(nearest) => vec![format!("did you mean `{nearest}`?")],
                None => vec![format!("remove it from {}", place(member, *role))],
            },
            Problem::WiredMisfit {
                near,
                exports,
                provider,
                ..
            } if near.is_empty() && !exports.is_empty() => {
                vec![format!("`{provider}` exports {}", listed(exports))]
            }
            Problem::WiredMisfit { near, .. } => near.iter().map(NearMiss::to_string).collect(),
            Problem::TypeClash {
                member,
                role,
                import,
                provider,
                host,
                ..
            } => {
                let mut hints = vec![format!(
                    "build `{member}` and `{provider}` against the same version of the WIT"
                )];
                if *host {
                    hints.push(format!(
                        "the host serves it too; to use that instead:{}",
                        wire(member, *role, import, "host")
                    ));
                }
                hints
            }
            Problem::Unmet { near, fixes, .. } => near
                .iter()
                .map(NearMiss::to_string)
                .chain(fixes.iter().map(Fix::to_string))
                .collect(),
            Problem::Tie {
                member,
                role,
                import,
                candidates,
            } => {
                vec![format!(
                    "choose one, such as:{}",
                    wire(member, *role, import, &candidates[0])
                )]
            }
            Problem::Cycle { path } if path.len() == 1 => {
                vec!["wire it to another component, `plugin:NAME`, `host` or `stub`".to_string()]
            }
            Problem::Cycle { path } => {
                let (member, import) = &path[path.len() - 1];
                vec![format!(
                    "wire `{import}` of `{member}` to another provider, or move what both need into a component of its own"
                )]
            }
            Problem::ResourceClash {
                member,
                role,
                other: Some((import, to)),
                ..
            } => {
                vec![format!(
                    "wire both interfaces to the same provider, such as:{}",
                    wire(member, *role, import, to)
                )]
            }
            Problem::ResourceClash { .. } => {
                vec!["wire both interfaces to the same provider".to_string()]
            }
            Problem::SharedClash {
                members: (first, second),
                ..
            } => {
                vec![format!(
                    "build `{first}` and `{second}` against the same version of the WIT"
                )]
            }
            Problem::HiddenResource { .. } => {
                vec!["let the interface of that resource come from the host".to_string()]
            }
            Problem::BrokenChain { near, .. } if near.is_empty() => {
                vec!["handlers of WASI 0.2 and of WASI 0.3 cannot follow each other".to_string()]
            }
            Problem::BrokenChain { near, .. } => near.iter().map(NearMiss::to_string).collect(),
            Problem::NoSuchHandler { nearest, .. } => match nearest {
                Some(nearest) => vec![format!("did you mean `{nearest}`?")],
                None => vec!["name the project or components of `dev.components`".to_string()],
            },
            Problem::NotAHandler {
                lacks: Lack::Export,
                ..
            } => {
                vec!["a handler exports `wasi:http/incoming-handler@0.2.x` or `wasi:http/handler@0.3.x`".to_string()]
            }
            Problem::NotAHandler { member, .. } => {
                vec![format!("make `{member}` the last of `dev.http`")]
            }
            Problem::SeveralHandlers { .. } => {
                vec!["name the handlers in their order in `dev.http`, or remove all but one from `dev.components`".to_string()]
            }
            Problem::NothingToDrive {
                member,
                exports,
                nearly,
            } => {
                let mut hints = vec![DRIVEN.to_string()];
                match nearly {
                    Some(export) => hints.push(format!("build `{member}` against another version of `{export}`")),
                    None if exports.is_empty() => {}
                    None => hints.push(format!(
                        "if `{member}` is a library, let a component that uses it answer requests:\n    dev:\n      components:\n        \
                         - name: NAME\n          file: FILE.wasm  # imports {}",
                        exports[0]
                    )),
                }
                hints
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.path {
            write!(f, "{part}: ")?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl fmt::Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |provider: &String| match provider == HOST {
            true => format!("{HOST} serves"),
            false => format!("`{provider}` exports"),
        };
        match self {
            NearMiss::OtherType {
                provider,
                export,
                difference,
            } => {
                write!(
                    f,
                    "{} `{export}`, but with another type: {difference}",
                    has(provider)
                )
            }
            NearMiss::OtherVersion { provider, export } => {
                write!(
                    f,
                    "{} `{export}`, a version that is not compatible",
                    has(provider)
                )
            }
            NearMiss::OtherDraft {
                provider,
                export,
                difference: Some(difference),
            } => {
                write!(
                    f,
                    "{} `{export}`, another draft of it: {difference}",
                    has(provider)
                )
            }
            NearMiss::OtherDraft {
                provider,
                export,
                difference: None,
            } => {
                write!(f, "{} `{export}`, another draft of it", has(provider))
            }
            NearMiss::SimilarName { provider, export } => write!(
                f,
                "{} `{export}`, which is spelled almost the same",
                has(provider)
            ),
            NearMiss::OtherInterface { provider, exports } => {
                write!(
                    f,
                    "of that package, {} only `{}`",
                    has(provider),
                    exports.join("`, `")
                )
            }
        }
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::Wire {
                member,
                role,
                import,
                to,
            } => write!(f, "add{}", wire(member, *role, import, to)),
            Fix::BuildAgainst {
                member,
                interface,
                or,
            } => {
                write!(f, "build `{member}` against `{interface}`")?;
                match or {
                    Some((member, interface)) => {
                        write!(f, ", or `{member}` against `{interface}`")
                    }
                    None => Ok(()),
                }
            }
            Fix::AddComponent { interface } => write!(
                f,
                "add a component that exports it:\n    dev:\n      components:\n        - name: NAME\n          file: FILE.wasm  # exports {interface}"
            ),
        }
    }
}

/// The lines of the config that wire an import.
fn wire(member: &str, role: Role, import: &str, to: &str) -> String {
    match role {
        Role::Sibling => {
            format!(
                "\n    dev:\n      components:\n        - name: {member}\n          imports:\n            {import}: {to}"
            )
        }
        Role::Project | Role::Plugin | Role::Shipped => {
            format!("\n    imports:\n      {import}: {to}")
        }
    }
}

fn place(member: &str, role: Role) -> String {
    match role {
        Role::Sibling => format!("`imports` of `{member}` in `dev.components`"),
        Role::Project | Role::Plugin | Role::Shipped => {
            "`imports` in the project's config".to_string()
        }
    }
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn several(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [first, second] => format!("both {first} and {second}"),
        [names @ .., last] if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        names => names.join(", "),
    }
}
