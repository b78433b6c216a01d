//! Which export of a member, or which interface of the host, could provide an import.

use std::cmp::Reverse;

use wash_component::host_interface::HostInterface;
use wash_component::{Extern, InterfaceName, Item, Shape, Types};

use super::aliases::Relation;
use super::fit::fits;
use super::{Difference, aliases};

/// An import, with the types it speaks in.
#[derive(Clone, Copy)]
pub(super) struct Import<'a> {
    pub(super) name: &'a str,
    pub(super) external: &'a Extern,
    pub(super) types: &'a Types,
}

/// How the name of an export relates to that of an import, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    Exact,
    /// A version of the same track.
    Compatible,
    /// Another spelling, by the table of aliases.
    Alias,
}

/// How close the name of an export comes to that of an import, closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Closeness {
    /// A label is chosen by whoever writes the component: only the same label surely means the same.
    other_label: bool,
    /// Another spelling is used only where there is none that was asked for.
    is_alias: bool,
    label: Label,
    pub(super) how: How,
}

/// How the label of an export relates to that of an import, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Same,
    /// The export has the name of the interface.
    None,
    Other,
}

/// An export that has the right name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate<'a> {
    pub(super) export: &'a str,
    pub(super) closeness: Closeness,
    /// Whether it has the right type as well.
    pub(super) fit: Result<(), Difference>,
}

/// The exports of `provider` that come closest to `import` among those with the right name.
pub(super) fn of_member<'a>(import: Import<'_>, provider: &'a Shape) -> Vec<Candidate<'a>> {
    let exports = provider.exports.iter();
    best(
        import,
        &provider.types,
        exports.map(|(name, export)| (name.as_str(), export)),
    )
}

/// The closest of some exports of a member, which speak in `types`: several if they are labels of the same interface, and
/// none has that of the import.
pub(super) fn best<'a>(
    import: Import<'_>,
    types: &Types,
    exports: impl Iterator<Item = (&'a str, &'a Extern)>,
) -> Vec<Candidate<'a>> {
    let named =
        exports.filter_map(|(name, export)| Some((name, export, how(import, name, export)?)));
    let fitted = named.map(|(name, export, how)| {
        let fit = fits((import.types, &import.external.item), (types, &export.item)).map(|_| ());
        let version = export.interface.as_ref().and_then(|i| i.version.clone());
        let closeness = closeness(import, name, export, how);
        let candidate = Candidate {
            export: name,
            closeness,
            fit,
        };
        (candidate, version)
    });
    let mut fitted: Vec<_> = fitted.collect();
    let key = |candidate: &Candidate<'a>| {
        let closeness = candidate.closeness;
        (closeness.other_label, candidate.fit.is_err(), closeness)
    };
    fitted.sort_by(|(a, va), (b, vb)| {
        (key(a), Reverse(va), a.export).cmp(&(key(b), Reverse(vb), b.export))
    });
    let first = fitted.first().map(|(candidate, _)| key(candidate));
    let is_label = |candidate: &Candidate<'_>| candidate.closeness.label == Label::Other;
    let candidates = fitted.into_iter().map(|(candidate, _)| candidate);
    let equal = candidates.enumerate().take_while(|(index, candidate)| {
        *index == 0
            || (Some(key(candidate)) == first && is_label(candidate) && candidate.fit.is_ok())
    });
    equal.map(|(_, candidate)| candidate).collect()
}

fn closeness(import: Import<'_>, name: &str, export: &Extern, how: How) -> Closeness {
    let label = match import.name == name {
        true => Label::Same,
        false if export.is_label(name) => Label::Other,
        false => Label::None,
    };
    Closeness {
        other_label: import.external.is_label(import.name) && label != Label::Same,
        is_alias: how == How::Alias,
        label,
        how,
    }
}

/// The exports of a member that have what an import asks for under another name: one of the two is an interface that is
/// written in place, and both have the same last name.
pub(super) fn of_content<'a>(import: Import<'_>, provider: &'a Shape) -> Vec<&'a str> {
    if !matches!(import.external.item, Item::Instance(_)) {
        return Vec::new();
    }
    let is_in_place = |external: &Extern| external.interface.is_none();
    let exports = provider.exports.iter().filter(|(name, export)| {
        is_in_place(export) != is_in_place(import.external)
            && last_name(name, export) == last_name(import.name, import.external)
            && fits(
                (import.types, &import.external.item),
                (&provider.types, &export.item),
            )
            .is_ok()
    });
    exports.map(|(name, _)| name.as_str()).collect()
}

fn last_name<'n>(name: &'n str, external: &'n Extern) -> &'n str {
    match &external.interface {
        Some(interface) => &interface.interface,
        None => name,
    }
}

fn how(import: Import<'_>, name: &str, export: &Extern) -> Option<How> {
    match (&import.external.interface, &export.interface) {
        (Some(a), Some(b)) => how_interfaces(a, b).map(|(how, _)| how),
        (None, None) if import.name == name => Some(How::Exact),
        _ => None,
    }
}

fn how_interfaces(a: &InterfaceName, b: &InterfaceName) -> Option<(How, Option<Relation>)> {
    if a == b {
        Some((How::Exact, None))
    } else if a.compatible(b) {
        Some((How::Compatible, None))
    } else {
        aliases::related(a, b).map(|relation| (How::Alias, Some(relation)))
    }
}

/// The interface of the host that serves `wanted`. The host's types are not known here: for versions of one track and
/// for other spellings of the same interface its word is taken.
pub(super) fn of_host<'a>(
    wanted: &InterfaceName,
    host: &'a [HostInterface],
) -> Option<&'a HostInterface> {
    let package = |interface: &&HostInterface| {
        let path = interface.interface.split_once('/');
        path.is_some_and(|(package, _)| package == wanted.package)
    };
    let on = |interface: &&HostInterface| interface.off.is_none();
    let candidates = host.iter().filter(package).filter(on);
    candidates_for(wanted, candidates)
}

/// The interface of the host that would serve `wanted`, if it were not switched off.
pub(super) fn switched_off<'a>(
    wanted: &InterfaceName,
    host: &'a [HostInterface],
) -> Option<&'a HostInterface> {
    candidates_for(
        wanted,
        host.iter().filter(|interface| interface.off.is_some()),
    )
}

fn candidates_for<'a>(
    wanted: &InterfaceName,
    candidates: impl Iterator<Item = &'a HostInterface>,
) -> Option<&'a HostInterface> {
    let serving = candidates.filter_map(|interface| {
        let name: InterfaceName = interface.name().parse().ok()?;
        match how_interfaces(wanted, &name)? {
            (_, Some(Relation::Draft)) => None,
            (how, _) => Some((how, interface)),
        }
    });
    serving
        .min_by(|(a, x), (b, y)| {
            (a, &x.interface, Reverse(&x.version)).cmp(&(b, &y.interface, Reverse(&y.version)))
        })
        .map(|(_, i)| i)
}
