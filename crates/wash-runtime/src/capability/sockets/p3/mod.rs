//! wasi:sockets 0.3: functions that take as long as they take, streams and futures.
//!
//! The interface that defines the sockets also makes them, so each member imports its own. The sockets are of one type
//! all the same: each acts for the member that made it, whoever holds it.

mod streams;
mod tcp;
mod udp;

use std::net::IpAddr;
use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{Accessor, Linker};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup::{self, ErrorCode as NameError};
use wasmtime_wasi::p3::bindings::sockets::types::{self, ErrorCode, IpAddress, IpAddressFamily};
use wasmtime_wasi::p3::sockets::SocketError;

use super::names::{LookupError, resolve};
use super::place::Family;
use super::{OfMember, View};
use crate::instance::State;

pub(super) fn grant(
    linker: &mut Linker<State>,
    import: &str,
    interface: &str,
    member: usize,
) -> Result<bool> {
    let view = super::of_member(member);
    let mut instance = linker.instance(import)?;
    match interface {
        "wasi:sockets/types" => {
            types::add_to_linker_instance::<State, OfMember>(&mut instance, view)?;
        }
        "wasi:sockets/ip-name-lookup" => {
            ip_name_lookup::add_to_linker_instance::<State, OfMember>(&mut instance, view)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

impl types::Host for View<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> Result<ErrorCode> {
        error.downcast()
    }
}

impl ip_name_lookup::Host for View<'_> {}

impl<T> ip_name_lookup::HostWithStore<T> for OfMember {
    async fn resolve_addresses(
        store: &Accessor<T, Self>,
        name: String,
    ) -> Result<Result<Vec<IpAddress>, NameError>> {
        let caller = store.with(|mut store| Arc::clone(store.get().caller));
        let found = resolve(&caller, &name).await;
        let addresses = |found: Vec<IpAddr>| found.into_iter().map(IpAddress::from).collect();
        Ok(found.map(addresses).map_err(NameError::from))
    }
}

impl From<LookupError> for NameError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Denied => Self::PermanentResolverFailure,
            LookupError::NotAName => Self::InvalidArgument,
            LookupError::Unknown => Self::NameUnresolvable,
        }
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
