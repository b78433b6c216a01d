//! Where those who asked wait for an answer: a subject for each request, that nobody can subscribe to.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Bus, Envelope, Refusal};
use crate::messages::Subject;

/// As NATS has it. All subjects below it belong to inboxes.
const PREFIX: &str = "_INBOX.";

type Answer = Result<Envelope, Refusal>;

#[derive(Default)]
pub(super) struct Inboxes {
    next: u64,
    open: HashMap<Subject, Inbox>,
}

struct Inbox {
    /// What was asked.
    subject: Subject,
    answer: oneshot::Sender<Answer>,
    /// How many were asked and have not failed.
    asked: usize,
}

/// Someone who has asked. The inbox closes when this is dropped.
pub(super) struct Waiting {
    bus: Arc<Bus>,
    inbox: Subject,
    answer: oneshot::Receiver<Answer>,
}

impl Inboxes {
    /// Whether a subject is that of an inbox, open or not.
    pub(super) fn owns(subject: &Subject) -> bool {
        subject.as_str().starts_with(PREFIX)
    }

    pub(super) fn open(&mut self, subject: &Subject) -> (Subject, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        let name = format!("{PREFIX}{}", self.next);
        let name: Subject = name.parse().expect("the name of an inbox is a subject");
        self.next += 1;
        let inbox = Inbox {
            subject: subject.clone(),
            answer: sender,
            asked: 0,
        };
        self.open.insert(name.clone(), inbox);
        (name, receiver)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// A request has gone to so many.
    pub(super) fn asked(&mut self, inbox: &Subject, count: usize) {
        if let Some(inbox) = self.open.get_mut(inbox) {
            inbox.asked = count;
        }
    }

    /// Whether somebody waits for an answer to this.
    pub(super) fn expect(&self, envelope: &Envelope) -> bool {
        let inbox = envelope.reply_to.as_ref();
        inbox.is_some_and(|inbox| self.open.contains_key(inbox))
    }

    /// Hands over an answer. Returns how many waited for it: the first answer is the only one.
    pub(super) fn answer(&mut self, envelope: Envelope) -> usize {
        let inbox = self.open.remove(&envelope.subject);
        let sent = inbox.and_then(|inbox| inbox.answer.send(Ok(envelope)).ok());
        sent.into_iter().count()
    }

    /// One of those who were asked has failed.
    pub(super) fn failed(&mut self, inbox: &Subject, reason: &str) {
        let Some(open) = self.open.get_mut(inbox) else {
            return;
        };
        open.asked = open.asked.saturating_sub(1);
        if open.asked == 0
            && let Some(Inbox {
                subject, answer, ..
            }) = self.open.remove(inbox)
        {
            // Whoever asked may have left.
            let _ = answer.send(Err(Refusal::Failed {
                subject,
                reason: reason.to_owned(),
            }));
        }
    }
}

impl Waiting {
    pub(super) fn new(bus: &Arc<Bus>, inbox: Subject, answer: oneshot::Receiver<Answer>) -> Self {
        Self {
            bus: Arc::clone(bus),
            inbox,
            answer,
        }
    }

    /// The answer. An error once nobody can give one any more.
    pub(super) async fn answer(&mut self) -> Result<Answer, oneshot::error::RecvError> {
        (&mut self.answer).await
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.bus.state().inboxes.open.remove(&self.inbox);
    }
}
