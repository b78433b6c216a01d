//! Which export of a member, or which interface of the host, could provide an import.

use std::cmp::Reverse;

use super::aliases::{self, Relation};
use super::fit::fits;
use super::{Difference, HostInterface};
use crate::component::{Extern, InterfaceName, Shape, Types};

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

/// An export that has the right name.
pub(super) struct Candidate<'a> {
    pub(super) export: &'a str,
    pub(super) how: How,
    /// Whether it has the right type as well.
    pub(super) fit: Result<(), Difference>,
}

/// The export of `provider` that comes closest to `import` among those with the right name.
pub(super) fn of_member<'a>(import: Import<'_>, provider: &'a Shape) -> Option<Candidate<'a>> {
    let exports = provider.exports.iter();
    best(
        import,
        &provider.types,
        exports.map(|(name, export)| (name.as_str(), export)),
    )
}

/// The closest of some exports of a member, which speak in `types`.
pub(super) fn best<'a>(
    import: Import<'_>,
    types: &Types,
    exports: impl Iterator<Item = (&'a str, &'a Extern)>,
) -> Option<Candidate<'a>> {
    let named =
        exports.filter_map(|(name, export)| Some((name, export, how(import, name, export)?)));
    let fitted = named.map(|(name, export, how)| {
        let fit = fits((import.types, &import.external.item), (types, &export.item)).map(|_| ());
        let version = export.interface.as_ref().and_then(|i| i.version.clone());
        (
            Candidate {
                export: name,
                how,
                fit,
            },
            version,
        )
    });
    fitted
        .min_by(|(a, va), (b, vb)| {
            (a.fit.is_err(), a.how, Reverse(va), a.export).cmp(&(
                b.fit.is_err(),
                b.how,
                Reverse(vb),
                b.export,
            ))
        })
        .map(|(candidate, _)| candidate)
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

impl HostInterface {
    /// The interface's name with the version, as the host serves it.
    pub fn name(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.interface),
            None => self.interface.clone(),
        }
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
