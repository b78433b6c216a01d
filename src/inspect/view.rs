//! A survey as plain data: what `wash inspect --plan -o json` prints. `docs/inspect-plan.md` describes every field.

use serde::Serialize;
use wash_component::host_interface::Scope;
use wash_component::{InterfaceName, is_http_handler, is_message_handler};

use super::survey::Survey;
use crate::linker;
use crate::linker::{LinkPlan, Problem, Reason, Role};

/// Who provides what to whom.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Whether everything fits. If not, `problems` says why, and the rest is what is known all the same.
    pub linked: bool,
    pub members: Vec<Member>,
    /// The ways in; each is linked by itself.
    pub entries: Vec<Entry>,
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

/// A component that something drives, with what it needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    pub name: String,
    /// `http`, `messages` or `service`; `None` where nobody said.
    pub driven_by: Option<&'static str>,
    /// Which requests: `[HOST][/PATH]`.
    pub routes: Vec<String>,
    /// Which messages: subjects with NATS wildcards.
    pub subscriptions: Vec<String>,
    pub members: Vec<String>,
}

/// An import of a member, and who provides it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edge {
    /// Index into [`Plan::entries`].
    pub entry: usize,
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
    /// The runtime that the composed component is made for.
    Runtime { import: String },
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
    pub entry: usize,
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
    pub entry: usize,
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

/// Puts the surveys of all entries into plain data, with the problems of what could be none. `sizes` has the bytes of
/// each member.
pub fn view(
    members: &[linker::Member],
    sizes: &[usize],
    surveys: &[(Entry, Survey<'_>)],
    mut problems: Vec<Problem>,
) -> Plan {
    let found = surveys.iter().flat_map(|(_, survey)| &survey.problems);
    problems.extend(found.cloned());
    problems.sort();
    problems.dedup();
    let mut view = Plan {
        linked: problems.is_empty(),
        members: shown(members, sizes, surveys),
        entries: Vec::new(),
        edges: Vec::new(),
        host: Vec::new(),
        exports: Vec::new(),
        problems: problems.iter().map(obstacle).collect(),
    };
    for (index, (entry, survey)) in surveys.iter().enumerate() {
        let mut entry = entry.clone();
        if let Some(plan) = &survey.plan {
            entry.members = plan.members.iter().map(|m| m.name.clone()).collect();
            view.edges.extend(edges(index, plan));
            view.host.extend(host(index, plan));
            let exports = plan.exports.iter().map(|e| export(index, plan, e));
            view.exports.extend(exports);
        }
        view.entries.push(entry);
    }
    view
}

/// The members that take part somewhere, and those that could.
fn shown(
    members: &[linker::Member],
    sizes: &[usize],
    surveys: &[(Entry, Survey<'_>)],
) -> Vec<Member> {
    let takes_part = |name: &str| {
        let mut plans = surveys
            .iter()
            .filter_map(|(_, survey)| survey.plan.as_ref());
        plans.any(|plan| plan.members.iter().any(|planned| planned.name == name))
    };
    let mut shown: Vec<_> = members
        .iter()
        .zip(sizes)
        .map(|(member, size)| (member, *size, takes_part(&member.name)))
        .filter(|(member, _, part)| *part || !matches!(member.role, Role::Plugin | Role::Shipped))
        .collect();
    shown.sort_by(|(a, ..), (b, ..)| (a.role, &a.name).cmp(&(b.role, &b.name)));
    let shown = shown.into_iter().map(|(member, size, takes_part)| {
        let about = &member.shape.about;
        Member {
            name: member.name.clone(),
            role: role(member.role),
            takes_part,
            size,
            languages: about.languages.iter().cloned().collect(),
            tools: about.tools.iter().cloned().collect(),
            exports: member.shape.exports.keys().cloned().collect(),
        }
    });
    shown.collect()
}

/// In the order of the members, and of their imports.
fn edges(entry: usize, plan: &LinkPlan) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (index, member) in plan.members.iter().enumerate() {
        for (import, external) in &member.shape.imports {
            let known = plan.edges_of(index).find(|edge| edge.import == *import);
            let (provider, reason) = match known {
                Some(edge) => (provider(plan, edge), reason(&edge.reason)),
                None => (Provider::Missing, "missing"),
            };
            edges.push(Edge {
                entry,
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
        linker::Provider::Host { import } => {
            let linker::HostImport {
                import, capability, ..
            } = &plan.host[*import];
            let import = import.clone();
            match *capability {
                Some(capability) => Provider::Host { import, capability },
                None => Provider::Runtime { import },
            }
        }
        linker::Provider::Nobody => Provider::Nobody,
        linker::Provider::Stub => Provider::Stub,
    }
}

fn host(entry: usize, plan: &LinkPlan) -> Vec<HostImport> {
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
    let served = imports.filter_map(|(index, import)| {
        Some(HostImport {
            entry,
            import: import.import.clone(),
            interface: import.interface.as_ref()?.to_string(),
            scope: match import.scope {
                Scope::Shared => "shared",
                Scope::PerMember => "member",
            },
            members: users(index),
            capability: import.capability?,
        })
    });
    served.collect()
}

fn export(entry: usize, plan: &LinkPlan, exported: &linker::Exported) -> Export {
    let member = &plan.members[exported.member];
    let interface = member
        .shape
        .exports
        .get(&exported.export)
        .and_then(|e| e.interface.as_ref());
    Export {
        entry,
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
    } else if interface.package == "wash:plugin" {
        Some("plugin")
    } else {
        None
    }
}

fn obstacle(problem: &Problem) -> Obstacle {
    Obstacle {
        kind: match problem {
            Problem::DuplicateName { .. } => "duplicate-name",
            Problem::TooManyMembers { .. } => "too-many-members",
            Problem::Unsupported { .. } => "unsupported",
            Problem::NoSuchProvider { .. } => "no-such-provider",
            Problem::NoSuchImport { .. } => "no-such-import",
            Problem::WiredMisfit { .. } => "wired-misfit",
            Problem::TypeClash { .. } => "type-clash",
            Problem::LeftToRuntime { .. } => "left-to-runtime",
            Problem::Unlinkable { .. } => "unlinkable",
            Problem::Reexport { .. } => "reexport",
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
