//! wasi:sockets 0.2: what is started is finished by a second call, and waiting is done with pollables.
//!
//! Sockets are made by each member for itself, and keep that member's permissions when they are passed on. What can be
//! done with a socket is shared by all.

mod names;
mod network;
mod streams;
mod tcp;
mod udp;

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::sockets;
use wasmtime_wasi::p2::bindings::sockets::network::IpAddressFamily;
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{self, SocketResult};
use wasmtime_wasi::sockets::WasiSockets;

use super::handle::cast;
use super::place::Family;
use super::udp::UdpSocket;
use super::{OfMember, View};
use crate::instance::State;

/// What can be done with sockets, whoever made them.
pub(crate) struct Shared;

pub(crate) struct Table<'a>(pub(crate) &'a mut ResourceTable);

impl HasData for Shared {
    type Data<'a> = Table<'a>;
}

pub(super) fn share(linker: &mut Linker<State>) -> Result<()> {
    let mut options = sockets::network::LinkOptions::default();
    // One of the packages that come with `wash` has it without a feature.
    options.network_error_code(true);
    sockets::network::add_to_linker::<_, Shared>(linker, &options, |state| Table(state.table()))?;
    sockets::tcp::add_to_linker::<_, Shared>(linker, |state| Table(state.table()))?;
    sockets::udp::add_to_linker::<_, Shared>(linker, |state| Table(state.table()))
}

pub(super) fn grant(
    linker: &mut Linker<State>,
    import: &str,
    interface: &str,
    member: usize,
) -> Result<bool> {
    let view = super::of_member(member);
    match interface {
        "wasi:sockets/instance-network" => {
            sockets::instance_network::add_to_linker_instance::<State, WasiSockets>(
                &mut linker.instance(import)?,
                super::empty,
            )?;
        }
        "wasi:sockets/tcp-create-socket" => {
            tcp_create_socket::add_to_linker_instance::<State, OfMember>(
                &mut linker.instance(import)?,
                view,
            )?;
        }
        "wasi:sockets/udp-create-socket" => {
            udp_create_socket::add_to_linker_instance::<State, OfMember>(
                &mut linker.instance(import)?,
                view,
            )?;
        }
        "wasi:sockets/ip-name-lookup" => {
            sockets::ip_name_lookup::add_to_linker_instance::<State, OfMember>(
                &mut linker.instance(import)?,
                view,
            )?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

impl tcp_create_socket::Host for View<'_> {
    fn create_tcp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> SocketResult<Resource<p2::TcpSocket>> {
        let socket = tcp::Socket::new(self.tcp(family.into()));
        Ok(cast(self.table.push(socket)?))
    }
}

impl udp_create_socket::Host for View<'_> {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> SocketResult<Resource<p2::UdpSocket>> {
        let socket = udp::Socket::new(UdpSocket::new(self.caller(), family.into()));
        Ok(cast(self.table.push(socket)?))
    }
}

impl From<IpAddressFamily> for Family {
    fn from(family: IpAddressFamily) -> Self {
        match family {
            IpAddressFamily::Ipv4 => Self::V4,
            IpAddressFamily::Ipv6 => Self::V6,
        }
    }
}

impl From<Family> for IpAddressFamily {
    fn from(family: Family) -> Self {
        match family {
            Family::V4 => Self::Ipv4,
            Family::V6 => Self::Ipv6,
        }
    }
}
