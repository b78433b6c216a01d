//! The limits on one instance: how much memory it holds, and how long it computes without waiting.
//!
//! Both stop the guest with an error that says which limit it ran into, and which setting raises it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, Result, UpdateDeadline};

use super::ticker::Ticker;

/// A guest that ran into a limit.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LimitReached {
    #[error("stopped after computing for {} without a pause{}", seconds(*limit), setting(*section, ": the limit is", "cpu_time"))]
    CpuTime {
        limit: Duration,
        section: Option<&'static str>,
    },
    #[error("stopped when it asked for {wanted} bytes of memory{}", limit_of(*limit, *section))]
    Memory {
        wanted: u64,
        limit: u64,
        section: Option<&'static str>,
    },
}

fn limit_of(limit: u64, section: Option<&str>) -> String {
    match section {
        Some(section) => format!(": the limit of {limit} is `{section}.memory`"),
        None => format!(": the limit is {limit}"),
    }
}

/// Which setting raises a limit, if there is one.
fn setting(section: Option<&str>, words: &str, key: &str) -> String {
    section.map_or_else(String::new, |section| format!("{words} `{section}.{key}`"))
}

fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis % 1000 {
        0 => format!("{} s", millis / 1000),
        _ => format!("{millis} ms"),
    }
}

/// Counts the linear memories and tables of a store, all instances in it together.
pub(crate) struct MemoryBudget {
    limit: u64,
    used: u64,
    section: Option<&'static str>,
}

/// What an element of a table takes in the host.
const ELEMENT: u64 = 8;

impl MemoryBudget {
    pub(crate) fn new(limit: u64, section: Option<&'static str>) -> Self {
        Self {
            limit,
            used: 0,
            section,
        }
    }

    fn grow(&mut self, by: u64) -> Result<bool> {
        let wanted = self.used.saturating_add(by);
        if wanted > self.limit {
            // An error, and not the refusal that the guest would see as a failed `memory.grow`: few guests handle
            // that, and their own "out of memory" would not name the setting.
            return Err(LimitReached::Memory {
                wanted,
                limit: self.limit,
                section: self.section,
            }
            .into());
        }
        self.used = wanted;
        Ok(true)
    }
}

impl ResourceLimiter for MemoryBudget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.grow((desired - current) as u64)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.grow((desired - current) as u64 * ELEMENT)
    }
}

/// Measures for how long a guest has computed since it last waited for something.
///
/// The [`Metered`] future and the epoch callback of the store share it: at each tick of the epoch the guest yields, so
/// that others get the thread, and what it has used so far is added up; when it waits for anything else, the count
/// starts anew. It is the thread's CPU time that counts: a busy machine stops nobody.
pub(crate) struct CpuMeter {
    limit: Duration,
    section: Option<&'static str>,
    ticker: Arc<Ticker>,
    /// CPU time used up by earlier polls since the guest last waited, in nanoseconds.
    spent: AtomicU64,
    /// The thread's CPU time when the current poll began, in nanoseconds.
    resumed: AtomicU64,
    yielded: AtomicBool,
}

impl CpuMeter {
    pub(crate) fn new(
        limit: Duration,
        section: Option<&'static str>,
        ticker: Arc<Ticker>,
    ) -> Arc<Self> {
        Arc::new(Self {
            limit,
            section,
            ticker,
            spent: AtomicU64::new(0),
            resumed: AtomicU64::new(thread_time()),
            yielded: AtomicBool::new(false),
        })
    }

    /// Called in the guest at every tick.
    pub(crate) fn tick(&self) -> Result<UpdateDeadline> {
        let now = thread_time().saturating_sub(self.resumed.load(Ordering::Relaxed));
        let spent = Duration::from_nanos(self.spent.load(Ordering::Relaxed).saturating_add(now));
        if spent > self.limit {
            return Err(LimitReached::CpuTime {
                limit: self.limit,
                section: self.section,
            }
            .into());
        }
        self.yielded.store(true, Ordering::Relaxed);
        Ok(UpdateDeadline::Yield(1))
    }

    fn resume(&self) {
        self.resumed.store(thread_time(), Ordering::Relaxed);
    }

    fn pause(&self) {
        if self.yielded.swap(false, Ordering::Relaxed) {
            let now = thread_time().saturating_sub(self.resumed.load(Ordering::Relaxed));
            self.spent.fetch_add(now, Ordering::Relaxed);
        } else {
            self.spent.store(0, Ordering::Relaxed);
        }
    }
}

fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    (time.tv_sec as u64) * 1_000_000_000 + time.tv_nsec as u64
}

/// Runs a guest and keeps its [`CpuMeter`].
pub(crate) struct Metered<F> {
    guest: Pin<Box<F>>,
    meter: Arc<CpuMeter>,
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(meter: Arc<CpuMeter>, guest: F) -> Self {
        Self {
            guest: Box::pin(guest),
            meter,
        }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let meter = Arc::clone(&self.meter);
        // Only while it is polled: a guest that waits, perhaps for days, keeps no clock going.
        let _ticking = meter.ticker.run();
        meter.resume();
        let result = self.guest.as_mut().poll(cx);
        meter.pause();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_count_together() {
        let mut budget = MemoryBudget::new(100, Some("dev.limits"));
        assert!(budget.memory_growing(0, 60, None).unwrap());
        assert!(budget.memory_growing(0, 40, None).unwrap());
        let error = budget.memory_growing(40, 41, None).unwrap_err();
        assert!(error.to_string().contains("dev.limits.memory"), "{error}");
    }

    #[test]
    fn a_memorys_own_maximum_is_the_guests_business() {
        let mut budget = MemoryBudget::new(100, Some("dev.limits"));
        assert!(!budget.memory_growing(0, 60, Some(50)).unwrap());
        assert!(
            budget.memory_growing(0, 100, None).unwrap(),
            "what was refused is not counted"
        );
    }

    #[test]
    fn waiting_starts_the_count_anew() {
        let burn = || {
            let start = thread_time();
            while thread_time() - start < 3_000_000 {}
        };
        let meter = CpuMeter::new(Duration::from_millis(5), None, Arc::new(Ticker::new()));
        for _ in 0..4 {
            meter.resume();
            burn();
            meter.pause();
        }
        meter.resume();
        burn();
        assert!(meter.tick().is_ok());
        meter.pause();
        meter.resume();
        burn();
        assert!(meter.tick().is_err());
    }
}
