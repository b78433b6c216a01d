//! The limits on one instance: how much memory it holds, and how long it computes without waiting.
//!
//! Both stop the guest with an error that says which limit it ran into, and which setting raises it.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, Result, UpdateDeadline};

use super::ticker::Ticker;
use crate::host::workload::{Limits, MemberMemory};

/// A guest that ran into a limit.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LimitReached {
    #[error("stopped after computing for {} without a pause{}", seconds(*limit), called(name))]
    CpuTime { limit: Duration, name: Arc<str> },
    #[error("stopped when it asked for {wanted} bytes of memory: {}", limit_of(*limit, name))]
    Memory {
        wanted: u64,
        limit: u64,
        name: Arc<str>,
    },
    #[error(
        "stopped when {member} asked for {wanted} bytes of memory: its limit of {limit} is {name}"
    )]
    Member {
        /// In quotes; several may have the same limit.
        member: String,
        wanted: u64,
        limit: u64,
        /// In quotes; those of several may have several names.
        name: String,
    },
}

/// Which setting raises a limit, if one does.
fn called(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!(": the limit is `{name}`"),
    }
}

fn limit_of(limit: u64, name: &str) -> String {
    match name {
        "" => format!("the limit is {limit}"),
        name => format!("the limit of {limit} is `{name}`"),
    }
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
    limits: Arc<Limits>,
    used: u64,
}

/// What an element of a table takes in the host.
const ELEMENT: u64 = 8;

/// What memories grow by, in bytes.
const PAGE: u64 = 1 << 16;

impl MemoryBudget {
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Self { limits, used: 0 }
    }

    fn grow(&mut self, by: u64) -> Result<bool> {
        let wanted = self.used.saturating_add(by);
        let limit = self.limits.memory.get();
        if wanted > limit {
            // An error, and not the refusal that the guest would see as a failed `memory.grow`: few guests handle
            // that, and their own "out of memory" would not name the setting.
            return Err(LimitReached::Memory {
                wanted,
                limit,
                name: Arc::clone(&self.limits.names.memory),
            }
            .into());
        }
        self.used = wanted;
        Ok(true)
    }

    /// What a memory has run into that wants more than its maximum: the limit of a member, or one of the guest's own.
    fn beyond(&self, maximum: u64, wanted: u64) -> Result<bool> {
        // Memories have no names here. The maximum that composing has declared is the limit in whole pages.
        let limited = |member: &&MemberMemory| member.limit.get() / PAGE * PAGE == maximum;
        let members: Vec<&MemberMemory> = self.limits.members.iter().filter(limited).collect();
        let Some(first) = members.first() else {
            return Ok(false);
        };
        Err(LimitReached::Member {
            member: either(members.iter().map(|member| &*member.member)),
            wanted,
            limit: first.limit.get(),
            name: either(members.iter().map(|member| &*member.name)),
        }
        .into())
    }
}

/// Those names, each once.
fn either<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: BTreeSet<String> = names.map(|name| format!("`{name}`")).collect();
    names.into_iter().collect::<Vec<_>>().join(" or ")
}

impl ResourceLimiter for MemoryBudget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if let Some(maximum) = maximum
            && desired > maximum
        {
            return self.beyond(maximum as u64, desired as u64);
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
    limits: Arc<Limits>,
    ticker: Arc<Ticker>,
    /// CPU time used up by earlier polls since the guest last waited, in nanoseconds.
    spent: AtomicU64,
    /// The thread's CPU time when the current poll began, in nanoseconds.
    resumed: AtomicU64,
    yielded: AtomicBool,
}

impl CpuMeter {
    pub(crate) fn new(limits: Arc<Limits>, ticker: Arc<Ticker>) -> Arc<Self> {
        Arc::new(Self {
            limits,
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
        if spent > self.limits.cpu_time {
            return Err(LimitReached::CpuTime {
                limit: self.limits.cpu_time,
                name: Arc::clone(&self.limits.names.cpu_time),
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
    use std::num::NonZeroU64;

    use super::*;

    fn memory(bytes: u64) -> Limits {
        Limits {
            memory: NonZeroU64::new(bytes).unwrap(),
            ..Limits::default()
        }
    }

    #[test]
    fn all_memories_count_together() {
        let mut budget = MemoryBudget::new(Arc::new(memory(100)));
        assert!(budget.memory_growing(0, 60, None).unwrap());
        assert!(budget.memory_growing(0, 40, None).unwrap());
        let error = budget.memory_growing(40, 41, None).unwrap_err();
        assert!(error.to_string().contains("dev.limits.memory"), "{error}");
    }

    #[test]
    fn a_memorys_own_maximum_is_the_guests_business() {
        let mut budget = MemoryBudget::new(Arc::new(memory(100)));
        assert!(!budget.memory_growing(0, 60, Some(50)).unwrap());
        assert!(
            budget.memory_growing(0, 100, None).unwrap(),
            "what was refused is not counted"
        );
    }

    #[test]
    fn a_members_limit_is_told_with_its_name() {
        let of_member = |member: &str, limit| MemberMemory {
            member: member.into(),
            limit: NonZeroU64::new(limit).unwrap(),
            name: format!("limits of {member}").into(),
        };
        let members = vec![
            of_member("cache", 70_000),
            of_member("log", 200_000),
            of_member("queue", 200_000),
        ];
        let mut budget = MemoryBudget::new(Arc::new(Limits {
            members,
            ..memory(1 << 30)
        }));
        let page = 1 << 16;
        assert!(budget.memory_growing(0, page, Some(page)).unwrap());
        let error = budget.memory_growing(page, 2 * page, Some(page));
        assert_eq!(
            error.unwrap_err().to_string(),
            "stopped when `cache` asked for 131072 bytes of memory: its limit of 70000 is `limits of cache`"
        );
        let error = budget.memory_growing(2 * page, 4 * page, Some(3 * page));
        assert_eq!(
            error.unwrap_err().to_string(),
            "stopped when `log` or `queue` asked for 262144 bytes of memory: its limit of 200000 is `limits of log` or \
             `limits of queue`"
        );
    }

    #[test]
    fn waiting_starts_the_count_anew() {
        let burn = || {
            let start = thread_time();
            while thread_time() - start < 3_000_000 {}
        };
        let limits = Limits {
            cpu_time: Duration::from_millis(5),
            ..Limits::default()
        };
        let meter = CpuMeter::new(Arc::new(limits), Arc::new(Ticker::new()));
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
