//! Decides who provides each import, following needs from the project outwards.

use std::collections::BTreeMap;

use wash_component::host_interface::{HostInterface, Tier};
use wash_component::{Instance, Item, Shape, Types, is_http_handler};

use super::candidates::{Candidate, How, Import};
use super::fit::fits;
use super::index::Index;
use super::{
    Driven, EXPORT_MARK, LinkRequest, Member, NearMiss, Problem, Reason, Role, Wire, WireTo,
    candidates, remedy, suggestions, wiring,
};

/// The members in their order (by role, then name), and what was found out about them.
pub(super) struct Resolution<'a> {
    pub(super) members: Vec<&'a Member>,
    /// The choices of each member that takes part, for each of its imports in order.
    pub(super) choices: BTreeMap<usize, Vec<Choice<'a>>>,
    pub(super) problems: Vec<Problem>,
}

#[derive(Debug, Clone)]
pub(super) struct Choice<'a> {
    pub(super) import: &'a str,
    pub(super) provider: Chosen<'a>,
    pub(super) reason: Reason,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Chosen<'a> {
    Member {
        member: usize,
        export: &'a str,
    },
    Host(&'a HostInterface),
    /// The runtime that the composed component is made for.
    Runtime,
    Nobody,
    Stub,
}

/// The members in the order that plans and messages use, whatever order they came in.
pub(super) fn ordered<'a>(request: &LinkRequest<'a>) -> Vec<&'a Member> {
    let mut members: Vec<_> = request.members.iter().collect();
    members.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
    members
}

/// Resolves the imports of `roots` and of every member that they come to need.
pub(super) fn resolve<'a>(
    request: &LinkRequest<'a>,
    members: Vec<&'a Member>,
    roots: &[usize],
    chain: &[usize],
) -> Resolution<'a> {
    let mut resolver = Resolver {
        host: request.host,
        stub_missing: request.stub_missing,
        other_runtime: request.other_runtime,
        index: Index::of(&members),
        members,
        next_handler: chain.windows(2).map(|pair| (pair[0], pair[1])).collect(),
        chain_key: match request.driven {
            Driven::Http { key, .. } => key,
            _ => "",
        },
        problems: Vec::new(),
    };
    let mut choices = BTreeMap::new();
    let mut waiting: Vec<usize> = roots.to_vec();
    while let Some(member) = waiting.pop() {
        if choices.contains_key(&member) {
            continue;
        }
        let chosen = resolver.member(member);
        for choice in &chosen {
            if let Chosen::Member { member, .. } = choice.provider {
                waiting.push(member);
            }
        }
        choices.insert(member, chosen);
    }
    Resolution {
        members: resolver.members,
        choices,
        problems: resolver.problems,
    }
}

struct Resolver<'a> {
    host: &'a [HostInterface],
    stub_missing: bool,
    other_runtime: bool,
    members: Vec<&'a Member>,
    index: Index<'a>,
    /// Of each member of the chain of HTTP handlers but the last, the next.
    next_handler: BTreeMap<usize, usize>,
    /// Where the config has that chain.
    chain_key: &'a str,
    problems: Vec<Problem>,
}

/// What one rank of providers has for an import.
enum Offer<'a> {
    Nothing,
    One {
        member: usize,
        export: &'a str,
    },
    /// The problem is recorded.
    Refused,
}

