//! Counts the requests of a workload, and knows when the last of them has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// What a workload has been doing.
#[derive(Default)]
pub(crate) struct Activity {
    in_flight: watch::Sender<usize>,
    requests: AtomicU64,
    traps: AtomicU64,
}

/// Counts as a request in flight while it lives.
pub(crate) struct InFlightGuard(Arc<Activity>);

impl Activity {
    pub(crate) fn count_trap(&self) {
        self.traps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn in_flight(&self) -> usize {
        *self.in_flight.borrow()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn traps(&self) -> u64 {
        self.traps.load(Ordering::Relaxed)
    }

    /// Waits until no request is in flight.
    pub(crate) async fn idle(&self) {
        let mut in_flight = self.in_flight.subscribe();
        let _ = in_flight.wait_for(|count| *count == 0).await;
    }
}

impl InFlightGuard {
    pub(crate) fn new(activity: &Arc<Activity>) -> Self {
        activity.in_flight.send_modify(|count| *count += 1);
        Self(Arc::clone(activity))
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        self.0.in_flight.send_modify(|count| *count -= 1);
    }
}
