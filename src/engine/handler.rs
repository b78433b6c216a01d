//! Answers HTTP requests with a component: a fresh instance for each request, in a task of its own.
//!
//! A request's task ends when the guest has nothing more to do, which may be before or after the last byte of the
//! response went out. It is stopped when the client goes away before the response is complete. Whatever goes wrong in
//! a guest ends its own request and no other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::{Method, StatusCode};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{AbortHandle, JoinHandle};
use wasmtime::{Engine, PoolConcurrencyLimitError, Result, Store};
use wasmtime_wasi::I32Exit;

use crate::console::Console;
use crate::host::workload::Limits;
use crate::http::{Body, Handler, Request, RequestId};

use super::activity::{Activity, Flight};
use super::body::Link;
use super::limits::{CpuMeter, MemoryBudget, Metered};
use super::panics::Panics;
use super::report::{Report, report};
use super::serve::{self, Answer, Entry, Instance};
use super::state::{Call, MemberSetup, State};
use super::ticker::Ticker;
use super::wire::{accept, plain, respond};

/// How long a request waits for room in the pool of instances, and how often it looks. Only a machine that runs many
/// large workloads gets there: the limit on concurrent requests usually comes first.
const POOL_PATIENCE: Duration = Duration::from_secs(30);
const POOL_RETRY: Duration = Duration::from_millis(5);

/// A component that is ready to answer.
pub(crate) struct ComponentHandler {
    shared: Arc<Shared>,
    permits: Arc<Semaphore>,
}

struct Shared {
    engine: Engine,
    entry: Entry,
    members: Vec<Arc<MemberSetup>>,
    limits: Limits,
    console: Console,
    ticker: Arc<Ticker>,
    activity: Arc<Activity>,
}

/// A task that runs a guest. Stopped when this is dropped.
pub(super) struct Guest(Option<AbortHandle>);

impl ComponentHandler {
    pub(crate) fn new(
        engine: Engine,
        entry: Entry,
        members: Vec<Arc<MemberSetup>>,
        limits: Limits,
        console: Console,
        ticker: Arc<Ticker>,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(
            limits.concurrent_requests.clamp(1, Semaphore::MAX_PERMITS),
        ));
        let activity = Arc::new(Activity::default());
        Self {
            shared: Arc::new(Shared {
                engine,
                entry,
                members,
                limits,
                console,
                ticker,
                activity,
            }),
            permits,
        }
    }

    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.shared.activity
    }

    /// Instantiates the component once and throws the instance away, to find out whether it starts.
    pub(crate) async fn try_out(&self) -> Result<()> {
        let shared = &self.shared;
        let _ticking = shared.ticker.run();
        shared.instantiate(None).await.map(drop)
    }

    pub(crate) fn describe(&self, error: &wasmtime::Error) -> Report {
        self.shared.describe(error)
    }
}

#[async_trait]
impl Handler for ComponentHandler {
    async fn handle(&self, request: Request, id: RequestId) -> http::Response<Body> {
        let flight = Arc::new(Flight::new(&self.shared.activity));
        let request = match accept(request) {
            Ok(request) => request,
            Err(reason) => return plain(StatusCode::BAD_REQUEST, reason),
        };
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let bodiless = request.method() == Method::HEAD;
        let link = Link::default();
        let (answer, head) = Answer::new();
        let (failure, failed) = oneshot::channel();
        let task = tokio::spawn({
            let shared = Arc::clone(&self.shared);
            let (link, flight) = (link.clone(), Arc::clone(&flight));
            async move {
                if let Some(summary) = shared.run(request, id, answer, link).await {
                    let _ = failure.send(summary);
                }
                drop(permit);
                drop(flight);
            }
        });
        let guest = Guest::new(&task);
        match head.await {
            Ok(outcome) => respond(outcome, id, bodiless, link, guest, flight),
            // The guest ended without an answer: it has failed, or else the task would have sent one.
            Err(_) => {
                let summary = failed
                    .await
                    .unwrap_or_else(|_| "the guest was stopped".to_owned());
                plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    &format!("request {id} failed: {summary}"),
                )
            }
        }
    }
}

impl Shared {
    /// Runs one request to its end. Returns what went wrong, if something did.
    async fn run(
        &self,
        request: serve::Request,
        id: RequestId,
        answer: Answer,
        link: Link,
    ) -> Option<String> {
        let _ticking = self.ticker.run();
        let result = self.serve(request, id, &answer, &link).await;
        let summary = match result {
            Ok(()) if answer.is_sent() => return None,
            Err(error) if answer.is_sent() && is_exit(&error) => return None,
            Ok(()) => {
                let summary =
                    "the guest returned without an answer: it never called `response-outparam.set`";
                self.console
                    .talk(&format!("request {id} failed: {summary}"));
                summary.to_owned()
            }
            Err(error) => {
                self.activity.count_trap();
                let report = self.describe(&error);
                self.console
                    .talk(&format!("request {id} failed: {}", report.text()));
                report.summary
            }
        };
        Some(summary)
    }

    /// When this returns, the instance is gone, and what it wrote to its output was printed: often that says why.
    async fn serve(
        &self,
        request: serve::Request,
        id: RequestId,
        answer: &Answer,
        link: &Link,
    ) -> Result<()> {
        let (instance, mut store, meter) = self.instantiate(Some(id)).await?;
        let served = instance.serve(&mut store, request, answer, link.ended.clone());
        let result = Metered::new(meter, served).await;
        // Before the store is dropped: to the reader, a body that was dropped looks like one that has ended.
        let failed = result.as_ref().err().is_some_and(|error| !is_exit(error));
        link.failed.store(failed, Ordering::SeqCst);
        result.map_err(|error| store.data().call.panics.explain(error))
    }

    /// Makes an instance. While the pool has no room, waits for another request to end.
    async fn instantiate(
        &self,
        request: Option<RequestId>,
    ) -> Result<(Instance, Store<State>, Arc<CpuMeter>)> {
        let patience = Instant::now() + POOL_PATIENCE;
        loop {
            let (mut store, meter) = self.store(request);
            match Metered::new(Arc::clone(&meter), self.entry.instantiate(&mut store)).await {
                Ok(instance) => return Ok((instance, store, meter)),
                Err(error)
                    if error.is::<PoolConcurrencyLimitError>() && Instant::now() < patience =>
                {
                    drop(store);
                    tokio::time::sleep(POOL_RETRY).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn store(&self, request: Option<RequestId>) -> (Store<State>, Arc<CpuMeter>) {
        let call = Call {
            console: self.console.clone(),
            request,
            panics: Panics::default(),
        };
        let budget = MemoryBudget::new(self.limits.memory.get());
        let mut store = Store::new(&self.engine, State::new(&self.members, budget, call));
        store.limiter(|state| &mut state.budget);
        let meter = CpuMeter::new(self.limits.cpu_time);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback({
            let meter = Arc::clone(&meter);
            move |_| meter.tick()
        });
        (store, meter)
    }

    fn describe(&self, error: &wasmtime::Error) -> Report {
        let members: Vec<&str> = self.members.iter().map(|member| &*member.name).collect();
        report(error, &members)
    }
}

impl Guest {
    fn new(task: &JoinHandle<()>) -> Self {
        Self(Some(task.abort_handle()))
    }

    /// Lets the guest run to its own end.
    pub(super) fn detach(mut self) {
        self.0 = None;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Whether a guest left by calling `exit` with success: once it has answered, that is a way to be done.
fn is_exit(error: &wasmtime::Error) -> bool {
    matches!(error.downcast_ref(), Some(I32Exit(0)))
}