impl<'a> Resolver<'a> {
    fn member(&mut self, member: usize) -> Vec<Choice<'a>> {
        self.problems.extend(wiring::mistakes(self.members[member]));
        let shape = &self.members[member].shape;
        shape
            .imports
            .iter()
            .filter_map(|(name, external)| {
                let import = Import {
                    name,
                    external,
                    types: &shape.types,
                };
                let (provider, reason) = self.import(member, import)?;
                Some(Choice {
                    import: name,
                    provider,
                    reason,
                })
            })
            .collect()
    }

    /// First match wins. `None`: there is a problem, and it is recorded.
    fn import(&mut self, member: usize, import: Import<'a>) -> Option<(Chosen<'a>, Reason)> {
        let this = self.members[member];
        let kind = unlinkable(import.types, &import.external.item);
        if let Some(kind) = kind.filter(|_| !only_types(import)) {
            self.problems.push(Problem::Unlinkable {
                member: this.name.clone(),
                verb: "imports",
                name: import.name.to_string(),
                kind,
            });
            return None;
        }
        if let Some(wire) = wiring::wire_of(this, import) {
            return self.wired(member, import, wire).map(|chosen| match chosen {
                Chosen::Stub if *wire != Wire::Stub => (chosen, Reason::Missing),
                chosen => (chosen, Reason::Wired),
            });
        }
        if only_types(import) {
            return Some((Chosen::Nobody, Reason::OnlyTypes));
        }
        if let Some(next) = self.next_handler(member, import) {
            let from = self.members[next];
            let candidates = candidates::of_member(import, &from.shape).into_iter();
            let mut fitting = candidates.filter(|candidate| candidate.fit.is_ok());
            if let Some(Candidate { export, .. }) = fitting.next() {
                let chosen = Chosen::Member {
                    member: next,
                    export,
                };
                return Some((chosen, Reason::Chain));
            }
            self.problems.push(Problem::BrokenChain {
                key: self.chain_key.to_string(),
                member: this.name.clone(),
                import: import.name.to_string(),
                next: from.name.clone(),
                near: suggestions::near_misses(import, std::iter::once(from), &[]),
            });
            return None;
        }
        let served = self.served(import);
        if let Some(served) = served.filter(|served| served.tier == Tier::Wasi) {
            return Some((Chosen::Host(served), Reason::Wasi));
        }
        for (roles, reason) in [
            (&[Role::Project, Role::Sibling][..], Reason::Sibling),
            (&[Role::Plugin], Reason::Plugin),
        ] {
            match self.offer(member, import, roles, served.is_some()) {
                Offer::One { member, export } => {
                    return Some((Chosen::Member { member, export }, reason));
                }
                Offer::Refused => return None,
                Offer::Nothing => {}
            }
        }
        if let Some(served) = served {
            return Some((Chosen::Host(served), Reason::Capability(served.capability)));
        }
        match self.offer(member, import, &[Role::Shipped], false) {
            Offer::One { member, export } => {
                return Some((Chosen::Member { member, export }, Reason::Shipped));
            }
            Offer::Refused => return None,
            Offer::Nothing => {}
        }
        if self.stub_missing && is_plain(import) {
            return Some((Chosen::Stub, Reason::Missing));
        }
        let near = suggestions::near_misses(import, self.others(member), self.host);
        self.problems.push(Problem::Unmet {
            member: this.name.clone(),
            role: this.role,
            import: import.name.to_string(),
            kind: import.external.item.kind(),
            through: remedy::through(this, import),
            fixes: remedy::fixes(this, import, &near, &self.members),
            near,
        });
        None
    }

    /// What the host serves for an import: functions and types of an interface, and nothing else.
    fn served(&self, import: Import<'_>) -> Option<&'a HostInterface> {
        let Item::Instance(_) = &import.external.item else {
            return None;
        };
        let interface = import
            .external
            .interface
            .as_ref()
            .filter(|_| is_plain(import))?;
        candidates::of_host(interface, self.host)
    }

    fn others(&self, member: usize) -> impl Iterator<Item = &'a Member> {
        let others = self
            .members
            .iter()
            .enumerate()
            .filter(move |(index, _)| *index != member);
        others.map(|(_, other)| *other)
    }

    /// What the members of the given roles have for an import.
    fn offer(
        &mut self,
        member: usize,
        import: Import<'a>,
        roles: &[Role],
        host_serves: bool,
    ) -> Offer<'a> {
        let mut fitting = Vec::new();
        let mut clash = None;
        for (index, exports) in self.index.asked_by(import) {
            let provider = self.members[index];
            if index == member || !roles.contains(&provider.role) {
                continue;
            }
            let exports = exports.iter().map(|export| (export.name, export.external));
            for candidate in candidates::best(import, &provider.shape.types, exports) {
                match candidate.fit {
                    Ok(()) => fitting.push((index, candidate.export, candidate.closeness)),
                    // Another draft with other types is not what was asked for; the same name with other types is a
                    // mistake, unless nobody chose that provider for this project.
                    Err(_)
                        if candidate.closeness.how == How::Alias
                            || !roles.contains(&Role::Sibling) => {}
                    Err(difference) => {
                        clash = clash.or(Some((index, candidate.export, difference)));
                    }
                }
            }
        }
        let this = self.members[member];
        // The spelling that was asked for beats another one of it, and the exact version one that will do.
        let closest = fitting.iter().map(|(.., closeness)| *closeness).min();
        fitting.retain(|(.., closeness)| Some(*closeness) == closest);
        match (fitting.as_slice(), clash) {
            ([], None) => Offer::Nothing,
            ([], Some((provider, export, difference))) => {
                self.problems.push(Problem::TypeClash {
                    member: this.name.clone(),
                    role: this.role,
                    import: import.name.to_string(),
                    provider: self.members[provider].name.clone(),
                    export: export.to_string(),
                    difference,
                    host: host_serves,
                });
                Offer::Refused
            }
            ([(member, export, _)], _) => Offer::One {
                member: *member,
                export,
            },
            (several, _) => {
                let several: Vec<_> = several
                    .iter()
                    .map(|(member, export, _)| (*member, *export))
                    .collect();
                self.tie(member, import, &several);
                Offer::Refused
            }
        }
    }

    /// Several exports would do equally well.
    fn tie(&mut self, member: usize, import: Import<'_>, candidates: &[(usize, &str)]) {
        let this = self.members[member];
        let wire = |(member, export): &(usize, &str)| {
            let of_member = candidates.iter().filter(|(other, _)| other == member);
            let name = wire_text(self.members[*member]);
            match of_member.count() {
                1 => name,
                _ => format!("{name}{EXPORT_MARK}{export}"),
            }
        };
        let problem = Problem::Tie {
            member: this.name.clone(),
            role: this.role,
            import: import.name.to_string(),
            candidates: candidates.iter().map(wire).collect(),
        };
        self.problems.push(problem);
    }

    fn wired(&mut self, member: usize, import: Import<'a>, wire: &Wire) -> Option<Chosen<'a>> {
        let this = self.members[member];
        let (
            WireTo {
                name: wanted,
                export,
            },
            plugin,
        ) = match wire {
            Wire::Member(to) => (to, false),
            Wire::Plugin(to) => (to, true),
            Wire::Runtime => return self.left_to_runtime(this, import),
            Wire::Stub if only_types(import) => return Some(Chosen::Nobody),
            Wire::Stub if is_plain(import) => return Some(Chosen::Stub),
            Wire::Stub => {
                self.misfit(this, import, suggestions::STUB, Vec::new(), Vec::new());
                return None;
            }
            Wire::Host => {
                if let Some(served) = self.served(import) {
                    return Some(Chosen::Host(served));
                }
                if only_types(import) {
                    return Some(Chosen::Nobody);
                }
                let near = suggestions::near_misses(import, std::iter::empty(), self.host);
                self.misfit(this, import, suggestions::HOST, near, Vec::new());
                return None;
            }
        };
        let is_plugin = |role| matches!(role, Role::Plugin | Role::Shipped);
        let found = self
            .members
            .iter()
            .position(|m| m.name == *wanted && is_plugin(m.role) == plugin);
        let Some(provider) = found else {
            let nearest = suggestions::name(
                wanted,
                self.members
                    .iter()
                    .filter(|m| m.name != this.name)
                    .map(|m| m.name.as_str()),
            );
            self.problems.push(Problem::NoSuchProvider {
                member: this.name.clone(),
                role: this.role,
                import: import.name.to_string(),
                wanted: wanted.clone(),
                nearest: nearest.map(|name| {
                    self.members
                        .iter()
                        .find(|m| m.name == name)
                        .map_or(name.to_string(), |m| wire_text(m))
                }),
            });
            return None;
        };
        let from = self.members[provider];
        let exports = match export {
            Some(export) => named_export(import, export, from).into_iter().collect(),
            None => fitting_exports(import, from),
        };
        match exports.as_slice() {
            [] => {
                let near = suggestions::near_misses(import, std::iter::once(from), &[]);
                let exports = from.shape.exports.keys().cloned().collect();
                self.misfit(this, import, &from.name, near, exports);
                None
            }
            [export] => Some(Chosen::Member {
                member: provider,
                export,
            }),
            several => {
                let several: Vec<_> = several.iter().map(|export| (provider, *export)).collect();
                self.tie(member, import, &several);
                None
            }
        }
    }

    /// What the host has, or else what the runtime is to provide that the composed component is made for.
    fn left_to_runtime(&mut self, this: &Member, import: Import<'a>) -> Option<Chosen<'a>> {
        if let Some(served) = self.served(import) {
            return Some(Chosen::Host(served));
        }
        if only_types(import) {
            return Some(Chosen::Nobody);
        }
        if !self.other_runtime && self.stub_missing && is_plain(import) {
            return Some(Chosen::Stub);
        }
        if !self.other_runtime {
            self.problems.push(Problem::LeftToRuntime {
                member: this.name.clone(),
                import: import.name.to_string(),
                kind: import.external.item.kind(),
            });
        }
        Some(Chosen::Runtime)
    }

    fn next_handler(&self, member: usize, import: Import<'_>) -> Option<usize> {
        let is_handler = import
            .external
            .interface
            .as_ref()
            .is_some_and(is_http_handler);
        self.next_handler
            .get(&member)
            .copied()
            .filter(|_| is_handler)
    }

    fn misfit(
        &mut self,
        this: &Member,
        import: Import<'_>,
        provider: &str,
        near: Vec<NearMiss>,
        exports: Vec<String>,
    ) {
        self.problems.push(Problem::WiredMisfit {
            member: this.name.clone(),
            import: import.name.to_string(),
            provider: provider.to_string(),
            near,
            exports,
        });
    }
}

/// What a given provider has for an import: by its name, or else by its content.
fn fitting_exports<'a>(import: Import<'_>, provider: &'a Member) -> Vec<&'a str> {
    let candidates = candidates::of_member(import, &provider.shape);
    if candidates.is_empty() {
        return candidates::of_content(import, &provider.shape);
    }
    let fitting = candidates
        .into_iter()
        .filter(|candidate| candidate.fit.is_ok());
    fitting.map(|candidate| candidate.export).collect()
}

/// The export of a given name, if it fits.
fn named_export<'a>(import: Import<'_>, export: &str, provider: &'a Member) -> Option<&'a str> {
    let Shape { exports, types, .. } = &*provider.shape;
    let (name, external) = exports.get_key_value(export)?;
    let expected = (import.types, &import.external.item);
    fits(expected, (types, &external.item))
        .ok()
        .map(|_| name.as_str())
}

fn wire_text(member: &Member) -> String {
    member.role.wire_text(&member.name)
}

/// Whether an import only names types, which need nobody to provide them.
fn only_types(import: Import<'_>) -> bool {
    import
        .types
        .only_names_types(import.name, &import.external.item)
}

/// What in an import or export no member can have from another, if there is such.
pub(super) fn unlinkable(types: &Types, item: &Item) -> Option<&'static str> {
    match item {
        Item::Other(kind) => Some(kind),
        Item::Instance(instance) => {
            let mut items = instance.exports.values();
            items.find_map(|item| match item {
                Item::Instance(inner) if has_resource(types, inner) => {
                    Some("interface with resources inside the interface")
                }
                item => unlinkable(types, item),
            })
        }
        Item::Func(_) | Item::Type(_) => None,
    }
}

/// Whether an interface, or one inside it, names a resource.
fn has_resource(types: &Types, instance: &Instance) -> bool {
    instance.exports.values().any(|item| match item {
        Item::Instance(inner) => has_resource(types, inner),
        item => types.named_resource(item).is_some(),
    })
}

/// Whether an import consists of functions and types: all that a host serves, and all that a stub can stand for.
fn is_plain(import: Import<'_>) -> bool {
    let plain = |item: &Item| matches!(item, Item::Func(_) | Item::Type(_));
    match &import.external.item {
        Item::Instance(instance) => instance.exports.values().all(plain),
        item => plain(item),
    }
}
