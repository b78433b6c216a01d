//! What the sockets of a component may reach: the keys `allowedIpNameLookups`, `allowedHostLoopbackPorts` and
//! `allowedSockets`.

use std::fmt::Display;
use std::str::FromStr;

use super::table::{Located, Notes, Table};
use crate::host::sockets::Sockets;

/// The keys of `workload` and of each of `dev.components`.
#[derive(Debug, Default)]
pub(super) struct RawSockets {
    /// The section they are in, such as `dev.components[0]`.
    section: String,
    lookups: Option<Vec<Located<String>>>,
    machine: Option<Vec<Located<String>>>,
    allowed: Option<Vec<Located<String>>>,
}

impl RawSockets {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        Self {
            section: table.name().to_string(),
            lookups: table.scalars("allowedIpNameLookups"),
            machine: table.scalars("allowedHostLoopbackPorts"),
            allowed: table.scalars("allowedSockets"),
        }
    }

    pub(super) fn resolve(&self, notes: &Notes) -> Sockets {
        let mut sockets = Sockets::default();
        self.apply(&mut sockets, notes);
        sockets
    }

    /// Puts what is said here in the place of what was said before.
    pub(super) fn apply(&self, sockets: &mut Sockets, notes: &Notes) {
        if !self.section.is_empty() {
            sockets.section.clone_from(&self.section);
        }
        if let Some(lookups) = &self.lookups {
            sockets.lookups = parsed(lookups, notes);
        }
        if let Some(machine) = &self.machine {
            sockets.machine = parsed(machine, notes);
        }
        if let Some(allowed) = &self.allowed {
            sockets.allowed = parsed(allowed, notes);
        }
    }
}

fn parsed<T>(texts: &[Located<String>], notes: &Notes) -> Vec<T>
where
    T: FromStr,
    T::Err: Display,
{
    let parse = |text: &Located<String>| {
        let text = text.clone();
        let value = text.parse(notes, |text| {
            text.parse().map_err(|error: T::Err| error.to_string())
        });
        value.map(|located| located.value)
    };
    texts.iter().filter_map(parse).collect()
}
