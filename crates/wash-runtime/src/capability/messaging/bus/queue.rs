//! What waits for one subscriber, and who may take from it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::{Bus, Envelope, Refusal, Subscription};
use crate::messages::Subject;

pub(super) struct Queue {
    subscription: Subscription,
    waiting: VecDeque<Envelope>,
    /// How many there are in what waits.
    bytes: u64,
    /// Wakes the one lease there is on this queue, and tells it from those there were before.
    wake: Arc<Notify>,
}

/// The right to take messages from a queue, until another version has it.
pub(in crate::capability::messaging) struct Lease {
    bus: Arc<Bus>,
    wake: Arc<Notify>,
}

impl Queue {
    /// With what waited in the queue `before`, whose lease ends.
    pub(super) fn new(subscription: Subscription, before: Option<Queue>) -> Self {
        let waits = before.map(|mut queue| (std::mem::take(&mut queue.waiting), queue.bytes));
        let (waiting, bytes) = waits.unwrap_or_default();
        Self {
            subscription,
            waiting,
            bytes,
            wake: Arc::default(),
        }
    }

    pub(super) fn lease(&self, bus: &Arc<Bus>) -> Lease {
        Lease {
            bus: Arc::clone(bus),
            wake: Arc::clone(&self.wake),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.subscription.name
    }

    pub(super) fn wants(&self, subject: &Subject) -> bool {
        let patterns = &self.subscription.patterns;
        patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(subject))
    }

    /// Why there is no room for a message, if there is none.
    pub(super) fn refusal(&self, envelope: &Envelope) -> Option<Refusal> {
        let Subscription {
            most, most_bytes, ..
        } = self.subscription;
        let bytes = self.bytes.saturating_add(length(envelope));
        let has_place = self.waiting.len() < most.get();
        if has_place && bytes <= most_bytes.get() {
            return None;
        }
        let (subject, queue) = (envelope.subject.clone(), self.subscription.name.clone());
        Some(match has_place {
            false => Refusal::Full {
                subject,
                queue,
                most,
            },
            true => Refusal::TooMuch {
                subject,
                queue,
                bytes,
                most: most_bytes,
            },
        })
    }

    pub(super) fn put(&mut self, envelope: Envelope) {
        self.bytes += length(&envelope);
        self.waiting.push_back(envelope);
        self.wake.notify_one();
    }

    fn take(&mut self) -> Option<Envelope> {
        let envelope = self.waiting.pop_front()?;
        self.bytes -= length(&envelope);
        Some(envelope)
    }

    /// Takes out of the queue what is not to be handled.
    pub(super) fn drop_waiting(&mut self, is_dropped: impl Fn(&Envelope) -> bool) -> Vec<Envelope> {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let (dropped, kept): (Vec<_>, Vec<_>) = waiting.partition(is_dropped);
        self.waiting = kept.into();
        self.bytes = self.waiting.iter().map(length).sum();
        dropped
    }
}

/// In bytes.
fn length(envelope: &Envelope) -> u64 {
    let reply_to = envelope.reply_to.as_ref();
    let names = envelope.subject.as_str().len() + reply_to.map_or(0, |name| name.as_str().len());
    (names + envelope.body.len()) as u64
}

impl Drop for Queue {
    fn drop(&mut self) {
        // Its lease finds that it has ended.
        self.wake.notify_one();
    }
}

impl Lease {
    /// Waits for the next message. `None` once the lease has ended.
    ///
    /// `begin` is called in the step that takes the message from the queue: to whoever ends the lease, a message either
    /// waits or has begun.
    pub(in crate::capability::messaging) async fn next<T>(
        &self,
        begin: impl Fn() -> T,
    ) -> Option<(Envelope, T)> {
        loop {
            {
                let mut state = self.bus.state();
                let mut queues = state.queues.iter_mut();
                let queue = queues.find(|queue| Arc::ptr_eq(&queue.wake, &self.wake))?;
                if let Some(envelope) = queue.take() {
                    return Some((envelope, begin()));
                }
            }
            self.wake.notified().await;
        }
    }
}
