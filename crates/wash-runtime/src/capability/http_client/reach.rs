//! Addresses that only an entry of their own allows: those of this machine and of its link.
//!
//! `*` stands for hosts on a network. It does not stand for the loopback of the machine, whose servers trust whoever gets
//! there, nor for link-local addresses, where clouds hand out credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// How far the connections of a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Reach {
    /// To the addresses of hosts on a network.
    Network,
    /// To the addresses of this machine and its link as well: the host has an entry of its own.
    Anywhere,
}

impl Reach {
    pub(super) fn covers(self, address: IpAddr) -> bool {
        self == Self::Anywhere || !is_local(address)
    }
}

/// Loopback, link-local, unspecified, multicast and broadcast addresses, in every spelling of IPv6 for those of IPv4.
pub(super) fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_local_v4(address),
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unicast_link_local()
                || address.is_multicast()
                || address == METADATA_V6
                || embedded(address).is_some_and(is_local_v4)
        }
    }
}

/// Where a cloud hands out credentials over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn is_local_v4(address: Ipv4Addr) -> bool {
    // All of 0.0.0.0/8 is this host.
    address.octets()[0] == 0
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64 or 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let two = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(two(high, low))
        }
        [0x2002, high, low, ..] => Some(two(high, low)),
        _ => None,
    }
}

/// The address that a host is spelled as, if it is one.
pub(super) fn literal(target: &Uri) -> Option<IpAddr> {
    let host = target.host()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_in_every_spelling() {
        for address in [
            "127.0.0.1",
            "127.255.0.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
        ] {
            assert!(is_local(address.parse().unwrap()), "{address}");
        }
        for address in [
            "10.0.0.1",
            "192.168.1.1",
            "8.8.8.8",
            "2606:4700::1",
            "fd12::1",
        ] {
            assert!(!is_local(address.parse().unwrap()), "{address}");
        }
    }
}
