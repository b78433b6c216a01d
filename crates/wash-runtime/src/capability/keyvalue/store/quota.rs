//! How much a store may hold.

use std::sync::atomic::{AtomicU64, Ordering};

use super::StoreError;

/// The bytes of all keys and values of a store, at most.
#[derive(Debug)]
pub(super) struct Quota(AtomicU64);

impl Default for Quota {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl Quota {
    /// `None` for no limit.
    pub(super) fn set(&self, bytes: Option<u64>) {
        self.0.store(bytes.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn limit(&self) -> Option<u64> {
        let limit = self.0.load(Ordering::Relaxed);
        (limit != u64::MAX).then_some(limit)
    }

    /// What is used after a change; what makes more room is never refused.
    pub(super) fn charge(&self, used: u64, before: u64, after: u64) -> Result<u64, StoreError> {
        let next = used.saturating_sub(before).saturating_add(after);
        match self.limit() {
            Some(limit) if next > limit && after > before => Err(StoreError::Full { limit }),
            _ => Ok(next),
        }
    }
}

/// What an entry counts for.
pub(super) fn size(key: &str, value: usize) -> u64 {
    (key.len() + value) as u64
}

/// The bytes of all values that one call reads, at most.
pub(super) const MAX_ANSWER: u64 = 256 << 20;

/// Counts what one call reads, before it is all in memory.
#[derive(Default)]
pub(super) struct AnswerSize(u64);

impl AnswerSize {
    pub(super) fn add(&mut self, value: usize) -> Result<(), StoreError> {
        self.0 = self.0.saturating_add(value as u64);
        match self.0 <= MAX_ANSWER {
            true => Ok(()),
            false => Err(StoreError::TooMuch),
        }
    }
}
