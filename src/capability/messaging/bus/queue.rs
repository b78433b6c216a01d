//! What waits for one subscriber, and who may take from it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::{Bus, Envelope, Refusal, Subscription};
use crate::capability::messaging::subject::Subject;

pub(super) struct Queue {
    subscription: Subscription,
    waiting: VecDeque<Envelope>,
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
        let waiting = before.map(|mut queue| std::mem::take(&mut queue.waiting));
        Self {
            subscription,
            waiting: waiting.unwrap_or_default(),
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

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= self.subscription.most.get()
    }

    pub(super) fn refusal(&self, subject: &Subject) -> Refusal {
        Refusal::Full {
            subject: subject.clone(),
            queue: self.subscription.name.clone(),
            most: self.subscription.most,
        }
    }

    pub(super) fn put(&mut self, envelope: Envelope) {
        self.waiting.push_back(envelope);
        self.wake.notify_one();
    }

    /// Takes out of the queue what is not to be handled.
    pub(super) fn drop_waiting(&mut self, is_dropped: impl Fn(&Envelope) -> bool) -> Vec<Envelope> {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let (dropped, kept): (Vec<_>, Vec<_>) = waiting.partition(is_dropped);
        self.waiting = kept.into();
        dropped
    }
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
                if let Some(envelope) = queue.waiting.pop_front() {
                    return Some((envelope, begin()));
                }
            }
            self.wake.notified().await;
        }
    }
}
