//! What comes close to something that is missing.

use wash_component::InterfaceName;
use wash_component::host_interface::HostInterface;

use super::candidates::{How, Import};
use super::{Member, NearMiss, aliases, candidates};

/// Near misses shown for one import, at most.
const MAX: usize = 5;
/// How much two names must resemble each other to be taken for one that was mistyped (0 to 1, Jaro-Winkler).
const RESEMBLANCE: f64 = 0.88;

/// Where the host stands in messages.
pub(super) const HOST: &str = "the host";
/// What stands for an import that nobody provides, in messages.
pub(super) const STUB: &str = "a stub";

/// What `others` and the host have that comes close to an import, the closest first.
pub(super) fn near_misses<'a>(
    import: Import<'_>,
    others: impl Iterator<Item = &'a Member>,
    host: &[HostInterface],
) -> Vec<NearMiss> {
    let mut misses: Vec<_> = others.flat_map(|other| of_member(import, other)).collect();
    if let Some(wanted) = &import.external.interface {
        if let Some(off) = candidates::switched_off(wanted, host) {
            misses.push(NearMiss::SwitchedOff {
                capability: off.capability.to_string(),
                at: off.off.clone().unwrap_or_default(),
            });
        }
        let served = host
            .iter()
            .filter(|interface| interface.off.is_none())
            .filter_map(|interface| interface.name().parse::<InterfaceName>().ok());
        misses.extend(of_names(
            wanted,
            HOST,
            served.map(|name| (name.to_string(), name)),
        ));
    }
    misses.sort();
    misses.truncate(MAX);
    misses
}

fn of_member(import: Import<'_>, other: &Member) -> Vec<NearMiss> {
    let provider = || other.name.clone();
    if let Some(candidate) = candidates::of_member(import, &other.shape)
        .into_iter()
        .next()
    {
        let export = candidate.export.to_string();
        return match (candidate.fit, candidate.closeness.how) {
            (Ok(()), _) => Vec::new(),
            (Err(difference), How::Alias) => {
                vec![NearMiss::OtherDraft {
                    provider: provider(),
                    export,
                    difference: Some(difference),
                }]
            }
            (Err(difference), _) => vec![NearMiss::OtherType {
                provider: provider(),
                export,
                difference,
            }],
        };
    }
    let same = candidates::of_content(import, &other.shape);
    if !same.is_empty() {
        let same = same.into_iter().map(|export| NearMiss::OtherName {
            provider: provider(),
            export: export.to_string(),
        });
        return same.collect();
    }
    match &import.external.interface {
        Some(wanted) => {
            let exported = other
                .shape
                .exports
                .iter()
                .filter_map(|(name, e)| Some((name.clone(), e.interface.clone()?)));
            of_names(wanted, &other.name, exported)
        }
        None => {
            let plain = other
                .shape
                .exports
                .iter()
                .filter(|(_, e)| e.interface.is_none())
                .map(|(name, _)| name.as_str());
            name(import.name, plain)
                .map(|export| NearMiss::SimilarName {
                    provider: provider(),
                    export: export.to_string(),
                })
                .into_iter()
                .collect()
        }
    }
}

fn of_names(
    wanted: &InterfaceName,
    provider: &str,
    offered: impl Iterator<Item = (String, InterfaceName)>,
) -> Vec<NearMiss> {
    let provider = || provider.to_string();
    let (mut misses, mut package) = (Vec::new(), Vec::new());
    for (export, name) in offered {
        if aliases::related(wanted, &name).is_some() {
            misses.push(NearMiss::OtherDraft {
                provider: provider(),
                export,
                difference: None,
            });
        } else if name.same_path(wanted) {
            misses.push(NearMiss::OtherVersion {
                provider: provider(),
                export,
            });
        } else if mistyped(wanted, &name) {
            misses.push(NearMiss::SimilarName {
                provider: provider(),
                export,
            });
        } else if name.package == wanted.package && name.version == wanted.version {
            package.push(export);
        }
    }
    if misses.is_empty() && !package.is_empty() {
        package.sort();
        misses.push(NearMiss::OtherInterface {
            provider: provider(),
            exports: package,
        });
    }
    misses
}

/// Whether `name` may be what was meant by `wanted`. Names of one package begin alike, so there only the rest counts.
fn mistyped(wanted: &InterfaceName, name: &InterfaceName) -> bool {
    if name.package == wanted.package {
        few_letters(&name.interface, &wanted.interface)
    } else {
        resembles(&name.path(), &wanted.path())
    }
}

/// A name without what says little: a version, and a namespace that the other has as well.
fn essence<'n>(name: &'n str, other: &str) -> &'n str {
    let name = name.split('@').next().unwrap_or(name);
    match (name.split_once(':'), other.split_once(':')) {
        (Some((namespace, rest)), Some((same, _))) if namespace == same => rest,
        _ => name,
    }
}

/// Whether at most a third of the letters differ.
fn few_letters(a: &str, b: &str) -> bool {
    strsim::damerau_levenshtein(a, b) * 3 <= a.len().min(b.len())
}

/// The name most like `wanted`, if there is one that is like it at all.
pub(super) fn name<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(essence(name, wanted), essence(wanted, name));
    names
        .filter(|name| resembles(name, wanted))
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)).then(b.cmp(a)))
}

fn resembles(a: &str, b: &str) -> bool {
    let (a, b) = (essence(a, b), essence(b, a));
    strsim::jaro_winkler(a, b) >= RESEMBLANCE || (few_letters(a, b) && a.len().max(b.len()) <= 12)
}
