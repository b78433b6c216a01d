//! The limits on one instance: how much memory it holds, and how long it computes without waiting.
//!
//! Both stop the guest with an error that says which limit it ran into, and which setting raises it.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use rustix::time::{ClockId, clock_gettime};
use wash_common::units;
use wasmtime::{ResourceLimiter, Result, UpdateDeadline};

use super::ticker::Ticker;
use crate::workload::{Limits, MemberMemory};

/// A guest that ran into a limit.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LimitReached {
    #[error("stopped after computing for {} without a pause{}", units::duration(*limit), called(name))]
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
    #[error(
        "stopped when one call passed more data to the host than the guest may have of memory: {}",
        limit_of(*limit, name)
    )]
    Transfer { limit: u64, name: Arc<str> },
    #[error(
        "stopped when it had {handles} resources open at the same time, as many as its memory allows: {}",
        limit_of(*limit, name)
    )]
    Handles {
        handles: usize,
        limit: u64,
        name: Arc<str>,
    },
}

impl LimitReached {
    /// What a guest has run into that the engine itself looks after. Its errors have no types.
    pub(crate) fn of_engine(error: &wasmtime::Error, limits: &Limits) -> Option<Self> {
        let cause = error.root_cause().to_string();
        let (limit, name) = (limits.memory.get(), Arc::clone(&limits.names.memory));
        if cause.contains("fuel allocated for hostcalls has been exhausted") {
            return Some(Self::Transfer { limit, name });
        }
        cause
            .contains("store handle limit exceeded")
            .then(|| Self::Handles {
                handles: limits.handles(),
                limit,
                name,
            })
    }
}

/// What the headers of one request or response may take in the host, which holds them for the guest.
pub(crate) const FIELDS_SIZE: usize = 32 << 10;

/// Handles that a guest has however little memory it may have.
const MIN_HANDLES: u64 = 4 << 10;

impl Limits {
    /// Bytes that the guest may pass to the host in one call: it cannot have more of its own.
    pub(crate) fn transfer(&self) -> usize {
        usize::try_from(self.memory.get()).unwrap_or(usize::MAX)
    }

