//! `wasmcloud:messaging/consumer@0.2`, which publishes in spite of its name.
//!
//! A member that waits for an answer takes no thread.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmtime::component::LinkerInstance;
use wasmtime::{Result, StoreContextMut};

use super::Access;
use super::bus::{Bus, Envelope};
use crate::instance::State;
use crate::messages::{Message, Subject};

pub(super) fn add(instance: &mut LinkerInstance<'_, State>, member: usize) -> Result<()> {
    instance.func_wrap(
        "publish",
        move |store: StoreContextMut<'_, State>, (message,): (Message,)| {
            Ok((bus(&store, member).and_then(|bus| publish(&bus, message)),))
        },
    )?;
    instance.func_wrap_async(
        "request",
        move |store: StoreContextMut<'_, State>,
              (subject, body, milliseconds): (String, Vec<u8>, u32)| {
            let bus = bus(&store, member);
            let patience = Duration::from_millis(milliseconds.into());
            Box::new(async move {
                let answer = match bus {
                    Ok(bus) => request(&bus, &subject, body, patience).await,
                    Err(reason) => Err(reason),
                };
                Ok((answer,))
            })
        },
    )
}

fn bus(store: &StoreContextMut<'_, State>, member: usize) -> std::result::Result<Arc<Bus>, String> {
    let access = store.data().setup(member).extensions.get::<Access>();
    let bus = access.and_then(|access| access.0.0.get().cloned());
    bus.ok_or_else(|| "messages cannot be sent before the workload runs".to_owned())
}

fn publish(bus: &Bus, message: Message) -> std::result::Result<(), String> {
    let envelope = Envelope {
        subject: subject(&message.subject)?,
        reply_to: message.reply_to.as_deref().map(subject).transpose()?,
        body: message.body.into(),
    };
    let to = envelope.subject.clone();
    let count = bus
        .publish(envelope)
        .map_err(|refusal| refusal.to_string())?;
    tracing::debug!("a message on `{to}` is in {count} of the queues");
    Ok(())
}

async fn request(
    bus: &Arc<Bus>,
    to: &str,
    body: Vec<u8>,
    patience: Duration,
) -> std::result::Result<Message, String> {
    let answer = bus.request(subject(to)?, Bytes::from(body), patience);
    let answer = answer.await.map_err(|refusal| refusal.to_string())?;
    tracing::debug!("the request on `{to}` was answered");
    Ok(answer.into())
}

fn subject(text: &str) -> std::result::Result<Subject, String> {
    text.parse::<Subject>().map_err(|error| error.to_string())
}

impl From<Envelope> for Message {
    fn from(envelope: Envelope) -> Self {
        Self {
            subject: envelope.subject.to_string(),
            body: envelope.body.into(),
            reply_to: envelope.reply_to.map(|subject| subject.to_string()),
        }
    }
}
