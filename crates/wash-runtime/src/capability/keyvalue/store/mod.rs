//! Where keys and values are kept. Backends implement [`Store`], and know neither WIT nor wasmtime.
//!
//! A store has buckets, and a bucket has keys. A bucket needs no making: one that was never written to is empty. What a
//! write has acknowledged is there for every later read, of whatever instance; a store that outlives the process has it
//! on disk by then.

mod database;
mod directory;
mod file_name;
mod memory;
mod quota;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use wash_common::units::exact_size;

pub(super) use database::{Database, OpenError};
pub(super) use directory::Directory;
pub(super) use memory::Memory;

#[async_trait]
pub(super) trait Store: Send + Sync {
    /// Whether there can be a bucket of this name.
    fn check_bucket(&self, _bucket: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// How many bytes of keys and values it may hold; `None` for any number.
    fn set_quota(&self, bytes: Option<u64>);

    /// What a bucket has under each of these keys.
    async fn get(&self, bucket: &str, keys: Vec<String>) -> Result<Vec<Option<Entry>>, StoreError>;

    /// Keys in their order, `most` of them or all that are left.
    async fn keys(&self, bucket: &str, from: Start, most: usize)
    -> Result<Vec<String>, StoreError>;

    /// Writes in this order. A store that keeps everything in one file does all of them or none.
    async fn write(&self, bucket: &str, writes: Vec<Write>) -> Result<(), StoreError>;

    /// Adds to a number that is kept as decimal text; 0 if there is none. Nothing comes between reading and writing.
    async fn add(&self, bucket: &str, key: &str, addition: Addition) -> Result<i128, StoreError>;

    /// Writes a value if the key has not been written to since it was read; returns whether it did.
    async fn swap(
        &self,
        bucket: &str,
        key: &str,
        read: Option<Version>,
        value: Vec<u8>,
    ) -> Result<bool, StoreError>;
}

/// A value as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) value: Vec<u8>,
    pub(super) version: Version,
}

/// Another one after every write of a key, also of an equal value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(pub(super) u64);

/// Where a page of keys begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    After(String),
    /// After so many keys; 0 is the first.
    Skip(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Write {
    Set { key: String, value: Vec<u8> },
    Delete { key: String },
}

/// What is added to a number, and which numbers it may become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Addition {
    pub(super) delta: i128,
    pub(super) range: RangeInclusive<i128>,
}

impl Addition {
    /// The sum with what a key has now.
    fn to(&self, value: Option<&[u8]>, key: &str) -> Result<i128, StoreError> {
        let number = match value {
            None => 0,
            Some(value) => std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .ok_or_else(|| StoreError::NotANumber(key.to_owned()))?,
        };
        i128::checked_add(number, self.delta)
            .filter(|sum| self.range.contains(sum))
            .ok_or_else(|| StoreError::OutOfRange {
                key: key.to_owned(),
                number,
                delta: self.delta,
            })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoreError {
    #[error("the value of `{0}` is not a number in decimal text")]
    NotANumber(String),
    #[error("`{key}` is {number}, and adding {delta} overflows its type")]
    OutOfRange {
        key: String,
        number: i128,
        delta: i128,
    },
    /// Of what is too long to be the name of a file.
    #[error("the {kind} is too long: {length} bytes as the name of a file, {most} are possible")]
    TooLong {
        kind: NameKind,
        length: usize,
        most: usize,
    },
    #[error("the store is full: its limit is {} of keys and values; `keyvalue.quota` raises it", exact_size(*.limit))]
    Full { limit: u64 },
    #[error(
        "these values have more than the {} that one call may read",
        exact_size(quota::MAX_ANSWER)
    )]
    TooMuch,
    #[error("{0}")]
    Failed(String),
}

impl StoreError {
    /// Whether the user can do something about it, and the component cannot.
    pub(super) fn concerns_user(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Failed(_))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    Bucket,
    Key,
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bucket => "name of the bucket",
            Self::Key => "key",
        })
    }
}

/// Runs what waits for a disk where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Failed(format!("the store failed: {error}"))),
    }
}
