//! What the composed component exports, and which members are needed for that.

use wash_component::{Extern, InterfaceName, Shape, is_http_handler};

use super::candidates::Import;
use super::{
    Driven, Exported, Exports, Lack, LinkRequest, Member, Problem, Role, Way, Wire, suggestions,
    wiring,
};

/// The side that the host sees. Members are indexes into the ordered members.
#[derive(Default)]
pub(super) struct Outward {
    pub(super) exports: Vec<Exported>,
    /// The members that are needed for their own sake.
    pub(super) roots: Vec<usize>,
    /// The members that HTTP requests go through, if there are several.
    pub(super) chain: Vec<usize>,
    pub(super) problems: Vec<Problem>,
}

/// Chooses what is exported: what is to be driven, and on demand everything of the project.
pub(super) fn choose(request: &LinkRequest<'_>, members: &[&Member]) -> Outward {
    let mut outward = Outward::default();
    match request.driven {
        Driven::Automatic => outward.automatic(members),
        Driven::Http { chain, key } => outward.handlers(chain, key, members),
        Driven::Service(name) => outward.driven(name, Way::Service, members),
        Driven::Messages(name) => outward.driven(name, Way::Messages, members),
        Driven::Nothing => {}
    }
    if request.exports == Exports::All {
        for (index, member) in with_role(members, Role::Project) {
            // Whoever stands in front of the project's handler must not be passed by.
            let behind = !outward.chain.is_empty() && outward.chain[0] != index;
            let hidden = |external: &Extern| {
                behind && external.interface.as_ref().is_some_and(is_http_handler)
            };
            let exports = member.shape.exports.iter();
            exports
                .filter(|(_, external)| !hidden(external))
                .for_each(|(name, _)| outward.export(index, name));
        }
    } else if request.driven == Driven::Automatic
        && outward.exports.is_empty()
        && outward.problems.is_empty()
    {
        outward.problems.extend(nothing(members));
    }
    outward.roots = match request.driven {
        Driven::Automatic => automatic_roots(&outward.exports, members),
        _ => exporting(&outward.exports),
    };
    outward
}

fn nothing(members: &[&Member]) -> Option<Problem> {
    let member = members.first()?;
    let runnable = members.iter().filter(|m| m.shape.exports_run().is_some());
    Some(Problem::NothingToDrive {
        member: member.name.clone(),
        exports: member.shape.exports.keys().cloned().collect(),
        nearly: nearly(&member.shape, |path| {
            HTTP.contains(&path) || path == Way::Messages.interface()
        }),
        runnable: runnable.map(|member| member.name.clone()).collect(),
    })
}

/// The handlers of HTTP requests, without versions.
const HTTP: [&str; 2] = ["wasi:http/incoming-handler", "wasi:http/handler"];

/// An export of the right name, whose version is not the right one.
fn nearly(shape: &Shape, is_meant: impl Fn(&str) -> bool) -> Option<String> {
    let named = |interface: &InterfaceName| is_meant(&interface.path());
    let mut exports = shape.exports.iter();
    exports
        .find(|(_, external)| external.interface.as_ref().is_some_and(named))
        .map(|(name, _)| name.clone())
}

impl Way {
    /// The interface that is called, without version.
    pub(in crate::linker) fn interface(self) -> &'static str {
        match self {
            Way::Service => "wasi:cli/run",
            Way::Messages => "wasmcloud:messaging/handler",
        }
    }

    fn export(self, shape: &Shape) -> Option<&str> {
        match self {
            Way::Service => shape.exports_run(),
            Way::Messages => shape.exports_messages(),
        }
    }
}

/// The members that answer HTTP requests, so far as nothing else is said: the project, or else every sibling that
/// can.
pub fn answering<'a>(members: &[&'a Member]) -> Vec<&'a Member> {
    let with_role = |role| {
        let serving = with_role(members, role).map(|(_, member)| member);
        serving
            .filter(|member| member.shape.http_exports().next().is_some())
            .collect::<Vec<_>>()
    };
    match with_role(Role::Project) {
        project if project.is_empty() => {
            let siblings = with_role(Role::Sibling).into_iter();
            siblings
                .filter(|sibling| !is_called(sibling, members))
                .collect()
        }
        project => project,
    }
}

/// Whether the project itself calls the handler of a sibling, which then answers nobody else.
fn is_called(sibling: &Member, members: &[&Member]) -> bool {
    with_role(members, Role::Project).any(|(_, project)| {
        handlers_called(&project.shape).any(|(name, external, interface)| {
            let import = Import {
                name,
                external,
                types: &project.shape.types,
            };
            let provides = match wiring::wire_of(project, import) {
                Some(Wire::Member(to)) => to.name == sibling.name,
                Some(_) => false,
                None => true,
            };
            let mut exports = sibling.shape.http_exports();
            provides && exports.any(|(_, exported)| exported.compatible(interface))
        })
    })
}

