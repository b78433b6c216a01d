//! Keys and values in one file, an embedded database that survives being killed at any moment.
//!
//! One thread writes. It takes whatever waits at the moment into one transaction, syncs the file once, and only then
//! acknowledges all of it: many writers at a time cost hardly more than one.

use std::fs;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use redb::{DatabaseError, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError};
use tokio::sync::oneshot;

use super::{Addition, Entry, Start, Store, StoreError, Version, Write, blocking};

/// Bucket and key, to the version (8 bytes, little-endian) and the value.
const ENTRIES: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("entries");

/// The number of transactions that wrote something, under an empty key.
const COMMITS: TableDefinition<&str, u64> = TableDefinition::new("commits");

const VERSION_LENGTH: usize = 8;

/// How much of the file is kept in memory, in bytes.
const CACHE: usize = 16 << 20;

/// How many operations one transaction takes at most.
const BATCH: usize = 1024;

pub(in super::super) struct Database {
    file: Arc<redb::Database>,
    /// `None` while it is dropped.
    queue: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum OpenError {
    #[error("it is in use")]
    InUse,
    #[error("{0}")]
    Failed(String),
}

/// Something to write, and whom to tell.
struct Request {
    bucket: String,
    change: Change,
    reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

enum Change {
    Write(Vec<Write>),
    Add {
        key: String,
        addition: Addition,
    },
    Swap {
        key: String,
        read: Option<Version>,
        value: Vec<u8>,
    },
}

#[derive(Clone)]
enum Outcome {
    Written,
    Sum(i128),
    Swapped(bool),
}

impl Database {
    /// Opens the file, and makes it if there is none. Nobody else has it open as long as this lasts.
    pub(in super::super) fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |error: &dyn std::fmt::Display| OpenError::Failed(error.to_string());
        let directory = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory).map_err(|error| failed(&error))?;
        let mut options = redb::Builder::new();
        let opened = options.set_cache_size(CACHE).create(path);
        let file = opened.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => OpenError::InUse,
            error => failed(&error),
        })?;
        // The name of a new file must be on disk as well.
        fs::File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| failed(&error))?;
        let file = Arc::new(file);
        let (queue, requests) = channel();
        let writer = thread::Builder::new()
            .name("keyvalue".to_owned())
            .spawn({
                let file = Arc::clone(&file);
                move || write_all(&file, &requests)
            })
            .map_err(|error| failed(&error))?;
        Ok(Self {
            file,
            queue: Some(queue),
            writer: Some(writer),
        })
    }

    async fn change(&self, bucket: &str, change: Change) -> Result<Outcome, StoreError> {
        let (reply, answer) = oneshot::channel();
        let request = Request {
            bucket: bucket.to_owned(),
            change,
            reply,
        };
        let ended = || StoreError::Failed("the store has stopped writing".to_owned());
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        queue.send(request).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

impl Drop for Database {
    /// The file is closed when this returns, so that it can be opened again.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // It has told its panic already.
            let _ = writer.join();
        }
    }
}

/// Writes what is requested, until nobody can any more.
fn write_all(file: &redb::Database, requests: &Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        let rest = requests.try_iter().take(BATCH - 1);
        let batch: Vec<Request> = [first].into_iter().chain(rest).collect();
        let outcomes = commit(file, &batch);
        for (index, request) in batch.into_iter().enumerate() {
            let outcome = match &outcomes {
                Ok(outcomes) => outcomes[index].clone(),
                Err(error) => Err(failed(error)),
            };
            // Whoever asked may have stopped waiting.
            let _ = request.reply.send(outcome);
        }
    }
}

/// All of them in one transaction. What is wrong with one of them does not concern the others.
fn commit(
    file: &redb::Database,
    batch: &[Request],
) -> Result<Vec<Result<Outcome, StoreError>>, redb::Error> {
    let transaction = file.begin_write()?;
    let mut outcomes = Vec::with_capacity(batch.len());
    {
        let mut commits = transaction.open_table(COMMITS)?;
        let version = commits.get("")?.map_or(0, |count| count.value()) + 1;
        commits.insert("", version)?;
        let mut entries = Entries {
            table: transaction.open_table(ENTRIES)?,
            version: Version(version),
        };
        for Request { bucket, change, .. } in batch {
            outcomes.push(entries.change(bucket, change)?);
        }
    }
    transaction.commit()?;
    Ok(outcomes)
}

/// The entries within one transaction.
struct Entries<'t> {
    table: Table<'t, (&'static str, &'static str), &'static [u8]>,
    /// Of what the transaction writes.
    version: Version,
}

