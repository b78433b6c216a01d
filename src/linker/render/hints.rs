//! What is near a problem, and what to do about it; ready to paste where there is something to write.

use std::fmt;

use wash_component::{InterfaceName, Unsupported, is_http_handler};

use super::problem::listed;
use crate::linker::suggestions::HOST;
use crate::linker::{Difference, Fix, Lack, NearMiss, Problem, Role, Way};

/// What a host can do something with.
const DRIVEN: &str = "entry points are `wasi:http/incoming-handler@0.2.x` and `wasi:http/handler@0.3.x`, for requests, \
                      `wasi:cli/run`, for services and commands, and `wasmcloud:messaging/handler@0.2.x`, for messages";

impl Problem {
    /// What is near, and what to do; ready to paste where there is something to write.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Problem::DuplicateName { .. } => {
                vec!["give each entry of `dev.components` a `name` of its own".to_string()]
            }
            Problem::TooManyMembers { .. } => vec![
                "`wash build --compose` has no such limit: compose some of them beforehand".to_string(),
            ],
            Problem::Unsupported { .. } => {
                vec![Unsupported::HINT.to_string()]
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
                    "name a component of `dev.components`, `plugin:NAME`, `host`, `runtime` or `stub`"
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
            Problem::LeftToRuntime { .. } => vec![
                "`wash build --compose` leaves it to the runtime; with `--stub-missing`, calls of it trap here, and everything else runs".to_string(),
            ],
            Problem::Unlinkable { .. } => {
                vec!["first compose the components that use it, with `wac` or `wasm-tools compose`".to_string()]
            }
            Problem::Reexport {
                export,
                importer,
                import,
                ..
            } => vec![format!(
                "export functions of its own from `{importer}` that call `{import}`, or leave `{export}` out; what another \
                 component provides can be passed on"
            )],
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
                    "wire `{import}` of `{member}` to another provider, or move what both need into a separate component"
                )]
            }
            Problem::ResourceClash {
                provider,
                resource,
                wires,
                ..
            } if wires.is_empty() => {
                vec![format!(
                    "wire all interfaces that use `{resource}` to one provider that provides them all; {} provides only some",
                    quoted(provider)
                )]
            }
            Problem::ResourceClash {
                member,
                role,
                wires,
                ..
            } => {
                let wires = wires.iter();
                let wires: Vec<_> = wires.map(|(import, to)| (&**import, &**to)).collect();
                vec![format!(
                    "wire both interfaces to the same provider, such as:{}",
                    wire_all(member, *role, &wires)
                )]
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
                vec!["a handler of WASI 0.2 and one of WASI 0.3 cannot be chained".to_string()]
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
            Problem::NotAHandler { key, member, .. } => {
                vec![format!("make `{member}` the last of `{key}`")]
            }
            Problem::SeveralHandlers { candidates } => {
                let mut routes = String::new();
                for (index, name) in candidates.iter().enumerate() {
                    let path = match index {
                        0 => "/",
                        _ => &format!("/{name}"),
                    };
                    routes += &format!("\n        {path}: {name}");
                }
                vec![
                    format!(
                        "route requests to each, by path or host:\n    dev:\n      routes:{routes}"
                    ),
                    format!(
                        "or chain them, in order:\n    dev:\n      http: [{}]",
                        candidates.join(", ")
                    ),
                ]
            }
            Problem::NotDriven { way, nearly, .. } => {
                let mut hints = vec![match way {
                    Way::Service => {
                        "a service exports `wasi:cli/run@0.2.x` or `@0.3.x`".to_string()
                    }
                    Way::Messages => {
                        "messages go to `wasmcloud:messaging/handler@0.2.x`".to_string()
                    }
                }];
                hints.extend(
                    nearly
                        .iter()
                        .map(|export| format!("build it against another version of `{export}`")),
                );
                hints
            }
            Problem::NoSuchDriven { nearest, .. } => match nearest {
                Some(nearest) => vec![format!("did you mean `{nearest}`?")],
                None => vec!["name the project or a component of `dev.components`".to_string()],
            },
            Problem::NothingToDrive {
                member,
                exports,
                nearly,
                runnable,
            } => {
                let mut hints = vec![DRIVEN.to_string()];
                hints.extend(runnable.iter().map(|name| {
                    format!("to run `{name}` as the service:\n    dev:\n      service: {name}")
                }));
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

/// How a component that nobody needs would be driven, by one of its exports.
pub fn could_be_driven(name: &str, export: &str) -> Option<String> {
    let export: InterfaceName = export.parse().ok()?;
    if is_http_handler(&export) {
        Some(format!(
            "`dev.routes` gives it requests, such as `/{name}: {name}`"
        ))
    } else if export.path() == Way::Service.interface() {
        Some(format!("`dev.service: {name}` makes it the service"))
    } else {
        None
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
            NearMiss::SwitchedOff { capability, at } => {
                write!(
                    f,
                    "{HOST} would serve it, but `{capability}` is switched off: {at}"
                )
            }
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
            NearMiss::OtherName { provider, export } => {
                write!(
                    f,
                    "{} the same under another name, `{export}`",
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
            Fix::AddComponent {
                interface,
                project: Some(project),
            } => write!(
                f,
                "add the project that exports it, in `.wash/config.yaml`:\n    dev:\n      components:\n        - path: {project}  # exports {interface}"
            ),
            Fix::AddComponent {
                interface,
                project: None,
            } => write!(
                f,
                "add a component that exports it, in `.wash/config.yaml`:\n    dev:\n      components:\n        - name: NAME\n          file: FILE.wasm  # exports {interface}"
            ),
        }
    }
}

/// The lines of the config that wire an import.
fn wire(member: &str, role: Role, import: &str, to: &str) -> String {
    wire_all(member, role, &[(import, to)])
}

/// The lines of the config that wire some imports of a member.
fn wire_all(member: &str, role: Role, wires: &[(&str, &str)]) -> String {
    let (mut text, indent) = match role {
        Role::Sibling => {
            let text = format!(
                "\n    dev:\n      components:\n        - name: {member}\n          imports:"
            );
            (text, " ".repeat(12))
        }
        Role::Project | Role::Plugin | Role::Shipped => {
            ("\n    imports:".to_string(), " ".repeat(6))
        }
    };
    for (import, to) in wires {
        text += &format!("\n{indent}{import}: {to}");
    }
    text
}

/// The name of a provider: the host's is a phrase.
pub(super) fn quoted(provider: &str) -> String {
    match provider {
        HOST => provider.to_string(),
        name => format!("`{name}`"),
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
