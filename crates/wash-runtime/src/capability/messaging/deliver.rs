//! Hands what waits in a queue to the component that subscribed, as many messages at a time as its limits allow.

use std::sync::Arc;

use super::bus::{Bus, Lease};
use crate::messages::MessageHandler;

/// Goes on until another version has the queue, or nobody. What has begun by then is finished.
pub(super) async fn deliver(bus: Arc<Bus>, lease: Lease, handler: Arc<dyn MessageHandler>) {
    loop {
        // Nothing is taken from the queue that cannot be handled at once: whoever comes next is to have it.
        let turn = handler.turn().await;
        let Some((envelope, flight)) = lease.next(|| handler.flight()).await else {
            return;
        };
        let (bus, handler) = (Arc::clone(&bus), Arc::clone(&handler));
        tokio::spawn(async move {
            tracing::debug!(
                "a message on `{}` to `{}`",
                envelope.subject,
                handler.name()
            );
            let reply_to = envelope.reply_to.clone();
            let handled = handler.handle(envelope.into(), turn, flight).await;
            if let (Err(reason), Some(reply_to)) = (handled, reply_to) {
                bus.failed(&reply_to, &reason);
            }
        });
    }
}
