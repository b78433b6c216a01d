//! Which components of a project are driven, and by what.
//!
//! The config decides where it says something: `dev.http`, `dev.routes`, `dev.service`. Otherwise exports do: whoever
//! answers requests, whoever takes messages, and a project that can do nothing but run.

use std::collections::BTreeMap;

use wash_runtime::workload::{Drive, Route};

use crate::linker;
use crate::linker::{Driven, Member, Problem, Role};
use crate::project::{Project, Service};

/// A way into a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The member that is driven.
    pub name: String,
    pub drive: Drive,
    /// The members that requests go through; for others the one that is driven.
    chain: Vec<String>,
    /// Where the config names them.
    key: String,
}

impl Wanted {
    /// What to ask the linker for.
    pub fn driven(&self) -> Driven<'_> {
        match &self.drive {
            Drive::Http { .. } => Driven::Http {
                chain: &self.chain,
                key: &self.key,
            },
            Drive::Service { .. } => Driven::Service(&self.name),
            Drive::Messages { .. } => Driven::Messages(&self.name),
            Drive::Calls => Driven::Nothing,
        }
    }

    fn new(chain: &[String], key: &str, drive: Drive) -> Self {
        Self {
            name: chain[0].clone(),
            drive,
            chain: chain.to_vec(),
            key: key.to_string(),
        }
    }

    fn one(name: &str, drive: Drive) -> Self {
        Self::new(&[name.to_string()], "", drive)
    }
}

/// The ways into a workload, those for requests first, and what is in doubt about them. Nothing of either: nothing can
/// be driven, for which the linker has the words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Entries {
    pub wanted: Vec<Wanted>,
    pub problems: Vec<Problem>,
}

pub(super) fn entries(project: &Project, members: &[Member]) -> Entries {
    let service = service(project, members);
    let mut entries = http(project, members, service.as_ref());
    entries.wanted.extend(messages(project, members));
    if let Some(Service { name, restart }) = service {
        let service = Wanted::one(&name, Drive::Service { restart });
        entries.wanted.push(service);
    }
    entries
}

/// What the config makes the service, or a project that can do nothing else.
fn service(project: &Project, members: &[Member]) -> Option<Service> {
    if project.dev.service.is_some() {
        return project.dev.service.clone();
    }
    let own = members.iter().find(|member| member.role == Role::Project)?;
    let shape = &own.shape;
    let otherwise = shape.http_exports().next().is_some() || shape.exports_messages().is_some();
    let runs = shape.exports_run().is_some() && !otherwise;
    runs.then(|| Service {
        name: own.name.clone(),
        restart: Default::default(),
    })
}

fn http(project: &Project, members: &[Member], service: Option<&Service>) -> Entries {
    let everything = || Drive::Http {
        routes: vec![Route::default()],
    };
    let mut entries = Entries::default();
    if !project.dev.routes.is_empty() {
        entries.wanted = routed(project);
    } else if !project.dev.http.is_empty() {
        entries.wanted = vec![Wanted::new(&project.dev.http, "dev.http", everything())];
    } else {
        let is_service = |member: &Member| service.is_some_and(|s| s.name == member.name);
        let others: Vec<&Member> = members.iter().filter(|m| !is_service(m)).collect();
        match linker::answering(&others).as_slice() {
            [] => {}
            [member] => entries.wanted.push(Wanted::one(&member.name, everything())),
            several => entries.problems.push(Problem::SeveralHandlers {
                candidates: several.iter().map(|member| member.name.clone()).collect(),
            }),
        }
    }
    entries
}

/// One entry for all routes that go the same way.
fn routed(project: &Project) -> Vec<Wanted> {
    let mut entries: Vec<Wanted> = Vec::new();
    for routed in &project.dev.routes {
        let known = entries.iter_mut().find(|entry| entry.chain == routed.chain);
        match known.map(|entry| &mut entry.drive) {
            Some(Drive::Http { routes }) => routes.push(routed.route.clone()),
            _ => {
                let routes = vec![routed.route.clone()];
                let drive = Drive::Http { routes };
                entries.push(Wanted::new(&routed.chain, &routed.key, drive));
            }
        }
    }
    entries
}

