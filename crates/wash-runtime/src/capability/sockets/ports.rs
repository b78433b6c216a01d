//! Which ports of a workload's network are taken, and by what.

use std::collections::HashMap;

use super::place::Family;

/// The ports of one protocol. Each family has its own.
pub(super) struct Ports<T> {
    taken: HashMap<(Family, u16), T>,
    next: u16,
}

/// The first of the ports that are given to those who do not care.
const FIRST_FREE: u16 = 49152;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct InUse;

impl<T> Default for Ports<T> {
    fn default() -> Self {
        Self {
            taken: HashMap::new(),
            next: FIRST_FREE,
        }
    }
}

impl<T> Ports<T> {
    /// Takes a port, with 0 any that is free, and returns it.
    pub(super) fn take(&mut self, family: Family, port: u16, by: T) -> Result<u16, InUse> {
        let port = match port {
            0 => self.free(family).ok_or(InUse)?,
            port if self.taken.contains_key(&(family, port)) => return Err(InUse),
            port => port,
        };
        self.taken.insert((family, port), by);
        Ok(port)
    }

    /// One after the other, so that a port is not soon given again.
    fn free(&mut self, family: Family) -> Option<u16> {
        for _ in FIRST_FREE..=u16::MAX {
            let port = self.next;
            self.next = port.checked_add(1).unwrap_or(FIRST_FREE);
            if !self.taken.contains_key(&(family, port)) {
                return Some(port);
            }
        }
        None
    }

    pub(super) fn replace(&mut self, family: Family, port: u16, by: T) {
        self.taken.insert((family, port), by);
    }

    pub(super) fn release(&mut self, family: Family, port: u16) {
        self.taken.remove(&(family, port));
    }

    /// Who has a port that was asked for in one family: somebody there, or else somebody in the other one. So it does not
    /// matter whether a service listens on `127.0.0.1` or on `::1`.
    pub(super) fn find(&self, family: Family, port: u16) -> Option<(Family, &T)> {
        let at = |family| Some((family, self.taken.get(&(family, port))?));
        at(family).or_else(|| at(family.other()))
    }

    /// Ports and those who have them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, &T)> {
        self.taken.iter().map(|((_, port), by)| (*port, by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_once_in_each_family() {
        let mut ports = Ports::default();
        assert_eq!(ports.take(Family::V4, 80, 'a'), Ok(80));
        assert_eq!(ports.take(Family::V4, 80, 'b'), Err(InUse));
        assert_eq!(ports.take(Family::V6, 80, 'c'), Ok(80));
        ports.release(Family::V4, 80);
        assert_eq!(ports.take(Family::V4, 80, 'd'), Ok(80));
    }

    #[test]
    fn who_does_not_care_gets_ports_in_turn() {
        let mut ports = Ports::default();
        assert_eq!(ports.take(Family::V4, 49153, ()), Ok(49153));
        assert_eq!(ports.take(Family::V4, 0, ()), Ok(49152));
        assert_eq!(ports.take(Family::V4, 0, ()), Ok(49154));
        ports.release(Family::V4, 49154);
        assert_eq!(ports.take(Family::V4, 0, ()), Ok(49155));
    }

    #[test]
    fn free_ports_come_to_an_end() {
        let mut ports = Ports::default();
        for _ in FIRST_FREE..=u16::MAX {
            ports.take(Family::V4, 0, ()).unwrap();
        }
        assert_eq!(ports.take(Family::V4, 0, ()), Err(InUse));
        ports.release(Family::V4, 50000);
        assert_eq!(ports.take(Family::V4, 0, ()), Ok(50000));
    }

    #[test]
    fn the_other_family_answers_when_the_own_does_not() {
        let mut ports = Ports::default();
        ports.take(Family::V6, 80, "six").unwrap();
        assert_eq!(ports.find(Family::V4, 80), Some((Family::V6, &"six")));
        ports.take(Family::V4, 80, "four").unwrap();
        assert_eq!(ports.find(Family::V4, 80), Some((Family::V4, &"four")));
        assert_eq!(ports.find(Family::V4, 81), None);
    }
}
