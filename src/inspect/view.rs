//! A survey as plain data: what `wash inspect --plan -o json` prints. `docs/inspect-plan.md` describes every field.

use serde::Serialize;

use super::survey::Survey;
use crate::component::{InterfaceName, is_http_handler, is_message_handler};
use crate::linker::{self, LinkPlan, Problem, Reason, Role, Scope};

/// Who provides what to whom.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Whether everything fits. If not, `problems` says why, and the rest is what is known all the same.
    pub linked: bool,
    pub members: Vec<Member>,
    pub edges: Vec<Edge>,
    pub host: Vec<HostImport>,
    pub exports: Vec<Export>,
    pub problems: Vec<Obstacle>,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    pub name: String,
    pub role: &'static str,
    /// Whether it is needed.
    pub takes_part: bool,
    /// Bytes.
    pub size: usize,
    pub languages: Vec<String>,
    pub tools: Vec<String>,
    pub exports: Vec<String>,
}

/// An import of a member, and who provides it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edge {
    pub member: String,
    pub import: String,
    /// `interface`, `function`, `type`, ...
    pub kind: &'static str,
    pub provider: Provider,
    pub reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Provider {
    /// An export of another member.
    Member { member: String, export: String },
    /// The host, by an import of the composed component.
    Host {
        import: String,
        capability: &'static str,
    },
    /// Nobody needs to: the import only names types.
    Nobody,
    /// Nobody does: its functions trap when they are called.
    Stub,
    /// There is none, and `problems` says why.
    Missing,
}

/// An import of the composed component, which the host must serve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostImport {
    pub import: String,
    pub interface: String,
    /// `shared` by all members, or each member's own: `member`.
    pub scope: &'static str,
    /// The members that use it.
    pub members: Vec<String>,
    pub capability: &'static str,
}

/// An export of the composed component.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Export {
    pub export: String,
    pub member: String,
    pub driven_by: Option<&'static str>,
}

/// One reason why there is no plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Obstacle {
    pub kind: &'static str,
    pub message: String,
    pub hints: Vec<String>,
}

/// Puts a survey into plain data. `sizes` has the bytes of each member of the request.
pub fn view(survey: &Survey<'_>, sizes: &[usize]) -> Plan {
    let size = |name: &str| {
        let members = survey.request.members.iter().zip(sizes);
        members
            .filter(|(member, _)| member.name == name)
            .map(|(_, size)| *size)
            .next()
            .unwrap_or_default()
    };
    let members = survey.members().into_iter().map(|(member, takes_part)| {
        let about = &member.shape.about;
        Member {
            name: member.name.clone(),
            role: role(member.role),
            takes_part,
            size: size(&member.name),
            languages: about.languages.iter().cloned().collect(),
            tools: about.tools.iter().cloned().collect(),
            exports: member.shape.exports.keys().cloned().collect(),
        }
    });
    let mut view = Plan {
        linked: survey.problems.is_empty(),
        members: members.collect(),
        edges: Vec::new(),
        host: Vec::new(),
        exports: Vec::new(),
        problems: survey.problems.iter().map(obstacle).collect(),
    };
    if let Some(plan) = &survey.plan {
        view.edges = edges(plan, &survey.missing);
        view.host = host(plan);
        view.exports = plan.exports.iter().map(|e| export(plan, e)).collect();
    }
    view
}

/// In the order of the members, and of their imports.
fn edges(plan: &LinkPlan, missing: &[(String, String)]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (index, member) in plan.members.iter().enumerate() {
        for (import, external) in &member.shape.imports {
            let known = plan.edges_of(index).find(|edge| edge.import == *import);
            let (provider, reason) = match known {
                Some(edge) => (provider(plan, edge), reason(&edge.reason)),
                None if missing.contains(&(member.name.clone(), import.clone())) => {
                    (Provider::Missing, "missing")
                }
                None => continue,
            };
            edges.push(Edge {
                member: member.name.clone(),
                import: import.clone(),
                kind: external.item.kind(),
                provider,
                reason,
            });
        }
    }
    edges
}

