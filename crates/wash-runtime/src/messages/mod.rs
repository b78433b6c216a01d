//! Messages as workloads take them, between whoever delivers them and whoever runs the component.

mod subject;

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::activity::InFlightGuard;

pub(crate) use subject::{Pattern, Subject};

/// A message: `broker-message` of `wasmcloud:messaging/types@0.2`.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Message {
    pub(crate) subject: String,
    pub(crate) body: Vec<u8>,
    /// Where an answer is expected, if one is.
    #[component(name = "reply-to")]
    pub(crate) reply_to: Option<String>,
}

/// Leave to have one message handled.
pub(crate) struct Turn {
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// A component that is ready to take messages.
#[async_trait]
pub(crate) trait MessageHandler: Send + Sync {
    /// Of the member that is called.
    fn name(&self) -> &str;

    /// Waits until one more message may be handled.
    async fn turn(&self) -> Turn;

    /// Counts a message from now on.
    fn flight(&self) -> InFlightGuard;

    /// Has a message handled. Dropping this stops the guest.
    ///
    /// What goes wrong was told as an event when this returns; the error is its first line.
    async fn handle(
        &self,
        message: Message,
        turn: Turn,
        flight: InFlightGuard,
    ) -> Result<(), String>;

    /// For tests of one message.
    #[cfg(test)]
    async fn handle_in_turn(&self, message: Message) -> Result<(), String> {
        let flight = self.flight();
        self.handle(message, self.turn().await, flight).await
    }
}

/// An entry that takes messages.
pub(crate) struct Receiving {
    /// None subscribes to everything.
    pub(crate) subscriptions: Vec<Pattern>,
    /// How many messages may wait.
    pub(crate) queued: NonZeroUsize,
    /// How many bytes it has, and may wait for it.
    pub(crate) memory: NonZeroU64,
    pub(crate) handler: Arc<dyn MessageHandler>,
}
