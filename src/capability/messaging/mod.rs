//! `wasmcloud:messaging`: what a message is.

use wasmtime::component::{ComponentType, Lift, Lower};

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