fn messages(project: &Project, members: &[Member]) -> Vec<Wanted> {
    let mut subscriptions = BTreeMap::from([(&project.name, &project.subscriptions)]);
    let siblings = project.dev.components.iter();
    subscriptions.extend(siblings.map(|sibling| (&sibling.name, &sibling.subscriptions)));
    let takers = members.iter().filter_map(|member| {
        member.shape.exports_messages()?;
        // Nobody but a unit of the project takes them.
        let subscriptions = (*subscriptions.get(&member.name)?).clone();
        Some(Wanted::one(&member.name, Drive::Messages { subscriptions }))
    });
    takers.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dev::testing::project;
    use crate::project::{Routed, Sibling, SiblingSource};
    use wash_component::Shape;

    const HTTP: &str = "wasi:http/incoming-handler@0.2.3";
    const RUN: &str = "wasi:cli/run@0.2.3";
    const MESSAGES: &str = "wasmcloud:messaging/handler@0.2.0";

    fn member(name: &str, exports: &[&str]) -> Member {
        let exports = exports
            .iter()
            .map(|export| format!("(export \"{export}\" (instance $i))"));
        let text = format!("(component (instance $i) {})", exports.collect::<String>());
        let bytes = wat::parse_str(text).expect("it is a component");
        Member {
            name: name.to_string(),
            role: match name {
                "app" => Role::Project,
                _ => Role::Sibling,
            },
            shape: Arc::new(Shape::parse(&bytes).expect("it has a shape")),
            wiring: BTreeMap::new(),
        }
    }

    fn sibling(name: &str) -> Sibling {
        Sibling {
            name: name.to_string(),
            source: SiblingSource::File("x.wasm".into()),
            settings: Default::default(),
            subscriptions: vec![format!("{name}.>")],
            imports: BTreeMap::new(),
            limits: Default::default(),
        }
    }

    /// What drives what, of a project `app` and its siblings with their exports.
    fn check(edit: impl FnOnce(&mut Project), members: &[(&str, &[&str])], expected: &[&str]) {
        let mut project = project("/p");
        let others = members.iter().filter(|(name, _)| *name != "app");
        project.dev.components = others.map(|(name, _)| sibling(name)).collect();
        edit(&mut project);
        let members: Vec<Member> = members.iter().map(|(n, e)| member(n, e)).collect();
        let Entries { wanted, problems } = entries(&project, &members);
        let wanted = wanted.iter().map(|entry| match &entry.drive {
            Drive::Http { routes } => {
                let routes: Vec<_> = routes.iter().map(ToString::to_string).collect();
                format!("{} -> {}", routes.join(" "), entry.chain.join(" "))
            }
            Drive::Messages { subscriptions } => {
                format!("messages {} -> {}", subscriptions.join(" "), entry.name)
            }
            Drive::Service { .. } => format!("service {}", entry.name),
            Drive::Calls => format!("calls {}", entry.name),
        });
        let problems = problems.iter().map(|problem| format!("{problem}"));
        assert_eq!(wanted.chain(problems).collect::<Vec<_>>(), expected);
    }

    fn service(name: &str) -> Option<Service> {
        Some(Service {
            name: name.to_string(),
            restart: Default::default(),
        })
    }

    #[test]
    fn by_what_is_exported() {
        check(|_| (), &[("app", &[HTTP])], &["/ -> app"]);
        check(|_| (), &[("app", &[RUN])], &["service app"]);
        check(|_| (), &[("app", &[HTTP, RUN])], &["/ -> app"]);
        check(|_| (), &[("app", &[MESSAGES])], &["messages  -> app"]);
        check(|_| (), &[("app", &[RUN, MESSAGES])], &["messages  -> app"]);
        check(|_| (), &[("app", &["a:b/c"])], &[]);
        check(
            |_| (),
            &[
                ("app", &[HTTP]),
                ("a", &[MESSAGES]),
                ("b", &[MESSAGES, HTTP]),
                ("c", &[RUN]),
            ],
            &["/ -> app", "messages a.> -> a", "messages b.> -> b"],
        );
        check(|_| (), &[("app", &["a:b/c"]), ("a", &[HTTP])], &["/ -> a"]);
        check(
            |_| (),
            &[("app", &[RUN]), ("a", &[HTTP]), ("b", &[HTTP])],
            &[
                "service app",
                "both `a` and `b` answer HTTP requests, and the project itself does not",
            ],
        );
    }

    #[test]
    fn as_the_config_says() {
        let both: &[(&str, &[&str])] = &[("app", &[HTTP, RUN]), ("a", &[HTTP, RUN])];
        check(
            |project| project.dev.service = service("a"),
            both,
            &["/ -> app", "service a"],
        );
        // As upstream has it: a service answers no requests unless it is asked to.
        check(
            |project| project.dev.service = service("app"),
            both,
            &["/ -> a", "service app"],
        );
        check(
            |project| {
                project.dev.service = service("app");
                project.dev.http = vec!["a".to_string(), "app".to_string()];
            },
            both,
            &["/ -> a app", "service app"],
        );
    }

    #[test]
    fn routes_that_go_the_same_way_are_one_entry() {
        let routed = |path: &str, chain: &[&str]| Routed {
            key: format!("dev.routes.{path}"),
            route: Route {
                host: None,
                path: path.to_string(),
            },
            chain: chain.iter().map(ToString::to_string).collect(),
        };
        check(
            |project| {
                project.dev.routes = vec![
                    routed("/a", &["a"]),
                    routed("", &["app"]),
                    routed("/b", &["a", "app"]),
                    routed("/c", &["a"]),
                ];
            },
            &[("app", &[HTTP]), ("a", &[HTTP])],
            &["/a /c -> a", "/ -> app", "/b -> a app"],
        );
    }
}
