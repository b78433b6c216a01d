//! Makes the instances of one entry, each with limits of its own, and tells what went wrong in them.
//!
//! Whatever drives an entry shares this: a request and a message take an instance each, a service one for each run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Error, PoolConcurrencyLimitError, Result, Store};

use super::report::{Names, Report, report};
use crate::activity::{Activity, InFlightGuard};
use crate::events::{Call, Event, Events, Failed, RequestId};
use crate::instance;
use crate::instance::limits::{CpuMeter, LimitReached, MemoryBudget, Metered};
use crate::instance::panics::Panics;
use crate::instance::ticker::Ticker;
use crate::instance::{MemberSetup, State};
use crate::workload::Limits;

/// How long a call waits for room in the pool of instances, and how often it looks. Only a machine that runs many
/// large workloads gets there: the limit on concurrent calls usually comes first.
const POOL_PATIENCE: Duration = Duration::from_secs(30);
const POOL_RETRY: Duration = Duration::from_millis(5);

/// How long an instance may take to start when an entry is tried out, what it waits for included.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(10);

/// How much longer an instance may take to start when there is a newer version: one that only computes is worth serving.
const SUPERSEDED_GRACE: Duration = Duration::from_millis(500);

/// An export that was looked up once, to be found again in each instance.
pub(super) trait Export: Send + Sync + Sized {
    type Found;

    /// The same export of the same component, whose code is another.
    fn again(&self, pre: &InstancePre<State>) -> Result<Self>;

    fn find(&self, store: &mut Store<State>, instance: &Instance) -> Result<Self::Found>;
}

/// Where the instances of an entry come from.
pub(super) struct Instances<E> {
    pub(super) events: Events,
    linked: RwLock<Arc<LinkedComponent<E>>>,
    members: Vec<Arc<MemberSetup>>,
    limits: Arc<Limits>,
    directory: Arc<Path>,
    ticker: Arc<Ticker>,
    activity: Arc<Activity>,
    permits: Arc<Semaphore>,
    /// Calls wait for others to end, and the user was told.
    is_crowded: AtomicBool,
}

/// The code that instances run.
struct LinkedComponent<E> {
    pre: InstancePre<State>,
    export: E,
}

/// What an entry's instances are made of, beside the component.
pub(super) struct InstanceConfig {
    pub(super) members: Vec<Arc<MemberSetup>>,
    pub(super) limits: Limits,
    /// Files below it are told without it.
    pub(super) directory: Arc<Path>,
    pub(super) events: Events,
    pub(super) ticker: Arc<Ticker>,
    /// Counts for the whole workload.
    pub(super) activity: Arc<Activity>,
}

/// Why an entry cannot run.
pub(super) enum Failure {
    Load(Error),
    Trap(Report),
    /// It waits for something while it starts, longer than [`START_TIMEOUT`].
    TooLate,
    /// Something newer is to be started.
    GivenUp,
}

#[derive(Debug, thiserror::Error)]
#[error("the component exports an entry point with the wrong type")]
struct Unfit;

/// An instance in which nothing was called yet.
pub(super) struct NewInstance<F> {
    pub(super) export: F,
    pub(super) store: Store<State>,
    pub(super) meter: Arc<CpuMeter>,
}

