//! wasi:sockets: a private network for each workload, and beyond it what each member was allowed.
//!
//! Within the workload (`network`) the service listens and everybody connects; it is memory only. What leaves the
//! workload (`real`) needs a rule of the member that does it (`member`). The sockets themselves (`tcp`, `udp`)
//! know neither version of WASI; `p2` and `p3` show them as each has them. A published port of the service
//! (`publish`) is the only way in from outside.

mod dns_cache;
mod handle;
mod inbox;
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
mod settings;
mod stream;
mod tcp;
mod udp;

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::sockets::{WasiSocketsCtx, WasiSocketsCtxView};

use super::per_member::member_view;
use super::{
    Capability, Extensions, Interface, InterfaceDeclaration, Preview, SettingsError, SetupContext,
    per_member, shared,
};
use crate::capability::Model;
use crate::instance::{Call, MemberParts, MemberSetup, Parts, State};
use crate::workload::{Drive, Entry};

use member::Caller;
use member::Member;
use network::Network;
use place::Family;
use publish::{Lease, Publisher};
use tcp::TcpSocket;
use wash_component::host_interface::Tier;

pub use settings::{
    MACHINE, MachinePort, NamePattern, Ports, Protocol, PublishedPort, SocketRule, Sockets, Target,
};

#[derive(Default)]
pub(crate) struct SocketsCapability {
    publisher: Publisher,
}

const P2: &str = "0.2.12";
const P3: &str = "0.3.0";

const INTERFACES: &[InterfaceDeclaration] = &[
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
struct View<'a> {
    caller: &'a Arc<Caller>,
    table: &'a mut ResourceTable,
}

/// A member's own interfaces.
struct OfMember;

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

impl Capability for SocketsCapability {
    fn name(&self) -> &'static str {
        "sockets"
    }

    fn tier(&self) -> Tier {
        Tier::Wasi
    }

    fn interfaces(&self) -> &'static [InterfaceDeclaration] {
        INTERFACES
    }

    fn set_up(
        &self,
        context: &SetupContext<'_>,
        kept: &mut Extensions,
    ) -> std::result::Result<(), SettingsError> {
        let SetupContext {
            workload,
            entry,
            member,
            ..
        } = context;
        let is_service = |entry: &Entry| matches!(entry.drive, Drive::Service { .. });
        let service = workload.entries.iter().find(|entry| is_service(entry));
        let service = service.map(|entry| entry.name.as_str());
        let network = context.shared(|| Network::new(service));
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

/// wasi:sockets for what makes no socket.
fn empty(state: &mut State) -> WasiSocketsCtxView<'_> {
    let Parts { table, locals, .. } = state.parts();
    let context = locals.get_or_insert_with(WasiSocketsCtx::default);
    WasiSocketsCtxView {
        ctx: context,
        table,
    }
}

member_view!(fn of_member, view_of, View);

fn view_of(state: &mut State, member: usize) -> View<'_> {
    let MemberParts {
        table,
        locals,
        setup,
        call,
        ..
    } = state.member_parts(member);
    let caller = locals.get_or_insert_with(|| caller(setup, call));
    View { caller, table }
}

/// On whose behalf the sockets of an instance act.
fn caller(setup: &MemberSetup, call: &Call) -> Arc<Caller> {
    let kit = setup.extensions.get::<Kit>();
    let kit = kit.expect("what a member was granted was set up for it");
    Arc::new(Caller {
        member: Arc::clone(&kit.member),
        events: call.events.clone(),
        request: call.request,
    })
}