    /// Resources that the guest may have at the same time. What is behind them in the host is no part of its memory; so
    /// there may be as many as would fill that if each were as large as the largest.
    pub(crate) fn handles(&self) -> usize {
        let handles = (self.memory.get() / FIELDS_SIZE as u64).max(MIN_HANDLES);
        usize::try_from(handles).unwrap_or(usize::MAX)
    }
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

/// Counts the linear memories and tables of a store, all instances in it together.
pub(crate) struct MemoryBudget {
    limits: Arc<Limits>,
    used: u64,
    /// What was added to it by the last growth, which may fail yet.
    last: u64,
}

/// What an element of a table takes in the host.
const ELEMENT: u64 = 8;

/// What memories grow by, in bytes.
const PAGE: u64 = 1 << 16;

impl MemoryBudget {
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            used: 0,
            last: 0,
        }
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
        self.last = by;
        Ok(true)
    }

    /// What was allowed last did not come about.
    fn give_back(&mut self) {
        self.used -= std::mem::take(&mut self.last);
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
        self.last = 0;
        if let Some(maximum) = maximum
            && desired > maximum
        {
            return self.beyond(maximum as u64, desired as u64);
        }
        self.grow((desired - current) as u64)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        // Other failures come before anybody was asked, and nothing was added for them.
        if error.is::<io::Error>() {
            self.give_back();
        }
        Ok(())
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

/// A guest that waits for so long has ended a stretch of computing: the shortest time that timers are set to, a
/// millisecond, with room for what passes before the wait is noticed.
const REST: Duration = Duration::from_micros(500);

/// A shorter wait is none: so long may it take until a task that is ready at once is polled again.
const NO_REST: Duration = Duration::from_micros(100);

/// By how much more than its own length a wait in between shortens the stretch: a guest that waits for a fifth of the
/// time may go on for ever.
const RELIEF: u32 = 4;

/// Measures for how long a guest has computed since it last rested.
///
/// The [`Metered`] future and the epoch callback of the store share it: at each tick of the epoch the guest yields, so
/// that others get the thread, and what it has used so far is added up. It is the thread's CPU time that counts: a busy
/// machine stops nobody. A wait counts from where the scheduler turned to other tasks to where it was over, whenever the guest
/// is polled then; so what is ready at once, a timer of zero or a yield, is no wait, however long the system lets this
/// thread wait for a processor meanwhile.
pub(crate) struct CpuMeter {
    limits: Arc<Limits>,
    ticker: Arc<Ticker>,
    stretch: Mutex<Stretch>,
    /// The thread's CPU time when the current poll began, in nanoseconds.
    resumed: AtomicU64,
}

/// What a guest has computed since it last rested.
#[derive(Default)]
struct Stretch {
    /// CPU time of the polls before the current one.
    spent: Duration,
    /// When the last poll ended.
    paused: Option<Instant>,
}

impl Stretch {
    /// The guest goes on after what it waited for was there.
    fn waited(&mut self, wait: Duration) {
        if wait >= REST {
            self.spent = Duration::ZERO;
        } else if wait >= NO_REST {
            self.spent = self.spent.saturating_sub(wait * RELIEF);
        }
    }
}

impl CpuMeter {
    pub(crate) fn new(limits: Arc<Limits>, ticker: Arc<Ticker>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            ticker,
            stretch: Mutex::default(),
            resumed: AtomicU64::new(thread_time()),
        })
    }

    /// Called in the guest at every tick.
    pub(crate) fn tick(&self) -> Result<UpdateDeadline> {
        let spent = self.stretch().spent + self.current();
        if spent > self.limits.cpu_time {
            return Err(LimitReached::CpuTime {
                limit: self.limits.cpu_time,
                name: Arc::clone(&self.limits.names.cpu_time),
            }
            .into());
        }
        Ok(UpdateDeadline::Yield(1))
    }

    /// A poll begins, after the guest was woken at some time if it had to wait.
    fn resume(&self, woken: Option<Instant>) {
        let mut stretch = self.stretch();
        if let (Some(paused), Some(woken)) = (stretch.paused.take(), woken) {
            stretch.waited(woken.saturating_duration_since(paused));
        }
        self.resumed.store(thread_time(), Ordering::Relaxed);
    }

    /// A poll has ended.
    fn pause(&self) {
        let current = self.current();
        let mut stretch = self.stretch();
        stretch.spent += current;
        stretch.paused = Some(Instant::now());
    }

    /// The scheduler turns to what has let others go first, and the guest is not among it.
    fn waits_on(&self) {
        let mut stretch = self.stretch();
        if stretch.paused.is_some() {
            stretch.paused = Some(Instant::now());
        }
    }

    /// CPU time of the current poll.
    fn current(&self) -> Duration {
        let now = thread_time().saturating_sub(self.resumed.load(Ordering::Relaxed));
        Duration::from_nanos(now)
    }

    fn stretch(&self) -> MutexGuard<'_, Stretch> {
        self.stretch.lock().unwrap_or_else(PoisonError::into_inner)
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
    alarm: Arc<Alarm>,
    /// Woken together with what has yielded in the same poll.
    yielded: Waker,
}

/// Notices whether a guest is still waiting when the scheduler wakes those who have yielded.
struct Yielded {
    meter: Arc<CpuMeter>,
    alarm: Arc<Alarm>,
}

impl Wake for Yielded {
    fn wake(self: Arc<Self>) {
        if !self.alarm.has_rung() {
            self.meter.waits_on();
        }
    }
}

/// Wakes the task of a guest, and remembers when.
#[derive(Default)]
struct Alarm {
    task: AtomicWaker,
    /// When it first rang since the last poll began.
    rang: Mutex<Option<Instant>>,
}

impl Alarm {
    fn has_rung(&self) -> bool {
        let rang = self.rang.lock().unwrap_or_else(PoisonError::into_inner);
        rang.is_some()
    }

