//! Where an address is: in the workload's own network, on the machine, or outside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::capability::sockets::MACHINE;

/// What the guest sees as the address of the machine's loopback. It is reserved (RFC 7600) and never routed.
pub(super) const MACHINE_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The workload's own network.
    Workload,
    /// The machine's loopback.
    Machine,
    Outside,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Family {
    V4,
    V6,
}

impl Place {
    /// Every loopback address is the workload's own, so that no address of the machine's loopback is left.
    pub(super) fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if address.is_loopback() || address.is_unspecified() {
            Self::Workload
        } else if address == MACHINE_ADDRESS {
            Self::Machine
        } else {
            Self::Outside
        }
    }
}

impl Family {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }

    pub(super) fn loopback(self, port: u16) -> SocketAddr {
        match self {
            Self::V4 => (Ipv4Addr::LOCALHOST, port).into(),
            Self::V6 => (Ipv6Addr::LOCALHOST, port).into(),
        }
    }

    pub(super) fn unspecified(self) -> SocketAddr {
        match self {
            Self::V4 => (Ipv4Addr::UNSPECIFIED, 0).into(),
            Self::V6 => (Ipv6Addr::UNSPECIFIED, 0).into(),
        }
    }

    /// Whether a socket of the family can have or reach the address. Of IPv6 neither those that stand for IPv4 addresses.
    pub(super) fn has(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4, IpAddr::V4(_)) => true,
            (Self::V6, IpAddr::V6(address)) => {
                let compatible = matches!(address.segments(), [0, 0, 0, 0, 0, 0, high, low]
                    if (high, low) != (0, 0) && (high, low) != (0, 1));
                !compatible && address.to_ipv4_mapped().is_none()
            }
            _ => false,
        }
    }
}

/// Whether an address stands for one host, so that there can be a connection with it.
pub(super) fn is_unicast(address: IpAddr) -> bool {
    let address = address.to_canonical();
    !address.is_multicast() && address != IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// Whether something can be sent to the address.
pub(super) fn is_remote(address: SocketAddr) -> bool {
    !address.ip().is_unspecified() && address.port() != 0
}

/// What a name stands for without asking anybody.
pub(super) fn built_in(name: &str) -> Option<Vec<IpAddr>> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    (name == MACHINE).then(|| vec![MACHINE_ADDRESS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> Place {
        Place::of(address.parse().unwrap())
    }

    #[test]
    fn no_spelling_of_loopback_is_outside() {
        for address in [
            "127.0.0.1",
            "127.1.2.3",
            "0.0.0.0",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:0.0.0.0",
        ] {
            assert_eq!(place(address), Place::Workload, "{address}");
        }
    }

    #[test]
    fn the_machine_and_the_rest() {
        assert_eq!(place("192.0.0.8"), Place::Machine);
        assert_eq!(place("192.0.0.9"), Place::Outside);
        assert_eq!(place("10.0.0.1"), Place::Outside);
        assert_eq!(place("fe80::1"), Place::Outside);
    }

    #[test]
    fn families_keep_apart() {
        let has = |family: Family, address: &str| family.has(address.parse().unwrap());
        assert!(has(Family::V4, "10.0.0.1") && !has(Family::V4, "::1"));
        assert!(has(Family::V6, "::1") && has(Family::V6, "::") && has(Family::V6, "fd00::1"));
        assert!(!has(Family::V6, "10.0.0.1"));
        assert!(!has(Family::V6, "::ffff:10.0.0.1"));
        assert!(!has(Family::V6, "::10.0.0.1"));
    }

    #[test]
    fn names_that_nobody_is_asked_for() {
        assert_eq!(built_in("LocalHost.").unwrap().len(), 2);
        assert_eq!(built_in("a.localhost").unwrap().len(), 2);
        assert_eq!(
            built_in("host.wasmcloud.internal"),
            Some(vec![MACHINE_ADDRESS])
        );
        assert_eq!(built_in("wasmcloud.internal"), None);
    }

    #[test]
    fn what_can_be_sent_to() {
        assert!(is_remote("127.0.0.1:1".parse().unwrap()));
        assert!(!is_remote("127.0.0.1:0".parse().unwrap()));
        assert!(!is_remote("0.0.0.0:1".parse().unwrap()));
    }
}