fn provider(plan: &LinkPlan, edge: &linker::Edge) -> Provider {
    match &edge.provider {
        linker::Provider::Member { member, export } => Provider::Member {
            member: plan.members[*member].name.clone(),
            export: export.clone(),
        },
        linker::Provider::Host { import } => Provider::Host {
            import: plan.host[*import].import.clone(),
            capability: plan.host[*import].capability,
        },
        linker::Provider::Nobody => Provider::Nobody,
        linker::Provider::Stub => Provider::Stub,
    }
}

fn host(plan: &LinkPlan) -> Vec<HostImport> {
    let users = |index: usize| {
        let users = plan
            .edges
            .iter()
            .filter(|edge| edge.provider == linker::Provider::Host { import: index });
        let mut users: Vec<_> = users
            .map(|edge| plan.members[edge.member].name.clone())
            .collect();
        users.dedup();
        users
    };
    let imports = plan.host.iter().enumerate();
    imports
        .map(|(index, import)| HostImport {
            import: import.import.clone(),
            interface: import.interface.to_string(),
            scope: match import.scope {
                Scope::Shared => "shared",
                Scope::PerMember => "member",
            },
            members: users(index),
            capability: import.capability,
        })
        .collect()
}

fn export(plan: &LinkPlan, exported: &linker::Exported) -> Export {
    let member = &plan.members[exported.member];
    let interface = member
        .shape
        .exports
        .get(&exported.export)
        .and_then(|e| e.interface.as_ref());
    Export {
        export: exported.export.clone(),
        member: member.name.clone(),
        driven_by: interface.and_then(driven_by),
    }
}

/// What makes a host call an exported interface.
pub fn driven_by(interface: &InterfaceName) -> Option<&'static str> {
    if is_http_handler(interface) {
        Some("http")
    } else if interface.package == "wasi:cli" && interface.interface == "run" {
        Some("command")
    } else if is_message_handler(interface) {
        Some("messages")
    } else {
        None
    }
}

fn obstacle(problem: &Problem) -> Obstacle {
    Obstacle {
        kind: match problem {
            Problem::DuplicateName { .. } => "duplicate-name",
            Problem::NoSuchProvider { .. } => "no-such-provider",
            Problem::NoSuchImport { .. } => "no-such-import",
            Problem::WiredMisfit { .. } => "wired-misfit",
            Problem::TypeClash { .. } => "type-clash",
            Problem::Unmet { .. } => "unmet",
            Problem::Tie { .. } => "tie",
            Problem::Cycle { .. } => "cycle",
            Problem::ResourceClash { .. } => "resource-clash",
            Problem::SharedClash { .. } => "shared-clash",
            Problem::NoSuchHandler { .. } => "no-such-handler",
            Problem::NotAHandler { .. } => "not-a-handler",
            Problem::BrokenChain { .. } => "broken-chain",
            Problem::HiddenResource { .. } => "hidden-resource",
            Problem::SeveralHandlers { .. } => "several-handlers",
            Problem::NothingToDrive { .. } => "nothing-to-drive",
            Problem::NotDriven { .. } => "not-driven",
            Problem::NoSuchDriven { .. } => "no-such-driven",
        },
        message: problem.to_string(),
        hints: problem.hints(),
    }
}

fn reason(reason: &Reason) -> &'static str {
    match reason {
        Reason::Wired => "wired",
        Reason::Chain => "chain",
        Reason::Missing => "missing",
        Reason::Sibling => "sibling",
        Reason::Plugin => "plugin",
        Reason::Shipped => "shipped",
        Reason::Wasi => "wasi",
        Reason::Capability(_) => "capability",
        Reason::OnlyTypes => "only-types",
    }
}

pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Project => "project",
        Role::Sibling => "sibling",
        Role::Plugin => "plugin",
        Role::Shipped => "shipped",
    }
}
