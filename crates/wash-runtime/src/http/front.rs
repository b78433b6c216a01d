//! The swap slot: what answers requests at this moment.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Response;
use http::uri::Scheme;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::access::Ticket;
use super::connection::InFlight;
use super::{AllowedHosts, Body, Handler, Page, Request, Stop, Wants, page, target};
use crate::events::{Events, RequestId};

/// How many pages in browsers may wait for something better to show, and for how long each before it asks again.
const MAX_WAITING: usize = 64;
const MAX_WAIT: Duration = Duration::from_secs(30);

/// How many pages are known again when they ask.
const MAX_SHOWN: usize = 64;

/// Stands in front of the handlers of a session; clones are the same front.
///
/// A request is answered by what is in the slot when its head arrives, and holds on to that until its response's body
/// has ended: whoever drops the last handle on a replaced handler knows that its last request is done.
#[derive(Clone)]
pub struct HttpService {
    inner: Arc<Inner>,
}

struct Inner {
    slot: watch::Sender<Slot>,
    events: Events,
    last_id: AtomicU64,
    in_flight: Arc<AtomicUsize>,
    /// The editions of the last pages that were shown.
    shown: Mutex<VecDeque<String>>,
    waiting: Semaphore,
    hosts: Mutex<Hosts>,
}

/// Which hosts requests may be for.
#[derive(Default)]
struct Hosts {
    allowed: AllowedHosts,
    /// Those of which the user was told that they are refused.
    refused: BTreeSet<String>,
}

/// Of how many hosts the user is told that they are refused.
const MAX_REFUSED_HOSTS: usize = 20;

/// A request that has come in.
pub(super) struct Arrival {
    pub(super) request: Request,
    /// Why it is no valid request.
    pub(super) refused: Option<&'static str>,
    pub(super) in_flight: InFlight,
}

#[derive(Clone)]
enum Slot {
    Serving(Arc<dyn Handler>),
    /// Nothing to serve yet; the page says why.
    Unavailable(Arc<Page>),
}

impl HttpService {
    /// Answers with [`Page::starting`] until told otherwise. The access log goes to the console.
    pub fn new(events: Events) -> Self {
        let page = Page::starting();
        let inner = Inner {
            shown: Mutex::new([page.edition()].into()),
            waiting: Semaphore::new(MAX_WAITING),
            slot: watch::Sender::new(Slot::Unavailable(Arc::new(page))),
            events,
            last_id: AtomicU64::new(0),
            in_flight: Arc::new(AtomicUsize::new(0)),
            hosts: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// From now on, this handler answers new requests.
    pub fn serve(&self, handler: Arc<dyn Handler>) {
        self.put(Slot::Serving(handler));
    }

    /// From now on, this page answers new requests.
    pub fn unavailable(&self, page: Page) {
        let mut shown = self
            .inner
            .shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shown.push_back(page.edition());
        if shown.len() > MAX_SHOWN {
            shown.pop_front();
        }
        drop(shown);
        self.put(Slot::Unavailable(Arc::new(page)));
    }

    /// From now on, requests may be for these hosts, beside those that lead nowhere else.
    pub fn allow_hosts(&self, allowed: AllowedHosts) {
        let hosts = self.inner.hosts.lock();
        *hosts.unwrap_or_else(PoisonError::into_inner) = Hosts {
            allowed,
            ..Hosts::default()
        };
    }

    /// Requests whose response's body has not ended yet.
    pub fn in_flight(&self) -> usize {
        self.inner.in_flight.load(Ordering::Relaxed)
    }

    /// Answers one request. `stop` tells whether it is the server that cut the response off.
    pub(super) async fn answer(&self, arrival: Arrival, stop: &Stop) -> Response<Body> {
        let Arrival {
            request,
            refused,
            in_flight,
        } = arrival;
        let refusal = match refused {
            Some(reason) => Some(Page::bad_request(reason)),
            None => self.refused_host(&request),
        };
        // A project may have a header of this name as well.
        if let (None, Some(edition)) = (&refusal, page::waiting(request.headers()))
            && self.has_shown(edition)
        {
            return self.out_of_date(edition, stop).await;
        }
        let id = RequestId(self.inner.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        let aborted = stop.immediate.clone();
        let ticket = Ticket::new(
            id,
            &request,
            &self.inner.events,
            &self.inner.in_flight,
            aborted,
            in_flight,
        );
        if let Some(page) = refusal {
            return ticket.track(page.response(Wants::of(request.headers())), None);
        }
        let slot = self.inner.slot.borrow().clone();
        match slot {
            Slot::Serving(handler) => {
                let response = handler.handle(request, id).await;
                ticket.track(response, Some(handler))
            }
            Slot::Unavailable(page) => {
                ticket.track(page.response(Wants::of(request.headers())), None)
            }
        }
    }

    /// The answer to a request for a host that is not ours, as far as we know. A certificate tells a browser as much, so
    /// inside TLS the name does not matter.
    fn refused_host(&self, request: &Request) -> Option<Page> {
        let host = target::host(request)?;
        if request.extensions().get::<Scheme>() == Some(&Scheme::HTTPS) {
            return None;
        }
        let is_news = {
            let hosts = self.inner.hosts.lock();
            let mut hosts = hosts.unwrap_or_else(PoisonError::into_inner);
            if hosts.allowed.allows(&host) {
                return None;
            }
            hosts.refused.len() < MAX_REFUSED_HOSTS && hosts.refused.insert(host.clone())
        };
        if is_news {
            self.inner.events.warn(&page::host_warning(&host));
        }
        Some(Page::host_not_allowed(&host))
    }

    /// Answers a page in a browser when there is something better to show. That is not a request to the project, so
    /// it has no number and no access line.
    async fn out_of_date(&self, edition: &str, stop: &Stop) -> Response<Body> {
        let Ok(_permit) = self.inner.waiting.try_acquire() else {
            return page::waited(false);
        };
        let mut slot = self.inner.slot.subscribe();
        let another = |slot: &Slot| match slot {
            Slot::Serving(_) => true,
            Slot::Unavailable(page) => page.edition() != edition,
        };
        tokio::select! {
            changed = timeout(MAX_WAIT, slot.wait_for(another)) => page::waited(changed.is_ok()),
            () = stop.graceful.cancelled() => page::waited(false),
        }
    }

    fn has_shown(&self, edition: &str) -> bool {
        let shown = self
            .inner
            .shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shown.iter().any(|known| known == edition)
    }

    #[cfg(test)]
    pub(super) fn pages_waiting(&self) -> usize {
        self.inner.slot.receiver_count()
    }

    fn put(&self, slot: Slot) {
        // The old slot is dropped here, after the lock: a handler may run its owner's code as it goes.
        drop(self.inner.slot.send_replace(slot));
    }
}