/// The handlers of requests that a component imports, and not for their types alone.
fn handlers_called(shape: &Shape) -> impl Iterator<Item = (&str, &Extern, &InterfaceName)> {
    shape.imports.iter().filter_map(|(name, external)| {
        let interface = external.interface.as_ref()?;
        let calls =
            is_http_handler(interface) && !shape.types.only_names_types(name, &external.item);
        calls.then_some((name.as_str(), external, interface))
    })
}

/// The project, and whoever is exported. If there is neither, all siblings.
fn automatic_roots(exports: &[Exported], members: &[&Member]) -> Vec<usize> {
    let is_root = |index: &usize| {
        members[*index].role == Role::Project || exports.iter().any(|e| e.member == *index)
    };
    let roots: Vec<_> = (0..members.len()).filter(is_root).collect();
    if roots.is_empty() {
        return with_role(members, Role::Sibling)
            .map(|(index, _)| index)
            .collect();
    }
    roots
}

fn exporting(exports: &[Exported]) -> Vec<usize> {
    let mut roots: Vec<_> = exports.iter().map(|exported| exported.member).collect();
    roots.sort_unstable();
    roots.dedup();
    roots
}

impl Outward {
    fn export(&mut self, member: usize, export: &str) {
        let exported = Exported {
            member,
            export: export.to_string(),
        };
        if !self.exports.contains(&exported) {
            self.exports.push(exported);
        }
    }

    fn export_handler(&mut self, index: usize, member: &Member) {
        member
            .shape
            .http_exports()
            .for_each(|(name, _)| self.export(index, name));
    }

    /// What there is to drive, one way at most: requests before commands before messages.
    fn automatic(&mut self, members: &[&Member]) {
        match answering(members).as_slice() {
            [] => {}
            [member] => return self.export_handler(place(members, &member.name), member),
            several => {
                let candidates = several.iter().map(|member| member.name.clone());
                let candidates = candidates.collect();
                return self.problems.push(Problem::SeveralHandlers { candidates });
            }
        }
        for (index, member) in with_role(members, Role::Project) {
            let exports = [Way::Service, Way::Messages].map(|way| way.export(&member.shape));
            if let Some(export) = exports.into_iter().flatten().next() {
                self.export(index, export);
            }
        }
    }

    /// The one member that the user, or what it exports, named.
    fn driven(&mut self, name: &str, way: Way, members: &[&Member]) {
        let Some(index) = members.iter().position(|m| m.name == name) else {
            let names = members.iter().map(|m| m.name.as_str());
            self.problems.push(Problem::NoSuchDriven {
                name: name.to_string(),
                way,
                nearest: suggestions::name(name, names).map(str::to_string),
            });
            return;
        };
        let shape = &members[index].shape;
        match way.export(shape) {
            Some(export) => self.export(index, export),
            None => self.problems.push(Problem::NotDriven {
                member: name.to_string(),
                way,
                exports: shape.exports.keys().cloned().collect(),
                nearly: nearly(shape, |path| path == way.interface()),
            }),
        }
    }

    /// The chain that the user asked for. Who provides what in it is found out with the other imports.
    fn handlers(&mut self, names: &[String], key: &str, members: &[&Member]) {
        for (position, name) in names.iter().enumerate() {
            let Some(index) = members.iter().position(|m| m.name == *name) else {
                let nearest = suggestions::name(name, members.iter().map(|m| m.name.as_str()))
                    .map(str::to_string);
                self.problems.push(Problem::NoSuchHandler {
                    key: key.to_string(),
                    name: name.clone(),
                    nearest,
                });
                continue;
            };
            let shape = &members[index].shape;
            let imports = handlers_called(shape).next().is_some();
            let lacks = match (
                shape.http_exports().next().is_some(),
                imports || position + 1 == names.len(),
            ) {
                (false, _) => Some(Lack::Export),
                (_, false) => Some(Lack::Import),
                _ => None,
            };
            if let Some(lacks) = lacks {
                self.problems.push(Problem::NotAHandler {
                    key: key.to_string(),
                    member: name.clone(),
                    lacks,
                });
            }
            if position == 0 {
                self.export_handler(index, members[index]);
            }
            self.chain.push(index);
        }
    }
}

fn place(members: &[&Member], name: &str) -> usize {
    let place = members.iter().position(|member| member.name == name);
    place.expect("the member is one of these")
}

fn with_role<'a>(members: &[&'a Member], role: Role) -> impl Iterator<Item = (usize, &'a Member)> {
    members
        .iter()
        .copied()
        .enumerate()
        .filter(move |(_, m)| m.role == role)
}
