//! Looks names up, if the member may.

use std::net::IpAddr;

use wasmtime_wasi::sockets::ErrorCode as SocketError;

use super::member::Caller;
use super::place;

/// Why a name led nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookupError {
    Denied,
    NotAName,
    Unknown,
}

/// The addresses of a name; an address is the name of itself.
pub(super) async fn resolve(caller: &Caller, name: &str) -> Result<Vec<IpAddr>, LookupError> {
    let (name, literal) = match url::Host::parse(name) {
        Ok(url::Host::Domain(domain)) => (domain, None),
        Ok(url::Host::Ipv4(address)) => (address.to_string(), Some(address.into())),
        Ok(url::Host::Ipv6(address)) => (address.to_string(), Some(address.into())),
        // Without brackets it is none to the parser.
        Err(_) => match name.parse::<IpAddr>() {
            Ok(address) => (address.to_string(), Some(address)),
            Err(_) => return Err(LookupError::NotAName),
        },
    };
    let denied = |_: SocketError| LookupError::Denied;
    if let Some(address) = literal {
        // To know an address is to have it.
        return Ok(vec![address]);
    }
    caller.look_up(&name).map_err(denied)?;
    if let Some(addresses) = place::built_in(&name) {
        return Ok(addresses);
    }
    let found = tokio::net::lookup_host((name.as_str(), 0)).await;
    let found = found.map_err(|_| LookupError::Unknown)?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|found| found.ip().to_canonical()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    caller.learn(&name, &addresses);
    Ok(addresses)
}
