//! Reminds people of a build that goes on in silence: it may be a command that never ends, such as a watcher.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use wash_common::process::{Command, text};

use crate::console::Console;
use crate::dev::lines;

/// After so long without a word from the tools, and then after longer and longer.
const SILENCE: Duration = Duration::from_secs(10);
const MAX_SILENCE: Duration = Duration::from_secs(600);

/// When a build last printed something.
#[derive(Debug, Clone)]
pub(super) struct LastPrinted(Arc<Mutex<Instant>>);

impl Default for LastPrinted {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl LastPrinted {
    pub(super) fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn get(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Reminder {
    console: Console,
    unit: String,
    command: String,
    printed: LastPrinted,
}

impl Reminder {
    pub(super) fn new(
        console: &Console,
        unit: &str,
        command: &Command,
        printed: LastPrinted,
    ) -> Self {
        Self {
            console: console.clone(),
            unit: unit.to_string(),
            command: text(command),
            printed,
        }
    }

    /// Until it is dropped.
    pub(super) async fn run(self) -> Infallible {
        let begin = Instant::now();
        let mut silence = SILENCE;
        loop {
            let due = self.printed.get().max(begin) + silence;
            tokio::time::sleep_until(due.into()).await;
            if Instant::now() < self.printed.get().max(begin) + silence {
                continue;
            }
            let elapsed = begin.elapsed();
            let fields = json!({
                "component": self.unit,
                "command": self.command,
                "elapsed_ms": elapsed.as_secs_f64() * 1e3,
            });
            let text = lines::still_building(&self.unit, &self.command, elapsed);
            self.console.tell("building", fields, &text);
            silence = (silence * 6).min(MAX_SILENCE);
        }
    }
}
