//! Calls the exported HTTP handler of an instance, of WASI 0.2 or 0.3.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Result, Store};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{Error as HttpError, WasiBody, p2, p3};

use super::body::Link;
use super::guest_body::GuestBody;
use super::instances::Export;
use crate::capability::Preview;
use crate::capability::http_client::http;
use crate::instance::State;

pub(super) type Request = http::Request<WasiBody>;
type Response = http::Response<GuestBody>;

/// The exported handler, looked up once.
pub(super) enum Incoming {
    P2(p2::bindings::ProxyIndices),
    P3(p3::bindings::ServiceIndices),
}

/// Takes the head of the response, at most once.
#[derive(Clone)]
pub(super) struct Answer {
    sender: Arc<Mutex<Option<oneshot::Sender<Outcome>>>>,
    link: Link,
}

/// How a guest answered: with a response, or with one of the error codes of wasi:http.
pub(super) type Outcome = std::result::Result<Response, HttpError>;

impl Answer {
    pub(super) fn new(link: Link) -> (Self, oneshot::Receiver<Outcome>) {
        let (sender, receiver) = oneshot::channel();
        let sender = Arc::new(Mutex::new(Some(sender)));
        (Self { sender, link }, receiver)
    }

    fn send(
        &self,
        outcome: std::result::Result<http::Response<WasiBody>, HttpError>,
        preview: Preview,
    ) {
        if let Some(sender) = self.take() {
            let outcome =
                outcome.map(|response| response.map(|body| self.link.attach(body, preview)));
            // When nobody waits, the client has gone, and the guest is about to be stopped.
            let _ = sender.send(outcome);
        }
    }

    pub(super) fn is_sent(&self) -> bool {
        self.sender
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    fn take(&self) -> Option<oneshot::Sender<Outcome>> {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.take()
    }
}

impl Incoming {
    pub(super) fn new(pre: &InstancePre<State>, preview: Preview) -> Result<Self> {
        Ok(match preview {
            Preview::P2 => Self::P2(p2::bindings::ProxyIndices::new(pre)?),
            Preview::P3 => Self::P3(p3::bindings::ServiceIndices::new(pre)?),
        })
    }
}

impl Export for Incoming {
    type Found = Server;

    fn again(&self, pre: &InstancePre<State>) -> Result<Self> {
        let preview = match self {
            Self::P2(_) => Preview::P2,
            Self::P3(_) => Preview::P3,
        };
        Self::new(pre, preview)
    }

    fn find(&self, store: &mut Store<State>, instance: &Instance) -> Result<Server> {
        Ok(match self {
            Self::P2(indices) => Server::P2(indices.load(store, instance)?),
            Self::P3(indices) => Server::P3(indices.load(store, instance)?),
        })
    }
}

/// The handler of one instance.
pub(super) enum Server {
    P2(p2::bindings::Proxy),
    P3(p3::bindings::Service),
}

impl Server {
    /// Runs a request until the guest has nothing more to do. `ended` tells when nobody takes any more of the body.
    pub(super) async fn serve(
        self,
        store: &mut Store<State>,
        request: Request,
        answer: &Answer,
        ended: CancellationToken,
    ) -> Result<()> {
        match self {
            Self::P2(proxy) => serve_p2(&proxy, store, request, answer).await,
            Self::P3(service) => serve_p3(&service, store, request, answer, ended).await,
        }
    }
}

async fn serve_p2(
    proxy: &p2::bindings::Proxy,
    store: &mut Store<State>,
    request: Request,
    answer: &Answer,
) -> Result<()> {
    let mut view = http(store.data_mut());
    let scheme = match request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
        true => Scheme::Https,
        false => Scheme::Http,
    };
    let request = view.new_incoming_request(scheme, request)?;
    let out = view.new_response_outparam_from_callback({
        let answer = answer.clone();
        move |response| answer.send(response.map_err(HttpError::from), Preview::P2)
    })?;
    proxy
        .wasi_http_incoming_handler()
        .call_handle(store, request, out)
        .await
}

async fn serve_p3(
    service: &p3::bindings::Service,
    store: &mut Store<State>,
    request: Request,
    answer: &Answer,
    ended: CancellationToken,
) -> Result<()> {
    let (request, sent) = p3::Request::from_http(http(store.data_mut()).hooks, request);
    let request = store.data_mut().table().push(request)?;
    store
        .run_concurrent(async |accessor| {
            match service
                .wasi_http_handler()
                .call_handle(accessor, request)
                .await?
            {
                Ok(response) => {
                    let response = accessor.with(|mut store| {
                        let response = store.get().table().delete(response)?;
                        response.into_http_with_getter(&mut store, sent, http)
                    })?;
                    answer.send(Ok(response), Preview::P3);
                    // Streams move only while this runs, whoever feeds them: a guest may have passed on a stream that
                    // the host writes to, and be done long before its end.
                    ended.cancelled().await;
                }
                Err(code) => answer.send(Err(HttpError::from(code)), Preview::P3),
            }
            poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            Ok(())
        })
        .await?
}
