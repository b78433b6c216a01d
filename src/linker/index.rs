//! The exports of all members, by what an import may ask for.
//!
//! An import is compared only with exports of its own name, in any version and spelling. Comparing each with all would cost
//! the square of the number of members.

use std::collections::HashMap;

use wash_component::Extern;

use super::candidates::Import;
use super::{Member, aliases};

pub(super) struct Index<'a> {
    /// In the order of the members.
    by_name: HashMap<Name<'a>, Vec<Export<'a>>>,
}

/// What an export and the imports that it may answer have in common.
#[derive(PartialEq, Eq, Hash)]
enum Name<'a> {
    /// Package and interface, as the table of aliases has them.
    Interface(&'a str, &'a str),
    Plain(&'a str),
}

#[derive(Clone, Copy)]
pub(super) struct Export<'a> {
    member: usize,
    pub(super) name: &'a str,
    pub(super) external: &'a Extern,
}

impl<'a> Index<'a> {
    pub(super) fn of(members: &[&'a Member]) -> Self {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for (index, member) in members.iter().enumerate() {
            for (name, external) in &member.shape.exports {
                let exports = by_name.entry(Name::of(name, external)).or_default();
                exports.push(Export {
                    member: index,
                    name,
                    external,
                });
            }
        }
        Self { by_name }
    }

    /// The members that may have what an import asks for, and the exports of each that may be it.
    pub(super) fn asked_by<'s>(
        &'s self,
        import: Import<'a>,
    ) -> impl Iterator<Item = (usize, &'s [Export<'a>])> + use<'s, 'a> {
        let name = Name::of(import.name, import.external);
        let exports = self.by_name.get(&name).map_or(&[][..], Vec::as_slice);
        exports
            .chunk_by(|a, b| a.member == b.member)
            .map(|exports| (exports[0].member, exports))
    }
}

impl<'a> Name<'a> {
    fn of(name: &'a str, external: &'a Extern) -> Self {
        match &external.interface {
            Some(interface) => {
                let (package, interface) = aliases::spelling(interface);
                Name::Interface(package, interface)
            }
            None => Name::Plain(name),
        }
    }
}
