//! Answers HTTP requests with a component: a fresh instance for each request, in a task of its own.
//!
//! A request's task ends when the guest has nothing more to do, which may be before or after the last byte of the
//! response went out; then it has half a minute left. It is stopped when the client goes away before the response is
//! complete. Whatever goes wrong in a guest ends its own request and no other.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;
use wash_common::units;
use wasmtime::Result;
use wasmtime::component::InstancePre;
use wasmtime_wasi::I32Exit;

use super::body::Link;
use super::instances::{Failure, InstanceConfig, Instances, NewInstance};
use super::serve;
use super::serve::{Answer, Incoming};
use super::wire::{accept, plain, respond};
use crate::capability::Preview;
use crate::events::Call;
use crate::events::RequestId;
use crate::http::{Body, Handler, Request};
use crate::instance::State;
use crate::instance::limits::Metered;

/// How long a guest may go on after the last byte of its response was taken.
const AFTERWARDS: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
#[error(
    "stopped {} after its response: it was still running",
    units::duration(AFTERWARDS)
)]
struct StillAtWork;

/// A component that is ready to answer.
pub(crate) struct ComponentHandler(Arc<Instances<Incoming>>);

/// A task that runs a guest. Stopped when this is dropped.
pub(super) struct Guest(Option<AbortHandle>);

impl ComponentHandler {
    pub(super) fn new(
        pre: InstancePre<State>,
        preview: Preview,
        supplies: InstanceConfig,
    ) -> Result<Self> {
        let incoming = Incoming::new(&pre, preview)?;
        Ok(Self(Arc::new(Instances::new(pre, incoming, supplies))))
    }

    pub(super) fn instances(&self) -> Arc<Instances<Incoming>> {
        Arc::clone(&self.0)
    }

    pub(super) async fn try_out(
        &self,
        superseded: &CancellationToken,
    ) -> std::result::Result<(), Failure> {
        self.0.try_out(superseded).await
    }
}

#[async_trait]
impl Handler for ComponentHandler {
    async fn handle(&self, request: Request, id: RequestId) -> http::Response<Body> {
        let flight = Arc::new(self.0.flight());
        let request = match accept(request) {
            Ok(request) => request,
            Err(reason) => return plain(StatusCode::BAD_REQUEST, reason),
        };
        let permit = self.0.permit().await;
        let bodiless = request.method() == Method::HEAD;
        let link = Link::default();
        let (answer, head) = Answer::new(link.clone());
        let (failure, failed) = oneshot::channel();
        let task = tokio::spawn({
            let instances = Arc::clone(&self.0);
            let (link, flight) = (link.clone(), Arc::clone(&flight));
            async move {
                if let Some(summary) = instances.run(request, id, answer, link).await {
                    let _ = failure.send(summary);
                }
                drop(permit);
                drop(flight);
            }
        });
        let guest = Guest::new(&task);
        match head.await {
            Ok(outcome) => match respond(outcome, bodiless, link, guest, flight) {
                Ok(response) => response,
                Err(reason) => {
                    self.0.tell(Call::Request(id), &reason, &reason);
                    plain(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        &format!("request {id} failed: {reason}"),
                    )
                }
            },
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

impl Instances<Incoming> {
    /// Runs one request to its end. Returns what went wrong, if something did.
    async fn run(
        &self,
        request: serve::Request,
        id: RequestId,
        answer: Answer,
        link: Link,
    ) -> Option<String> {
        let result = self.serve(request, id, &answer, &link).await;
        let summary = match result {
            Ok(()) if answer.is_sent() => return None,
            Err(error) if answer.is_sent() && is_exit(&error) => return None,
            Ok(()) => {
                let summary = "the guest returned without a response: it never called `response-outparam.set`";
                self.tell(Call::Request(id), summary, summary);
                summary.to_owned()
            }
            Err(error) => self.failed(Call::Request(id), &error),
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
        let NewInstance {
            export,
            mut store,
            meter,
        } = self.fresh(Some(id)).await?;
        let served = export.serve(&mut store, request, answer, link.ended.clone());
        let too_long = async {
            link.ended.cancelled().await;
            tokio::time::sleep(AFTERWARDS).await;
        };
        let result = tokio::select! {
            result = Metered::new(meter, served) => result,
            () = too_long => Err(StillAtWork.into()),
        };
        // Before the store is dropped: to the reader, a body that was dropped looks like one that has ended.
        if result.as_ref().is_err_and(|error| !is_exit(error)) {
            link.guest_failed();
        }
        result.map_err(|error| store.data().call.panics.explain(error))
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
