//! Which names led to which addresses, so that a rule for a name can be applied to a connection, which has none.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;

/// The oldest addresses are forgotten first.
#[derive(Default)]
pub(super) struct Learned {
    names: HashMap<IpAddr, BTreeSet<String>>,
    order: VecDeque<IpAddr>,
}

const MOST_ADDRESSES: usize = 4096;
const MOST_NAMES: usize = 64;

impl Learned {
    pub(super) fn learn(&mut self, name: &str, addresses: &[IpAddr]) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        for address in addresses {
            if !self.names.contains_key(address) {
                self.order.push_back(*address);
            }
            let names = self.names.entry(*address).or_default();
            if names.len() < MOST_NAMES {
                names.insert(name.clone());
            }
        }
        while self.names.len() > MOST_ADDRESSES
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    pub(super) fn names(&self, address: IpAddr) -> impl Iterator<Item = &str> {
        let names = self.names.get(&address).into_iter().flatten();
        names.map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_may_have_several_names() {
        let mut learned = Learned::default();
        let address = IpAddr::from([192, 0, 2, 1]);
        learned.learn("B.example.", &[address]);
        learned.learn("a.example", &[address, IpAddr::from([192, 0, 2, 2])]);
        let names: Vec<_> = learned.names(address).collect();
        assert_eq!(names, ["a.example", "b.example"]);
        assert_eq!(learned.names(IpAddr::from([192, 0, 2, 3])).count(), 0);
    }

    #[test]
    fn not_everything_is_kept_for_ever() {
        let mut learned = Learned::default();
        let address = |n: u32| IpAddr::from(Ipv4Addr::from_bits(n));
        for n in 0..=MOST_ADDRESSES as u32 {
            learned.learn("a", &[address(n)]);
        }
        assert_eq!(learned.names.len(), MOST_ADDRESSES);
        assert_eq!(learned.names(address(0)).count(), 0);
        assert_eq!(learned.names(address(1)).count(), 1);
        for n in 0..2 * MOST_NAMES {
            learned.learn(&format!("n{n}"), &[address(1)]);
        }
        assert_eq!(learned.names(address(1)).count(), MOST_NAMES);
    }
}
