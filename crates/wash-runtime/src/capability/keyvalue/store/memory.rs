//! Keys and values in memory, for as long as somebody has the store.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::quota::{AnswerSize, Quota};
use super::{Addition, Entry, Start, Store, StoreError, Version, Write, quota};

/// What an entry takes beside its key and its value, about.
const OVERHEAD: u64 = 128;

#[derive(Debug, Default)]
pub(in super::super) struct Memory {
    buckets: Mutex<Buckets>,
    quota: Quota,
}

#[derive(Debug, Default)]
struct Buckets {
    buckets: BTreeMap<String, BTreeMap<String, Entry>>,
    /// Of the last write.
    version: u64,
    /// What all entries count for.
    used: u64,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    fn entry(&self, bucket: &str, key: &str) -> Option<&Entry> {
        self.buckets.get(bucket)?.get(key)
    }

    fn write(&mut self, bucket: &str, write: Write, quota: &Quota) -> Result<(), StoreError> {
        let (Write::Set { key, .. } | Write::Delete { key }) = &write;
        let before = self.entry(bucket, key);
        let before = before.map_or(0, |entry| size(key, &entry.value));
        match write {
            Write::Set { key, value } => {
                self.used = quota.charge(self.used, before, size(&key, &value))?;
                self.version += 1;
                let version = Version(self.version);
                let keys = self.buckets.entry(bucket.to_owned()).or_default();
                keys.insert(key, Entry { value, version });
            }
            Write::Delete { key } => {
                self.used = self.used.saturating_sub(before);
                if let Some(keys) = self.buckets.get_mut(bucket) {
                    keys.remove(&key);
                    if keys.is_empty() {
                        self.buckets.remove(bucket);
                    }
                }
            }
        }
        Ok(())
    }
}

fn size(key: &str, value: &[u8]) -> u64 {
    quota::size(key, value.len()) + OVERHEAD
}

#[async_trait]
impl Store for Memory {
    fn set_quota(&self, bytes: Option<u64>) {
        self.quota.set(bytes);
    }

    async fn get(&self, bucket: &str, keys: Vec<String>) -> Result<Vec<Option<Entry>>, StoreError> {
        let buckets = self.lock();
        let mut size = AnswerSize::default();
        let entry = |key: &String| match buckets.entry(bucket, key) {
            Some(entry) => size.add(entry.value.len()).map(|()| Some(entry.clone())),
            None => Ok(None),
        };
        keys.iter().map(entry).collect()
    }

    async fn keys(
        &self,
        bucket: &str,
        from: Start,
        most: usize,
    ) -> Result<Vec<String>, StoreError> {
        let buckets = self.lock();
        let Some(keys) = buckets.buckets.get(bucket) else {
            return Ok(Vec::new());
        };
        let (start, skip) = match from {
            Start::After(key) => (Bound::Excluded(key), 0),
            Start::Skip(count) => (Bound::Unbounded, count),
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let keys = keys.range((start, Bound::Unbounded)).skip(skip).take(most);
        Ok(keys.map(|(key, _)| key.clone()).collect())
    }

    async fn write(&self, bucket: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut buckets = self.lock();
        for write in writes {
            buckets.write(bucket, write, &self.quota)?;
        }
        Ok(())
    }

    async fn add(&self, bucket: &str, key: &str, addition: Addition) -> Result<i128, StoreError> {
        let mut buckets = self.lock();
        let before = buckets.entry(bucket, key);
        let sum = addition.to(before.map(|entry| entry.value.as_slice()), key)?;
        let (key, value) = (key.to_owned(), sum.to_string().into());
        buckets.write(bucket, Write::Set { key, value }, &self.quota)?;
        Ok(sum)
    }

    async fn swap(
        &self,
        bucket: &str,
        key: &str,
        read: Option<Version>,
        value: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let mut buckets = self.lock();
        let unchanged = buckets.entry(bucket, key).map(|entry| entry.version) == read;
        if unchanged {
            let key = key.to_owned();
            buckets.write(bucket, Write::Set { key, value }, &self.quota)?;
        }
        Ok(unchanged)
    }
}
