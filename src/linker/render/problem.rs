//! What stands in the way of a plan: a problem each, and its hints below it.

use std::fmt;

use wash_common::sanitize;

use super::hints::quoted;
use crate::linker::suggestions::STUB;
use crate::linker::{Lack, LinkFailure, Problem, Way};

/// What helps against all unmet imports at once.
const GO_ON: &str =
    "with `--stub-missing`, calls of what is missing trap, and everything else runs";

impl fmt::Display for LinkFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f, "\n")?;
            }
            write!(f, "{problem}")?;
            for hint in problem.hints() {
                write!(f, "\nhint: {}", sanitize::hint(&hint))?;
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
    /// The problem alone, without its hints. One line, but for the steps of a circle.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.describe(&mut text)?;
        match self {
            Problem::Cycle { .. } => f.write_str(&sanitize::hint(&text)),
            _ => f.write_str(&sanitize::line(&text)),
        }
    }
}

impl Problem {
    fn describe(&self, f: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Problem::DuplicateName { name } => write!(f, "two components are named `{name}`"),
            Problem::TooManyMembers { count, max } => write!(
                f,
                "{count} components are linked into one, and `wash` runs at most {max}"
            ),
            Problem::Unsupported {
                member,
                unsupported,
            } => write!(f, "component `{member}` cannot run: {unsupported}"),
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
                    "component `{member}` has `{import}` wired to a stub, but a stub can only replace functions and types"
                )
            }
            Problem::WiredMisfit {
                member,
                import,
                provider,
                ..
            } => {
                let provider = quoted(provider);
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
                let kind = of_kind(kind);
                let through = match through.as_slice() {
                    [] => String::new(),
                    parts => format!(" (through {})", parts.join(" and ")),
                };
                write!(
                    f,
                    "component `{member}` imports {kind}`{import}`{through}, but no sibling or capability provides it"
                )
            }
            Problem::LeftToRuntime {
                member,
                import,
                kind,
            } => {
                let kind = of_kind(kind);
                write!(
                    f,
                    "component `{member}` leaves {kind}`{import}` to the runtime, and `wash` does not provide it"
                )
            }
            Problem::Unlinkable {
                member,
                verb,
                name,
                kind,
            } => write!(
                f,
                "component `{member}` {verb} the {kind} `{name}`, and only functions, resources and types can be linked"
            ),
            Problem::Reexport {
                member,
                export,
                importer,
                import,
            } => {
                let through = match importer == member {
                    true => String::new(),
                    false => format!(" through `{importer}`"),
                };
                write!(
                    f,
                    "component `{member}` exports `{export}`, which passes on `{import}` from the host{through}, and wasmtime \
                     does not run exports that only pass an import on"
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
                write!(f, "components import each other in a cycle:")?;
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
                let provider = quoted(provider);
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
                key,
                member,
                import,
                next,
                ..
            } => write!(
                f,
                "`{key}` has `{next}` after `{member}`, but `{next}` does not export the `{import}` that `{member}` imports"
            ),
            Problem::NoSuchHandler { key, name, .. } => {
                write!(f, "`{key}` names `{name}`, but there is no such component")
            }
            Problem::NotAHandler {
                key,
                member,
                lacks: Lack::Export,
            } => {
                write!(
                    f,
                    "`{key}` names `{member}`, which does not export an HTTP handler"
                )
            }
            Problem::NotAHandler {
                key,
                member,
                lacks: Lack::Import,
            } => {
                write!(
                    f,
                    "`{key}` has another component after `{member}`, which does not import an HTTP handler"
                )
            }
            Problem::SeveralHandlers { candidates } => {
                write!(
                    f,
                    "{} answer HTTP requests, and the project itself does not",
                    several(candidates)
                )
            }
            Problem::NotDriven {
                member,
                way,
                exports,
                ..
            } => {
                let what = match way {
                    Way::Service => "cannot run as the service",
                    Way::Messages => "cannot handle messages",
                };
                write!(f, "component `{member}` {what}: it exports ")?;
                match exports.as_slice() {
                    [] => f.write_str("nothing"),
                    exports => write!(f, "only {}", listed(exports)),
                }
            }
            Problem::NoSuchDriven { name, way, .. } => {
                let what = match way {
                    Way::Service => "run as the service",
                    Way::Messages => "handle messages",
                };
                write!(f, "`{name}` is to {what}, but there is no such component")
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
                    "component `{member}` exports no entry point, only {}",
                    listed(exports)
                )
            }
        }
    }
}

/// What an import is, where that does not go without saying.
fn of_kind(kind: &str) -> String {
    match kind {
        "interface" => String::new(),
        kind => format!("the {kind} "),
    }
}

pub(super) fn listed(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

pub(super) fn several(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [first, second] => format!("both {first} and {second}"),
        [names @ .., last] if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        names => names.join(", "),
    }
}