    fn take(&self) -> Option<Instant> {
        self.rang
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(Instant::now);
        self.task.wake();
    }
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(meter: Arc<CpuMeter>, guest: F) -> Self {
        let alarm = Arc::<Alarm>::default();
        let yielded = Yielded {
            meter: Arc::clone(&meter),
            alarm: Arc::clone(&alarm),
        };
        Self {
            guest: Box::pin(guest),
            meter,
            alarm,
            yielded: Arc::new(yielded).into(),
        }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (meter, alarm) = (Arc::clone(&self.meter), Arc::clone(&self.alarm));
        // Only while it is polled: a guest that waits, perhaps for days, keeps no clock going.
        let _ticking = meter.ticker.run();
        alarm.task.register(cx.waker());
        meter.resume(alarm.take());
        let waker = Waker::from(alarm);
        let result = self.guest.as_mut().poll(&mut Context::from_waker(&waker));
        meter.pause();
        if result.is_pending() {
            let mut yielding = pin!(tokio::task::yield_now());
            let _ = yielding
                .as_mut()
                .poll(&mut Context::from_waker(&self.yielded));
        }
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
    fn memory_that_the_system_refuses_is_not_counted() {
        let mut budget = MemoryBudget::new(Arc::new(memory(100)));
        assert!(budget.memory_growing(0, 60, None).unwrap());
        assert!(budget.memory_growing(60, 100, None).unwrap());
        let refused = || wasmtime::Error::new(io::Error::from(io::ErrorKind::OutOfMemory));
        budget.memory_grow_failed(refused()).unwrap();
        assert!(budget.memory_growing(0, 40, None).unwrap());
        let impossible = wasmtime::Error::msg("more than a memory can have");
        budget.memory_grow_failed(impossible).unwrap();
        assert!(budget.memory_growing(0, 1, None).is_err());
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

    /// Computes for 3 ms at most 5 ms of which are allowed in a stretch, waits, and does so again. Whether it may.
    fn may_go_on_after(wait: Duration) -> bool {
        let burn = || {
            let start = thread_time();
            while thread_time() - start < 3_000_000 {}
        };
        let limits = Limits {
            cpu_time: Duration::from_millis(5),
            ..Limits::default()
        };
        let meter = CpuMeter::new(Arc::new(limits), Arc::new(Ticker::new()));
        meter.resume(None);
        burn();
        assert!(meter.tick().is_ok());
        meter.pause();
        let paused = meter.stretch().paused.expect("it has paused");
        meter.resume(Some(paused + wait));
        burn();
        meter.tick().is_ok()
    }

    #[test]
    fn a_rest_starts_the_count_anew() {
        assert!(may_go_on_after(REST));
        assert!(may_go_on_after(Duration::from_secs(3600)));
    }

    #[test]
    fn what_is_ready_at_once_is_no_rest() {
        assert!(!may_go_on_after(Duration::ZERO));
        assert!(!may_go_on_after(Duration::from_micros(50)));
    }

    #[test]
    fn a_short_wait_takes_something_off() {
        let mut stretch = Stretch {
            spent: Duration::from_millis(100),
            paused: None,
        };
        stretch.waited(Duration::from_micros(250));
        assert_eq!(stretch.spent, Duration::from_millis(99));
        stretch.waited(NO_REST / 2);
        assert_eq!(stretch.spent, Duration::from_millis(99));
        stretch.waited(REST);
        assert_eq!(stretch.spent, Duration::ZERO);
    }

    #[tokio::test]
    async fn a_guest_that_yields_without_end_runs_into_the_limit() {
        let limits = Limits {
            cpu_time: Duration::from_millis(20),
            ..Limits::default()
        };
        let meter = CpuMeter::new(Arc::new(limits), Arc::new(Ticker::new()));
        let busy = async {
            while meter.tick().is_ok() {
                tokio::task::yield_now().await;
            }
        };
        let busy = Metered::new(Arc::clone(&meter), busy);
        let stopped = tokio::time::timeout(Duration::from_secs(60), busy).await;
        assert!(stopped.is_ok());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nor_does_a_busy_machine_let_it() {
        let limits = Limits {
            cpu_time: Duration::from_millis(200),
            ..Limits::default()
        };
        let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let count = std::thread::available_parallelism().map_or(1, |count| count.get());
        let others: Vec<_> = (0..4 * count)
            .map(|_| {
                let over = Arc::clone(&over);
                std::thread::spawn(move || while !over.load(Ordering::Relaxed) {})
            })
            .collect();
        let meter = CpuMeter::new(Arc::new(limits), Arc::new(Ticker::new()));
        let busy = {
            let meter = Arc::clone(&meter);
            async move {
                while meter.tick().is_ok() {
                    tokio::task::yield_now().await;
                }
            }
        };
        let busy = tokio::spawn(Metered::new(meter, busy));
        let stopped = tokio::time::timeout(Duration::from_secs(60), busy).await;
        over.store(true, Ordering::Relaxed);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!(stopped.is_ok());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_guest_that_rests_for_a_moment_goes_on() {
        let limits = Limits {
            cpu_time: Duration::from_millis(20),
            ..Limits::default()
        };
        let meter = CpuMeter::new(Arc::new(limits), Arc::new(Ticker::new()));
        let resting = {
            let meter = Arc::clone(&meter);
            async move {
                for _ in 0..20 {
                    let start = thread_time();
                    while thread_time() - start < 5_000_000 {}
                    if meter.tick().is_err() {
                        return false;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                true
            }
        };
        let went_on = tokio::spawn(Metered::new(meter, resting)).await;
        assert!(went_on.unwrap());
    }
}
