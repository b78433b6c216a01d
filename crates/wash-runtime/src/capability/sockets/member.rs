//! What the sockets of one member may do, and the words for what they may not.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use wash_common::sanitize;
use wasmtime_wasi::sockets::ErrorCode;

use super::dns_cache::Learned;
use super::network::{MOST_OUTSIDE, Network};
use super::place;
use super::place::Place;
use crate::capability::plugin;
use crate::capability::plugin::PluginAccess;
use crate::capability::sockets::{
    MACHINE, MachinePort, NamePattern, Protocol, PublishedPort, SocketRule, Sockets, Target,
};
use crate::events::{Events, RequestId};
use crate::workload;

/// What one member was given, kept as long as its workload.
pub(super) struct Member {
    pub(super) name: Arc<str>,
    pub(super) network: Arc<Network>,
    pub(super) sockets: Sockets,
    /// The installed plugin that it is.
    plugin: Option<String>,
    is_service: bool,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Which names led to which addresses.
    learned: Learned,
    /// What was denied and told already.
    told: BTreeSet<String>,
}

/// What was denied is told once for each target, and not more often than this for all.
const MOST_TOLD: usize = 100;

/// A member and on whose behalf it acts. Sockets keep theirs wherever they are passed.
pub(crate) struct Caller {
    pub(super) member: Arc<Member>,
    pub(super) events: Events,
    pub(super) request: Option<RequestId>,
}

