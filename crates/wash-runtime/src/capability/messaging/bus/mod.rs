//! Takes messages to the queues of those who subscribed, in memory. Knows neither components nor how messages are
//! handled.
//!
//! A bus outlives the versions of its workload: each version takes over the queues of the one before ([`Bus::take_over`])
//! with what waits in them. What a version may take from a queue ends with its [`Lease`], in the same step.
//!
//! A message is put into all queues that want it or, when one of them is full, into none, so that who publishes it again
//! sends it to nobody twice. An answer to a request goes to whoever asked and to nobody else: a subscription to `>` sees
//! requests, and no answers.

mod inbox;
mod queue;
#[cfg(test)]
mod tests;

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::messages::{Pattern, Subject};
use inbox::{Inboxes, Waiting};
use queue::Queue;
use wash_common::units;

pub(super) use queue::Lease;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) subject: Subject,
    /// Where an answer is expected, if one is.
    pub(super) reply_to: Option<Subject>,
    pub(super) body: Bytes,
}

/// A subscriber, as a version of the workload describes it.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    /// Of the queue. Unique in its version, and the same from version to version.
    pub(super) name: String,
    /// None subscribes to everything.
    pub(super) patterns: Vec<Pattern>,
    /// How many messages may wait.
    pub(super) most: NonZeroUsize,
    /// How many bytes the messages that wait may have, all together.
    pub(super) most_bytes: NonZeroU64,
}

/// Messages that nobody will handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) queue: String,
    pub(super) count: usize,
}

/// Why a message was not taken, or a request not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no responders: nothing subscribes to `{subject}`")]
    NoResponders { subject: Subject },
    #[error(
        "the message on `{subject}` was rejected: the queue of `{queue}`, which holds {most}, is full"
    )]
    Full {
        subject: Subject,
        queue: String,
        most: NonZeroUsize,
    },
    #[error(
        "the message on `{subject}` was rejected: what waits in the queue of `{queue}` would have {bytes} bytes, \
         more than the {most} of its memory limit"
    )]
    TooMuch {
        subject: Subject,
        queue: String,
        bytes: u64,
        most: NonZeroU64,
    },
    #[error("timeout: the request on `{subject}` was not answered within {}", units::duration(*.patience))]
    Timeout {
        subject: Subject,
        patience: Duration,
    },
    #[error("the request on `{subject}` failed: {reason}")]
    Failed { subject: Subject, reason: String },
    #[error("the message on `{subject}` was rejected: the workload is stopping")]
    Stopping { subject: Subject },
}

#[derive(Default)]
pub(super) struct Bus(Mutex<State>);

#[derive(Default)]
struct State {
    queues: Vec<Queue>,
    inboxes: Inboxes,
    /// Only requests are still taken.
    stopping: bool,
}

impl Bus {
    /// Gives a message to all who want it. Returns how many these are.
    pub(super) fn publish(&self, envelope: Envelope) -> Result<usize, Refusal> {
        self.state().publish(envelope)
    }

    /// Asks, and waits for the first answer. Ends at once when nobody is there to answer, or when all who were asked
    /// have failed.
    pub(super) async fn request(
        self: &Arc<Self>,
        subject: Subject,
        body: Bytes,
        patience: Duration,
    ) -> Result<Envelope, Refusal> {
        let mut waiting = self.ask(&subject, body)?;
        match tokio::time::timeout(patience, waiting.answer()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Refusal::Stopping { subject }),
            Err(_) => Err(Refusal::Timeout { subject, patience }),
        }
    }

    /// Puts a request into the queues of those who are to answer it.
    fn ask(self: &Arc<Self>, subject: &Subject, body: Bytes) -> Result<Waiting, Refusal> {
        let mut state = self.state();
        let (inbox, answer) = state.inboxes.open(subject);
        let asked = state.publish(Envelope {
            subject: subject.clone(),
            reply_to: Some(inbox.clone()),
            body,
        });
        if let Ok(count) = asked {
            state.inboxes.asked(&inbox, count);
        }
        drop(state);
        let waiting = Waiting::new(self, inbox, answer);
        match asked? {
            0 => Err(Refusal::NoResponders {
                subject: subject.clone(),
            }),
            _ => Ok(waiting),
        }
    }

    /// Tells that a request was handled without success. Whoever asked hears of it when nobody else is left to answer.
    pub(super) fn failed(&self, reply_to: &Subject, reason: &str) {
        self.state().inboxes.failed(reply_to, reason);
    }

    /// Makes the subscribers those of another version. A queue that both have goes on with what waits in it; the others
    /// go, and what waits in them is lost.
    pub(super) fn take_over(
        self: &Arc<Self>,
        subscriptions: Vec<Subscription>,
    ) -> (Vec<Lease>, Vec<Lost>) {
        let mut state = self.state();
        state.stopping = false;
        let mut before = std::mem::take(&mut state.queues);
        let mut leases = Vec::new();
        for subscription in subscriptions {
            let same = before
                .iter()
                .position(|queue| queue.name() == subscription.name);
            let queue = Queue::new(subscription, same.map(|index| before.swap_remove(index)));
            leases.push(queue.lease(self));
            state.queues.push(queue);
        }
        let lost = before.into_iter().filter_map(|mut queue| {
            let waiting = queue.drop_waiting(|_| true);
            for reply_to in waiting
                .iter()
                .filter_map(|envelope| envelope.reply_to.as_ref())
            {
                let reason = format!("`{}` no longer accepts messages", queue.name());
                state.inboxes.failed(reply_to, &reason);
            }
            Lost::of(&queue, waiting.len())
        });
        (leases, lost.collect())
    }

    /// From now on only requests are taken, for what is still being done. What else waits is lost.
    pub(super) fn stop(&self) -> Vec<Lost> {
        let mut state = self.state();
        state.stopping = true;
        let State {
            queues, inboxes, ..
        } = &mut *state;
        let stop = |queue: &mut Queue| {
            let waiting = queue.drop_waiting(|envelope| !inboxes.expect(envelope));
            Lost::of(queue, waiting.len())
        };
        queues.iter_mut().filter_map(stop).collect()
    }

    /// Ends all leases, and the wait of whoever asked for something.
    pub(super) fn close(&self) {
        *self.state() = State {
            stopping: true,
            ..State::default()
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn publish(&mut self, envelope: Envelope) -> Result<usize, Refusal> {
        let subject = &envelope.subject;
        if Inboxes::owns(subject) {
            return Ok(self.inboxes.answer(envelope));
        }
        if self.stopping && !self.inboxes.expect(&envelope) {
            return Err(Refusal::Stopping {
                subject: subject.clone(),
            });
        }
        let mut wanting = self.queues.iter().filter(|queue| queue.wants(subject));
        if let Some(refusal) = wanting.find_map(|queue| queue.refusal(&envelope)) {
            return Err(refusal);
        }
        let mut count = 0;
        for queue in &mut self.queues {
            if queue.wants(&envelope.subject) {
                queue.put(envelope.clone());
                count += 1;
            }
        }
        Ok(count)
    }
}

impl Lost {
    fn of(queue: &Queue, count: usize) -> Option<Self> {
        (count > 0).then(|| Self {
            queue: queue.name().to_owned(),
            count,
        })
    }
}
