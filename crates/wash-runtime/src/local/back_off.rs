//! How long a service that failed waits before it starts again.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::workload::Restart;

/// Counts the failures of one service.
pub(super) struct BackOff {
    restart: Restart,
    wait: Option<Duration>,
    /// Failures in a row that were followed by a restart.
    tries: u32,
}

impl BackOff {
    pub(super) fn new(restart: Restart) -> Self {
        Self {
            restart,
            wait: None,
            tries: 0,
        }
    }

    /// How long to wait after a failed run that lasted so long, or `None` if there is no other try.
    pub(super) fn after(&mut self, lasted: Duration) -> Option<Duration> {
        let Restart::OnFailure { first, most, tries } = self.restart else {
            return None;
        };
        if lasted > most {
            self.wait = None;
            self.tries = 0;
        }
        if tries.map(NonZeroU32::get) == Some(self.tries) {
            return None;
        }
        self.tries = self.tries.saturating_add(1);
        let wait = self
            .wait
            .map_or(first, |wait| wait.saturating_mul(2).min(most));
        self.wait = Some(wait);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    fn seconds(all: &[u64]) -> Vec<Option<Duration>> {
        all.iter().map(|s| Some(Duration::from_secs(*s))).collect()
    }

    fn back_off(tries: Option<u32>) -> BackOff {
        BackOff::new(Restart::OnFailure {
            first: Duration::from_secs(1),
            most: Duration::from_secs(6),
            tries: tries.and_then(NonZeroU32::new),
        })
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut back_off = back_off(None);
        let waits: Vec<_> = (0..5).map(|_| back_off.after(MOMENT)).collect();
        assert_eq!(waits, seconds(&[1, 2, 4, 6, 6]));
    }

    #[test]
    fn a_run_that_lasted_begins_anew() {
        let mut back_off = back_off(Some(2));
        let long = Duration::from_secs(7);
        let waits: Vec<_> = [MOMENT, MOMENT, long, MOMENT]
            .map(|lasted| back_off.after(lasted))
            .into();
        assert_eq!(waits, seconds(&[1, 2, 1, 2]));
        assert_eq!(back_off.after(Duration::from_secs(6)), None, "not longer");
    }

    #[test]
    fn tries_are_counted() {
        let mut back_off = back_off(Some(2));
        assert!(back_off.after(MOMENT).is_some());
        assert!(back_off.after(MOMENT).is_some());
        assert_eq!(back_off.after(MOMENT), None);
        assert_eq!(BackOff::new(Restart::Never).after(MOMENT), None);
    }
}
