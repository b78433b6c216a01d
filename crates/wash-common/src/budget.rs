//! The time that candidates may take: what is slow, a network drive or a pipe where a file should be, is left out.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Milliseconds, for machines whose files are slow.
const VARIABLE: &str = "WASH_COMPLETE_TIMEOUT";

/// For the candidates of one argument, in milliseconds.
pub const EACH: u64 = 50;
/// For everything.
pub const WHOLE: u64 = 200;

/// Nobody waits longer for a tab.
const MAX: u64 = 10_000;

/// What `find` finds, if it finds it in time and does not panic.
pub fn within<T: Send + 'static>(
    usual: u64,
    find: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let work = move || {
        let _ = sender.send(find());
    };
    // It ends with the process.
    thread::Builder::new().spawn(work).ok()?;
    receiver.recv_timeout(time(usual)).ok()
}

/// How long something may take that usually takes so many milliseconds at most.
pub fn time(usual: u64) -> Duration {
    let set = std::env::var(VARIABLE).ok();
    let set = set.and_then(|text| text.parse().ok());
    Duration::from_millis(set.unwrap_or(usual).min(MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_slow_or_broken_is_left_out() {
        assert_eq!(within(EACH, || 1), Some(1));
        let (_sender, receiver) = mpsc::channel::<()>();
        assert_eq!(within(EACH, move || receiver.recv().is_ok()), None);
    }
}