impl<E: Export> Instances<E> {
    pub(super) fn new(pre: InstancePre<State>, export: E, supplies: InstanceConfig) -> Self {
        let InstanceConfig {
            members,
            limits,
            directory,
            events,
            ticker,
            activity,
        } = supplies;
        let most = limits.concurrent_requests.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            events,
            linked: RwLock::new(Arc::new(LinkedComponent { pre, export })),
            members,
            limits: Arc::new(limits),
            directory,
            ticker,
            activity,
            permits: Arc::new(Semaphore::new(most)),
            is_crowded: AtomicBool::new(false),
        }
    }

    /// Counts a call from now on, whether it has to wait or not.
    pub(super) fn flight(&self) -> InFlightGuard {
        InFlightGuard::new(&self.activity)
    }

    /// Waits until one more call may run.
    pub(super) async fn permit(&self) -> OwnedSemaphorePermit {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            self.is_crowded.store(false, Ordering::Relaxed);
            return permit;
        }
        if !self.is_crowded.swap(true, Ordering::Relaxed) {
            let most = self.limits.concurrent_requests;
            self.events.host(&format!(
                "the limit of requests at the same time (`limits.concurrent_requests`, {most}) is reached; others wait"
            ));
        }
        Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }

    /// Instantiates the component once and throws the instance away, to find out whether it starts. It is given up shortly
    /// after `superseded` is cancelled.
    pub(super) async fn try_out(
        &self,
        superseded: &CancellationToken,
    ) -> std::result::Result<(), Failure> {
        let fresh = tokio::time::timeout(START_TIMEOUT, self.fresh(None));
        let given_up = async {
            superseded.cancelled().await;
            tokio::time::sleep(SUPERSEDED_GRACE).await;
        };
        let started = tokio::select! {
            biased;
            started = fresh => started,
            () = given_up => return Err(Failure::GivenUp),
        };
        match started {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is::<Unfit>() => Err(Failure::Load(error)),
            Ok(Err(error)) => Err(Failure::Trap(self.describe(&error))),
            Err(_) => Err(Failure::TooLate),
        }
    }

    /// Makes an instance. While the pool has no room, waits for another one to go.
    pub(super) async fn fresh(&self, request: Option<RequestId>) -> Result<NewInstance<E::Found>> {
        self.fresh_of(&self.linked(), request).await
    }

    fn linked(&self) -> Arc<LinkedComponent<E>> {
        Arc::clone(&self.linked.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn fresh_of(
        &self,
        linked: &LinkedComponent<E>,
        request: Option<RequestId>,
    ) -> Result<NewInstance<E::Found>> {
        let patience = Instant::now() + POOL_PATIENCE;
        loop {
            let (mut store, meter) = self.store(linked, request);
            let instantiated = linked.pre.instantiate_async(&mut store);
            match Metered::new(Arc::clone(&meter), instantiated).await {
                Ok(instance) => {
                    let export = linked.export.find(&mut store, &instance);
                    let export = export.map_err(|error| error.context(Unfit))?;
                    return Ok(NewInstance {
                        export,
                        store,
                        meter,
                    });
                }
                Err(error)
                    if error.is::<PoolConcurrencyLimitError>() && Instant::now() < patience =>
                {
                    drop(store);
                    tokio::time::sleep(POOL_RETRY).await;
                }
                Err(error) => return Err(store.data().call.panics.explain(error)),
            }
        }
    }

    /// Runs other code of the same component from the next instance on, if an instance of it starts.
    pub(super) async fn replace(&self, pre: InstancePre<State>) -> Result<()> {
        let export = self.linked().export.again(&pre)?;
        let linked = Arc::new(LinkedComponent { pre, export });
        tokio::time::timeout(START_TIMEOUT, self.fresh_of(&linked, None)).await??;
        *self.linked.write().unwrap_or_else(PoisonError::into_inner) = linked;
        Ok(())
    }

    fn store(
        &self,
        linked: &LinkedComponent<E>,
        request: Option<RequestId>,
    ) -> (Store<State>, Arc<CpuMeter>) {
        let call = instance::Call {
            events: self.events.clone(),
            request,
            panics: Panics::default(),
        };
        let budget = MemoryBudget::new(Arc::clone(&self.limits));
        let state = State::new(&self.members, budget, call);
        let mut store = Store::new(linked.pre.engine(), state);
        store.limiter(|state| &mut state.budget);
        store.set_hostcall_fuel(self.limits.transfer());
        store.set_max_component_handles(self.limits.handles());
        let meter = CpuMeter::new(Arc::clone(&self.limits), Arc::clone(&self.ticker));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback({
            let meter = Arc::clone(&meter);
            move |_| meter.tick()
        });
        (store, meter)
    }

    /// Counts a call that trapped and tells of it on the console. Returns what went wrong, as one line.
    pub(super) fn failed(&self, call: Call<'_>, error: &Error) -> String {
        self.activity.count_trap();
        let report = self.describe(error);
        self.tell_of(
            call,
            &report.summary,
            &report.text(),
            report.component.as_deref(),
        );
        report.summary
    }

    /// Tells of a call that failed: why, as one line, and with all that is known.
    pub(super) fn tell(&self, call: Call<'_>, summary: &str, report: &str) {
        self.tell_of(call, summary, report, None);
    }

    fn tell_of(&self, call: Call<'_>, summary: &str, report: &str, component: Option<&str>) {
        let only = match &*self.members {
            [only] => Some(&*only.name),
            _ => None,
        };
        let component = match call {
            Call::Request(_) => component.or(only),
            Call::Message { to, .. } => Some(to),
        };
        self.events.tell(Event::Failed(Failed {
            call,
            component,
            summary,
            report,
        }));
    }

    pub(super) fn describe(&self, error: &Error) -> Report {
        let members: Vec<&str> = self.members.iter().map(|member| &*member.name).collect();
        let names = Names {
            members: &members,
            directory: &self.directory,
        };
        let mut report = report(error, &names);
        if let Some(limit) = LimitReached::of_engine(error, &self.limits) {
            report.summary = limit.to_string();
        }
        report
    }
}