impl Entries<'_> {
    /// The inner error is the request's own, the outer one the database's.
    fn change(
        &mut self,
        bucket: &str,
        change: &Change,
    ) -> Result<Result<Outcome, StoreError>, redb::Error> {
        match change {
            Change::Write(writes) => {
                for write in writes {
                    match write {
                        Write::Set { key, value } => self.set(bucket, key, value)?,
                        Write::Delete { key } => drop(self.table.remove((bucket, key.as_str()))?),
                    }
                }
                Ok(Ok(Outcome::Written))
            }
            Change::Add { key, addition } => {
                let sum = {
                    let stored = self.table.get((bucket, key.as_str()))?;
                    let before = stored.as_ref().map(|stored| split(stored.value()).1);
                    addition.to(before, key)
                };
                match sum {
                    Ok(sum) => {
                        self.set(bucket, key, sum.to_string().as_bytes())?;
                        Ok(Ok(Outcome::Sum(sum)))
                    }
                    Err(error) => Ok(Err(error)),
                }
            }
            Change::Swap { key, read, value } => {
                let now = self.table.get((bucket, key.as_str()))?;
                let unchanged = now.map(|stored| split(stored.value()).0) == *read;
                if unchanged {
                    self.set(bucket, key, value)?;
                }
                Ok(Ok(Outcome::Swapped(unchanged)))
            }
        }
    }

    fn set(&mut self, bucket: &str, key: &str, value: &[u8]) -> Result<(), redb::Error> {
        let length = VERSION_LENGTH + value.len();
        let mut stored = self.table.insert_reserve((bucket, key), length)?;
        let (version, rest) = stored.as_mut().split_at_mut(VERSION_LENGTH);
        version.copy_from_slice(&self.version.0.to_le_bytes());
        rest.copy_from_slice(value);
        Ok(())
    }
}

/// The version and the value of what is stored.
fn split(stored: &[u8]) -> (Version, &[u8]) {
    match stored.split_first_chunk() {
        Some((version, value)) => (Version(u64::from_le_bytes(*version)), value),
        None => (Version(0), &[]),
    }
}

fn failed(error: &(impl std::fmt::Display + ?Sized)) -> StoreError {
    StoreError::Failed(format!("the store failed: {error}"))
}

type Readable = redb::ReadOnlyTable<(&'static str, &'static str), &'static [u8]>;

/// The entries as they are now; `None` when nothing was ever written.
fn entries(file: &redb::Database) -> Result<Option<Readable>, redb::Error> {
    match file.begin_read()?.open_table(ENTRIES) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn read(
    file: &redb::Database,
    bucket: &str,
    keys: &[String],
) -> Result<Vec<Option<Entry>>, redb::Error> {
    let Some(table) = entries(file)? else {
        return Ok(vec![None; keys.len()]);
    };
    let entry = |key: &String| {
        let stored = table.get((bucket, key.as_str()))?;
        Ok(stored.map(|stored| {
            let (version, value) = split(stored.value());
            let value = value.to_vec();
            Entry { value, version }
        }))
    };
    keys.iter().map(entry).collect()
}

fn list(
    file: &redb::Database,
    bucket: &str,
    from: &Start,
    most: usize,
) -> Result<Vec<String>, redb::Error> {
    let Some(table) = entries(file)? else {
        return Ok(Vec::new());
    };
    let (start, skip) = match from {
        Start::After(key) => (Bound::Excluded((bucket, key.as_str())), 0),
        Start::Skip(count) => (Bound::Included((bucket, "")), *count),
    };
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let mut keys = Vec::new();
    for (index, entry) in table.range((start, Bound::Unbounded))?.enumerate() {
        let (at, _) = entry?;
        let (of, key) = at.value();
        if of != bucket || keys.len() == most {
            break;
        }
        if index >= skip {
            keys.push(key.to_owned());
        }
    }
    Ok(keys)
}

#[async_trait]
impl Store for Database {
    async fn get(&self, bucket: &str, keys: Vec<String>) -> Result<Vec<Option<Entry>>, StoreError> {
        let (file, bucket) = (Arc::clone(&self.file), bucket.to_owned());
        blocking(move || read(&file, &bucket, &keys).map_err(|error| failed(&error))).await
    }

    async fn keys(
        &self,
        bucket: &str,
        from: Start,
        most: usize,
    ) -> Result<Vec<String>, StoreError> {
        let (file, bucket) = (Arc::clone(&self.file), bucket.to_owned());
        blocking(move || list(&file, &bucket, &from, most).map_err(|error| failed(&error))).await
    }

    async fn write(&self, bucket: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        self.change(bucket, Change::Write(writes)).await.map(drop)
    }

    async fn add(&self, bucket: &str, key: &str, addition: Addition) -> Result<i128, StoreError> {
        let key = key.to_owned();
        match self.change(bucket, Change::Add { key, addition }).await? {
            Outcome::Sum(sum) => Ok(sum),
            _ => Err(failed("no sum")),
        }
    }

    async fn swap(
        &self,
        bucket: &str,
        key: &str,
        read: Option<Version>,
        value: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let key = key.to_owned();
        let outcome = self
            .change(bucket, Change::Swap { key, read, value })
            .await?;
        match outcome {
            Outcome::Swapped(swapped) => Ok(swapped),
            _ => Err(failed("no swap")),
        }
    }
}