impl Member {
    pub(super) fn new(
        workload::Member { name, settings }: &workload::Member,
        network: Arc<Network>,
        is_service: bool,
    ) -> Self {
        let plugin = settings.get::<PluginAccess>().0.as_ref();
        Self {
            name: name.as_str().into(),
            network,
            sockets: settings.get::<Sockets>().clone(),
            plugin: plugin.map(|plugin| plugin.name.clone()),
            is_service,
            memory: Mutex::default(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_service(&self) -> bool {
        self.is_service
    }

    /// The ports that are to be open on the machine.
    pub(super) fn published(&self) -> &[PublishedPort] {
        match self.is_service {
            true => &self.sockets.published,
            false => &[],
        }
    }

    /// A name that a rule speaks of may be looked up as well: it would be of no use otherwise.
    fn may_look_up(&self, name: &str) -> bool {
        let Sockets {
            lookups,
            machine,
            allowed,
            ..
        } = &self.sockets;
        let in_rule = |rule: &SocketRule| match &rule.target {
            Target::Name(NamePattern::Any) | Target::Network { .. } => false,
            Target::Name(pattern) => pattern.fits(name),
        };
        lookups.iter().any(|pattern| pattern.fits(name))
            || allowed.iter().any(in_rule)
            || (!machine.is_empty() && NamePattern::Exact(MACHINE.into()).fits(name))
    }

    fn may_reach(&self, protocol: Protocol, to: SocketAddr) -> bool {
        match Place::of(to.ip()) {
            Place::Workload => true,
            Place::Machine => {
                let mut ports = self.sockets.machine.iter();
                ports.any(|port| port.fits(protocol, to.port()))
            }
            Place::Outside => {
                let memory = self.memory();
                let mut rules = self.sockets.allowed.iter();
                rules.any(|rule| {
                    let names = memory.learned.names(to.ip());
                    rule.fits(protocol, to.ip(), to.port(), names)
                })
            }
        }
    }

    /// The line that would allow it.
    fn remedy(&self, protocol: Protocol, to: SocketAddr) -> String {
        let section = &self.sockets.section;
        let on_machine = Place::of(to.ip()) == Place::Machine;
        let port = to.port();
        let target = match self.memory().learned.names(to.ip()).next() {
            Some(name) => format!("{}:{port}", sanitize::guest_line(name)),
            None => to.to_string(),
        };
        match &self.plugin {
            Some(plugin) if on_machine => plugin::allow_host(plugin, &format!("localhost:{port}")),
            Some(plugin) => plugin::allow_host(plugin, &target),
            None if on_machine => {
                let protocol = Some(protocol);
                let port = MachinePort { port, protocol };
                in_config(&format!("{section}.allowedHostLoopbackPorts: [\"{port}\"]"))
            }
            None => in_config(&format!(
                "{section}.allowedSockets: [\"{target}/{protocol}\"]"
            )),
        }
    }
}

impl Caller {
    pub(super) fn look_up(&self, name: &str) -> Result<(), ErrorCode> {
        let member = &self.member;
        let built_in =
            place::built_in(name).is_some() && !NamePattern::Exact(MACHINE.into()).fits(name);
        if built_in || member.may_look_up(name) {
            return Ok(());
        }
        let section = &member.sockets.section;
        let name = sanitize::guest_line(name);
        let on_machine = NamePattern::Exact(MACHINE.into()).fits(&name);
        let remedy = match &member.plugin {
            Some(plugin) if on_machine => plugin::allow_host(plugin, "localhost:PORT"),
            Some(plugin) => plugin::allow_host(plugin, &name),
            None if on_machine => in_config(&format!("{section}.allowedHostLoopbackPorts: [PORT]")),
            None => in_config(&format!("{section}.allowedIpNameLookups: [\"{name}\"]")),
        };
        self.tell(&format!("lookup of `{name}` denied"), &remedy);
        Err(ErrorCode::AccessDenied)
    }

    pub(super) fn learn(&self, name: &str, addresses: &[IpAddr]) {
        self.member.memory().learned.learn(name, addresses);
    }

    pub(super) fn reach(&self, protocol: Protocol, to: SocketAddr) -> Result<(), ErrorCode> {
        if self.member.may_reach(protocol, to) {
            return Ok(());
        }
        let shown = match Place::of(to.ip()) {
            Place::Machine => format!("{MACHINE}:{}", to.port()),
            _ => to.to_string(),
        };
        let remedy = self.member.remedy(protocol, to);
        self.tell(
            &format!("`{shown}` over {} denied", name_of(protocol)),
            &remedy,
        );
        Err(ErrorCode::AccessDenied)
    }

    /// The right to one more connection that leaves the workload.
    pub(super) fn outside(&self) -> Result<OwnedSemaphorePermit, ErrorCode> {
        let permit = self.member.network.permit();
        permit.ok_or_else(|| {
            self.tell(
                &format!("a connection denied: the workload already has {MOST_OUTSIDE} open"),
                "close those that are not needed any more",
            );
            ErrorCode::OutOfMemory
        })
    }

    /// Whether datagrams that come from an address are let in; that is no news to anybody.
    pub(super) fn hears(&self, from: SocketAddr) -> bool {
        self.member.may_reach(Protocol::Udp, from)
    }

    /// Anybody may have a port for what comes back; to choose one is to offer something there.
    pub(super) fn bind(&self, protocol: Protocol, address: SocketAddr) -> Result<(), ErrorCode> {
        if Place::of(address.ip()) != Place::Workload {
            self.tell(
                &format!("binding to `{address}` denied"),
                "bind to `127.0.0.1` or `0.0.0.0`, which are the workload's own; `dev.service_ports` opens a port of \
                 the service on the machine",
            );
            return Err(ErrorCode::AccessDenied);
        }
        match address.port() {
            0 => Ok(()),
            _ => self.offer(protocol, address),
        }
    }

    /// Only the service may offer something.
    pub(super) fn offer(&self, protocol: Protocol, address: SocketAddr) -> Result<(), ErrorCode> {
        let member = &self.member;
        if member.is_service {
            return Ok(());
        }
        let why = match member.network.service() {
            Some(service) => {
                format!("only the service of a workload may, which here is `{service}`")
            }
            None => "only the service of a workload may, and this one has none".to_owned(),
        };
        self.tell(
            &format!(
                "listening on `{address}` over {} denied: {why}",
                name_of(protocol)
            ),
            "`dev.service: true` makes the project's own component the service",
        );
        Err(ErrorCode::AccessDenied)
    }

    /// Says, once for each address, that a service does not listen where somebody connects.
    pub(super) fn missed(&self, to: SocketAddr) {
        let network = &self.member.network;
        if let Some(plugin) = &self.member.plugin {
            let allow = plugin::allow_host(plugin, &format!("localhost:{}", to.port()));
            let hint = format!("a port of this machine is at `{MACHINE}`; {allow}");
            return self.tell(&format!("`{to}` refused: nothing listens there"), &hint);
        }
        let Some(service) = network.service() else {
            let none = "this workload has no service that could listen listen";
            return self.tell(&format!("`{to}` refused: nothing listens there"), none);
        };
        let ports: Vec<String> = network.listeners().iter().map(u16::to_string).collect();
        let found = match ports.is_empty() {
            true => format!("the service `{service}` does not listen at all"),
            false => format!("the service `{service}` listens on {}", ports.join(", ")),
        };
        self.tell(&format!("`{to}` refused: nothing listens there"), &found);
    }

    fn tell(&self, what: &str, hint: &str) {
        {
            let mut memory = self.member.memory();
            if memory.told.len() >= MOST_TOLD || !memory.told.insert(what.to_owned()) {
                return;
            }
        }
        let text = format!("{what}\nhint: {hint}");
        self.events.member(&self.member.name, self.request, &text);
    }
}

fn in_config(line: &str) -> String {
    format!("allow it in `.wash/config.yaml`: `{line}`")
}

fn name_of(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    }
}

#[cfg(test)]
mod tests {
    use crate::events::Recorder;

    use super::*;

    fn caller(sockets: Sockets, service: Option<&str>) -> (Caller, Recorder) {
        let (events, captured) = Recorder::new();
        let network = Arc::new(Network::new(service));
        let member = workload::Member {
            name: "front".to_owned(),
            settings: workload::MemberSettings::default().with(sockets),
        };
        let member = Member::new(&member, network, service == Some("front"));
        let caller = Caller {
            member: Arc::new(member),
            events,
            request: Some(RequestId(3)),
        };
        (caller, captured)
    }

    fn sockets(lookups: &[&str], machine: &[&str], allowed: &[&str]) -> Sockets {
        Sockets {
            lookups: lookups.iter().map(|text| text.parse().unwrap()).collect(),
            machine: machine.iter().map(|text| text.parse().unwrap()).collect(),
            allowed: allowed.iter().map(|text| text.parse().unwrap()).collect(),
            ..Sockets::default()
        }
    }

    fn reaches(caller: &Caller, to: &str) -> bool {
        caller.reach(Protocol::Tcp, to.parse().unwrap()).is_ok()
    }

    #[test]
    fn without_rules_there_is_only_the_own_network() {
        let (caller, captured) = caller(Sockets::default(), None);
        assert!(reaches(&caller, "127.0.0.1:80") && reaches(&caller, "[::1]:80"));
        assert!(!reaches(&caller, "203.0.113.1:80") && !reaches(&caller, "192.0.0.8:80"));
        assert!(caller.look_up("localhost").is_ok());
        assert!(caller.look_up("example.com").is_err() && caller.look_up(MACHINE).is_err());
        let text = captured.text();
        for line in [
            "front #3: `203.0.113.1:80` over TCP denied",
            "hint: allow it in `.wash/config.yaml`: `workload.allowedSockets: [\"203.0.113.1:80/tcp\"]`",
            "hint: allow it in `.wash/config.yaml`: `workload.allowedHostLoopbackPorts: [\"80/tcp\"]`",
            "front #3: lookup of `example.com` denied",
            "hint: allow it in `.wash/config.yaml`: `workload.allowedIpNameLookups: [\"example.com\"]`",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn what_is_denied_is_told_once_for_each_target() {
        let (caller, captured) = caller(Sockets::default(), None);
        for _ in 0..3 {
            assert!(!reaches(&caller, "203.0.113.1:80"));
        }
        assert!(!reaches(&caller, "203.0.113.1:81"));
        assert_eq!(captured.text().matches("denied").count(), 2);
    }

    #[test]
    fn the_line_that_allows_it_names_the_section_and_the_name() {
        let sockets = Sockets {
            section: "dev.components[1]".into(),
            ..sockets(&["*"], &[], &[])
        };
        let (caller, captured) = caller(sockets, None);
        caller.learn("db.example.com", &["203.0.113.1".parse().unwrap()]);
        assert!(!reaches(&caller, "203.0.113.1:5432"));
        let line = "`dev.components[1].allowedSockets: [\"db.example.com:5432/tcp\"]`";
        assert!(captured.text().contains(line), "{}", captured.text());
    }

    #[test]
    fn the_line_that_allows_a_plugin_more_is_for_a_shell() {
        let (mut caller, captured) = caller(Sockets::default(), None);
        Arc::get_mut(&mut caller.member).unwrap().plugin = Some("my".to_owned());
        assert!(!reaches(&caller, "[2001:db8::1]:80") && !reaches(&caller, "192.0.0.8:80"));
        assert!(caller.look_up("$(x).example").is_err());
        let text = captured.text();
        for host in ["'[2001:db8::1]:80'", "localhost:80", "'$(x).example'"] {
            let line = format!("hint: allow it with `wash plugin allow my --host {host}`");
            assert!(text.contains(&line), "{line}: {text}");
        }
    }

    #[test]
    fn the_line_that_is_told_is_enough() {
        for to in ["203.0.113.1:80", "[2001:db8::1]:80"] {
            let (denied, captured) = caller(Sockets::default(), None);
            assert!(!reaches(&denied, to));
            let text = captured.text();
            let rule = text.split('"').nth(1).unwrap();
            let (allowed, _) = caller(sockets(&[], &[], &[rule]), None);
            assert!(reaches(&allowed, to), "{rule}");
        }
    }

    #[test]
    fn an_address_counts_as_the_name_it_was_found_under() {
        let (caller, _) = caller(sockets(&[], &[], &["db.example.com:5432/tcp"]), None);
        assert!(caller.look_up("db.example.com").is_ok());
        assert!(!reaches(&caller, "203.0.113.1:5432"));
        caller.learn("db.example.com", &["203.0.113.1".parse().unwrap()]);
        assert!(reaches(&caller, "203.0.113.1:5432"));
        assert!(!reaches(&caller, "203.0.113.1:5433"));
        assert!(!reaches(&caller, "203.0.113.2:5432"));
    }

    #[test]
    fn to_look_up_is_not_to_reach() {
        let (caller, _) = caller(sockets(&["*"], &[], &["10.0.0.0/8"]), None);
        assert!(caller.look_up("db.example.com").is_ok());
        caller.learn("db.example.com", &["203.0.113.1".parse().unwrap()]);
        assert!(!reaches(&caller, "203.0.113.1:5432"));
        assert!(reaches(&caller, "10.1.2.3:5432"));
    }

    #[test]
    fn a_rule_for_all_addresses_is_neither_for_names_nor_for_the_machine() {
        let (caller, _) = caller(sockets(&[], &[], &["*", "0.0.0.0/0"]), None);
        assert!(reaches(&caller, "203.0.113.1:80"));
        assert!(caller.look_up("example.com").is_err());
        assert!(!reaches(&caller, "192.0.0.8:80"));
    }

    #[test]
    fn ports_of_the_machine() {
        let (caller, _) = caller(sockets(&[], &["5432/tcp"], &[]), None);
        assert!(caller.look_up(MACHINE).is_ok());
        assert!(reaches(&caller, "192.0.0.8:5432"));
        assert!(!reaches(&caller, "192.0.0.8:5433"));
        assert!(
            caller
                .reach(Protocol::Udp, "192.0.0.8:5432".parse().unwrap())
                .is_err()
        );
    }

    #[test]
    fn only_the_service_offers_something() {
        let bind = |caller: &Caller, address: &str| {
            let address = address.parse().unwrap();
            caller.bind(Protocol::Tcp, address).is_ok()
        };
        let (service, _) = caller(Sockets::default(), Some("front"));
        assert!(bind(&service, "127.0.0.1:80") && bind(&service, "[::]:80"));
        assert!(!bind(&service, "192.0.2.1:80"));
        let (other, captured) = caller(Sockets::default(), Some("echo"));
        assert!(bind(&other, "0.0.0.0:0") && !bind(&other, "127.0.0.1:80"));
        let text = captured.text();
        assert!(text.contains("which here is `echo`"), "{text}");
    }
}
