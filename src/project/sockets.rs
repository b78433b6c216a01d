//! What the sockets of a component may reach, and which ports of the service are open on the machine: the keys
//! `allowedIpNameLookups`, `allowedHostLoopbackPorts`, `allowedSockets` and `dev.service_ports`.

use std::fmt::Display;
use std::str::FromStr;

use wash_runtime::capability::sockets::{Protocol, PublishedPort, Sockets};

use super::table::{Located, Notes, Table};

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
        let defaults = Sockets::default();
        Sockets {
            lookups: parsed(&self.lookups, notes),
            machine: parsed(&self.machine, notes),
            allowed: parsed(&self.allowed, notes),
            section: match self.section.is_empty() {
                true => defaults.section,
                false => self.section.clone(),
            },
            published: defaults.published,
        }
    }

    /// Puts what these resolved to in the place of what was said elsewhere, as far as they say anything.
    pub(super) fn lay_over(&self, below: &mut Sockets, resolved: Sockets) {
        below.section = resolved.section;
        if self.lookups.is_some() {
            below.lookups = resolved.lookups;
        }
        if self.machine.is_some() {
            below.machine = resolved.machine;
        }
        if self.allowed.is_some() {
            below.allowed = resolved.allowed;
        }
    }
}

fn parsed<T>(texts: &Option<Vec<Located<String>>>, notes: &Notes) -> Vec<T>
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
    texts.iter().flatten().filter_map(parse).collect()
}

/// Reads `service_ports`. A port without `publish` is for people to know; it opens nothing.
pub(super) fn service_ports(dev: &mut Table<'_>) -> Vec<PublishedPort> {
    let mut published: Vec<PublishedPort> = Vec::new();
    for mut table in dev.tables("service_ports") {
        let notes = table.notes;
        let (at, key) = (table.at.clone(), table.name().to_string());
        table.skip(&["name"]);
        let port = table.text_or_number("port");
        let protocol = table.text("protocol");
        let publish = table.text_or_number("publish");
        table.finish();
        let protocol = match protocol {
            None => Some(Protocol::Tcp),
            Some(protocol) => {
                let parse = |text: &String| Protocol::from_str(text).map_err(|e| e.to_string());
                protocol.parse(notes, parse).map(|located| located.value)
            }
        };
        let Some(port) = port else {
            notes.problem(&at, format!("`{key}.port` is missing"), None);
            continue;
        };
        let number = |text: Located<String>| {
            let located = text.parse(notes, |text| match text.parse() {
                Ok(0) | Err(_) => Err(format!("expected a port from 1 to 65535, found `{text}`")),
                Ok(port) => Ok(port),
            });
            located.map(|located| located.value)
        };
        let port = number(port);
        let host = publish.map(number);
        let (Some(protocol), Some(port), Some(Some(host))) = (protocol, port, host) else {
            continue;
        };
        let taken = |other: &PublishedPort| (other.protocol, other.host) == (protocol, host);
        if published.iter().any(taken) {
            let message = format!("`{key}.publish`: port {host}/{protocol} is published twice");
            notes.problem(&at, message, None);
        }
        published.push(PublishedPort {
            protocol,
            port,
            host,
        });
    }
    published
}
