//! wasi:sockets: a private network for each workload, and beyond it what each member was allowed.
//!
//! Within the workload ([`network`]) the service listens and everybody connects; it is memory only. What leaves the
//! workload ([`real`]) needs a rule of the member that does it ([`member`]). The sockets themselves ([`tcp`], [`udp`])
//! know neither version of WASI; [`p2`] and [`p3`] show them as each has them. A published port of the service
//! ([`publish`]) is the only way in from outside.

mod handle;
mod inbox;
mod learned;
mod member;
mod names;
mod network;
mod options;
mod p2;
mod p3;
mod place;
mod ports;
mod publish;
mod real;
mod stream;
mod tcp;
mod udp;

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, ResourceTable};

use crate::engine::Model;
use crate::engine::state::{Call, MemberSetup, State};
use crate::host::workload::{Drive, Entry};
use crate::linker::Tier;

use super::{Capability, Fault, ForWhom, Interface, Kept, Preview, Row, per_member, shared};

pub(crate) use member::Caller;
use member::Member;
use network::Network;
use place::Family;
use publish::{Lease, Publisher};
use tcp::TcpSocket;

#[derive(Default)]
pub(crate) struct Sockets {
    publisher: Publisher,
}

const P2: &str = "0.2.12";
const P3: &str = "0.3.0";

const INTERFACES: &[Row] = &[
    shared("wasi:sockets/network", P2),
    shared("wasi:sockets/tcp", P2),
    shared("wasi:sockets/udp", P2),
    per_member("wasi:sockets/instance-network", P2),
    per_member("wasi:sockets/tcp-create-socket", P2),
    per_member("wasi:sockets/udp-create-socket", P2),
    per_member("wasi:sockets/ip-name-lookup", P2),
    per_member("wasi:sockets/types", P3),
    per_member("wasi:sockets/ip-name-lookup", P3),
];

/// What a member makes sockets with.
pub(crate) struct View<'a> {
    pub(crate) caller: &'a Arc<Caller>,
    pub(crate) table: &'a mut ResourceTable,
}

/// A member's own interfaces.
pub(crate) struct OfMember;

impl HasData for OfMember {
    type Data<'a> = View<'a>;
}

impl View<'_> {
    fn caller(&self) -> Arc<Caller> {
        Arc::clone(self.caller)
    }

    fn tcp(&self, family: Family) -> TcpSocket {
        TcpSocket::new(self.caller(), family)
    }
}

/// What is kept for a member: its permissions, and the ports that are open for it.
struct Kit {
    member: Arc<Member>,
    _published: Vec<Lease>,
}

impl Capability for Sockets {
    fn name(&self) -> &'static str {
        "sockets"
    }

    fn tier(&self) -> Tier {
        Tier::Wasi
    }

    fn interfaces(&self) -> &'static [Row] {
        INTERFACES
    }

    fn set_up(&self, for_whom: &ForWhom<'_>, kept: &mut Kept) -> std::result::Result<(), Fault> {
        let ForWhom {
            workload,
            entry,
            member,
            ..
        } = for_whom;
        let is_service = |entry: &Entry| matches!(entry.drive, Drive::Service { .. });
        let service = workload.entries.iter().find(|entry| is_service(entry));
        let service = service.map(|entry| entry.name.as_str());
        let network = for_whom.shared(|| Network::new(service));
        // In the entry of the service that is; the same component in another entry is one like any other.
        let serves = is_service(entry) && member.name == entry.name;
        let member = Member::new(member, network, serves);
        let published = member.published().iter();
        let published = published
            .map(|port| self.publisher.open(port, &workload.name, &member.network))
            .collect::<std::result::Result<_, _>>()?;
        kept.insert(Kit {
            member: Arc::new(member),
            _published: published,
        });
        Ok(())
    }

    fn share(&self, linker: &mut Linker<State>, _model: Model) -> Result<()> {
        p2::share(linker)
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool> {
        if !interface.name.starts_with("wasi:sockets/") {
            return Ok(false);
        }
        match interface.preview() {
            Some(Preview::P2) => p2::grant(linker, import, interface.name, member),
            Some(Preview::P3) => p3::grant(linker, import, interface.name, member),
            None => Ok(false),
        }
    }
}

/// On whose behalf the sockets of an instance act.
pub(crate) fn caller(setup: &MemberSetup, call: &Call) -> Arc<Caller> {
    let kit = setup.kept.get::<Kit>();
    let kit = kit.expect("what a member was granted was set up for it");
    Arc::new(Caller {
        member: Arc::clone(&kit.member),
        console: call.console.clone(),
        request: call.request,
    })
}
