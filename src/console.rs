//! The terminal of a session: whole lines, never interleaved, with the guest's lines prefixed.
//!
//! Talk goes to stderr; what a guest wrote to its stdout goes to stdout.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use anstream::ColorChoice;

use crate::http::RequestId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestStream {
    Stdout,
    Stderr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}

#[derive(Clone)]
pub struct Console {
    captured: Option<Captured>,
}

/// What a captured console was told, for tests.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<String>>);

impl Captured {
    pub fn text(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Console {
    pub fn stdio(_color: ColorChoice) -> Self {
        Self { captured: None }
    }

    pub fn capture() -> (Self, Captured) {
        let captured = Captured::default();
        (
            Self {
                captured: Some(captured.clone()),
            },
            captured,
        )
    }

    pub fn talk(&self, line: &str) {
        match &self.captured {
            Some(captured) => {
                let mut text = captured.0.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(line);
                text.push('\n');
            }
            None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }

    pub fn guest(
        &self,
        _stream: GuestStream,
        member: &str,
        request: Option<RequestId>,
        bytes: &str,
    ) {
        match request {
            Some(id) => self.talk(&format!("{member} {id} | {bytes}")),
            None => self.talk(&format!("{member} | {bytes}")),
        }
    }

    pub fn guest_log(
        &self,
        level: Level,
        member: &str,
        request: Option<RequestId>,
        context: &str,
        message: &str,
    ) {
        self.guest(
            GuestStream::Stderr,
            member,
            request,
            &format!("{level:?} {context} {message}"),
        );
    }
}
