//! Keys and values in one file, an embedded database that survives being killed at any moment.
//!
//! One thread writes. It takes whatever waits at the moment into one transaction, syncs the file once, and only then
//! acknowledges all of it: many writers at a time cost hardly more than one.

use std::ffi::OsStr;
use std::fs::File;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use redb::{DatabaseError, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError};
use rustix::fs::{Mode, OFlags, openat};
use tokio::sync::oneshot;

use super::quota::{AnswerSize, Quota};
use super::{Addition, Entry, Start, Store, StoreError, Version, Write, blocking, quota};

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
    file: Arc<Reopening>,
    /// `None` while it is dropped.
    queue: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

type Open = dyn Fn() -> Result<redb::Database, DatabaseError> + Send + Sync;

/// An open database. After an I/O error, such as that of a full disk, it does nothing any more until it is opened again.
struct Reopening {
    open: Box<Open>,
    current: RwLock<Option<redb::Database>>,
    /// How often it was opened.
    openings: AtomicU64,
    quota: Quota,
    /// What all entries count for; `None` until somebody has to know.
    used: Mutex<Option<u64>>,
}

impl Reopening {
    fn new(open: Box<Open>) -> Result<Self, DatabaseError> {
        let current = RwLock::new(Some(open()?));
        Ok(Self {
            open,
            current,
            openings: AtomicU64::new(1),
            quota: Quota::default(),
            used: Mutex::default(),
        })
    }

    /// Does something with the database, which is opened again if an earlier error has put it out of use.
    fn with<T>(
        &self,
        work: impl Fn(&redb::Database) -> Result<T, redb::Error>,
    ) -> Result<T, redb::Error> {
        let mut retried = false;
        loop {
            let seen = {
                let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
                match current.as_ref().map(&work) {
                    Some(Err(redb::Error::PreviousIo)) if !retried => {}
                    Some(done) => return done,
                    None => {}
                }
                self.openings.load(Ordering::Acquire)
            };
            self.reopen(seen)?;
            retried = true;
        }
    }

    /// Opens the file again, unless somebody did since `seen`.
    fn reopen(&self, seen: u64) -> Result<(), redb::Error> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.is_some() && self.openings.load(Ordering::Acquire) != seen {
            return Ok(());
        }
        // The file is locked until the old one is closed.
        drop(current.take());
        *current = Some((self.open)()?);
        self.openings.fetch_add(1, Ordering::Release);
        Ok(())
    }
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
    /// Opens a file in an open directory, and makes it if there is none. Nobody else has it open as long as this lasts.
    pub(in super::super) fn open(directory: File, name: &OsStr) -> Result<Self, OpenError> {
        let name = name.to_owned();
        let sync = directory
            .try_clone()
            .map_err(|error| OpenError::Failed(error.to_string()))?;
        let database = Self::opened_by(move || {
            let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = openat(&directory, &*name, flags, Mode::RUSR | Mode::WUSR);
            let file = File::from(file.map_err(std::io::Error::from)?);
            let backend = redb::backends::FileBackend::new(file)?;
            let mut options = redb::Builder::new();
            options.set_cache_size(CACHE).create_with_backend(backend)
        })?;
        // The name of a new file must be on disk as well.
        sync.sync_all()
            .map_err(|error| OpenError::Failed(error.to_string()))?;
        Ok(database)
    }

    pub(super) fn opened_by(
        open: impl Fn() -> Result<redb::Database, DatabaseError> + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let file = Reopening::new(Box::new(open)).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => OpenError::InUse,
            error => OpenError::Failed(error.to_string()),
        })?;
        let file = Arc::new(file);
        let (queue, requests) = channel();
        let writer = thread::Builder::new()
            .name("keyvalue".to_owned())
            .spawn({
                let file = Arc::clone(&file);
                move || write_all(&file, &requests)
            })
            .map_err(|error| OpenError::Failed(error.to_string()))?;
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
fn write_all(file: &Reopening, requests: &Receiver<Request>) {
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
    file: &Reopening,
    batch: &[Request],
) -> Result<Vec<Result<Outcome, StoreError>>, redb::Error> {
    let mut used = file.used.lock().unwrap_or_else(PoisonError::into_inner);
    let (outcomes, now) = file.with(|database| {
        let transaction = database.begin_write()?;
        let mut outcomes = Vec::with_capacity(batch.len());
        let now = {
            let mut commits = transaction.open_table(COMMITS)?;
            let version = commits.get("")?.map_or(0, |count| count.value()) + 1;
            commits.insert("", version)?;
            let table = transaction.open_table(ENTRIES)?;
            let counted = match (*used, file.quota.limit()) {
                (Some(used), _) => Some(used),
                (None, Some(_)) => Some(measure(&table)?),
                (None, None) => None,
            };
            let mut entries = Entries {
                table,
                version: Version(version),
                quota: &file.quota,
                used: counted,
            };
            for Request { bucket, change, .. } in batch {
                outcomes.push(entries.change(bucket, change)?);
            }
            entries.used
        };
        transaction.commit()?;
        Ok((outcomes, now))
    })?;
    *used = now;
    Ok(outcomes)
}

/// What all entries count for.
fn measure(table: &EntryTable<'_>) -> Result<u64, redb::Error> {
    let mut used = 0;
    for entry in table.iter()? {
        let (at, stored) = entry?;
        used += quota::size(at.value().1, split(stored.value()).1.len());
    }
    Ok(used)
}

type EntryTable<'t> = Table<'t, (&'static str, &'static str), &'static [u8]>;

/// The entries within one transaction.
struct Entries<'t, 'q> {
    table: EntryTable<'t>,
    /// Of what the transaction writes.
    version: Version,
    quota: &'q Quota,
    /// `None` if nobody has to know.
    used: Option<u64>,
}

impl Entries<'_, '_> {
    /// The inner error is the request's own, the outer one the database's.
    fn change(
        &mut self,
        bucket: &str,
        change: &Change,
    ) -> Result<Result<Outcome, StoreError>, redb::Error> {
        match change {
            Change::Write(writes) => {
                if let Err(full) = self.charge_all(bucket, writes)? {
                    return Ok(Err(full));
                }
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
                let sum = match sum {
                    Ok(sum) => sum,
                    Err(error) => return Ok(Err(error)),
                };
                let text = sum.to_string();
                if let Err(full) = self.charge(bucket, key, Some(text.len()))? {
                    return Ok(Err(full));
                }
                self.set(bucket, key, text.as_bytes())?;
                Ok(Ok(Outcome::Sum(sum)))
            }
            Change::Swap { key, read, value } => {
                let now = self.table.get((bucket, key.as_str()))?;
                let unchanged = now.map(|stored| split(stored.value()).0) == *read;
                if unchanged {
                    if let Err(full) = self.charge(bucket, key, Some(value.len()))? {
                        return Ok(Err(full));
                    }
                    self.set(bucket, key, value)?;
                }
                Ok(Ok(Outcome::Swapped(unchanged)))
            }
        }
    }

    /// Counts all writes of a request, or none. Of a key that is written twice, the last counts.
    fn charge_all(
        &mut self,
        bucket: &str,
        writes: &[Write],
    ) -> Result<Result<(), StoreError>, redb::Error> {
        let before = self.used;
        let mut last = std::collections::BTreeMap::new();
        for write in writes {
            match write {
                Write::Set { key, value } => last.insert(key, Some(value.len())),
                Write::Delete { key } => last.insert(key, None),
            };
        }
        for (key, length) in last {
            if let Err(full) = self.charge(bucket, key, length)? {
                self.used = before;
                return Ok(Err(full));
            }
        }
        Ok(Ok(()))
    }

    /// Counts a change of one key to a value of this length, or to none, if there is a quota.
    fn charge(
        &mut self,
        bucket: &str,
        key: &str,
        length: Option<usize>,
    ) -> Result<Result<(), StoreError>, redb::Error> {
        let Some(used) = self.used else {
            return Ok(Ok(()));
        };
        let size = |length| quota::size(key, length);
        let stored = self.table.get((bucket, key))?;
        let before = stored.map_or(0, |stored| size(split(stored.value()).1.len()));
        Ok(
            match self.quota.charge(used, before, length.map_or(0, size)) {
                Ok(next) => {
                    self.used = Some(next);
                    Ok(())
                }
                Err(full) => Err(full),
            },
        )
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
) -> Result<Result<Vec<Option<Entry>>, StoreError>, redb::Error> {
    let Some(table) = entries(file)? else {
        return Ok(Ok(vec![None; keys.len()]));
    };
    let mut size = AnswerSize::default();
    let mut found = Vec::new();
    for key in keys {
        let stored = table.get((bucket, key.as_str()))?;
        let Some(stored) = stored else {
            found.push(None);
            continue;
        };
        let (version, value) = split(stored.value());
        if let Err(too_much) = size.add(value.len()) {
            return Ok(Err(too_much));
        }
        let value = value.to_vec();
        found.push(Some(Entry { value, version }));
    }
    Ok(Ok(found))
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
    fn set_quota(&self, bytes: Option<u64>) {
        self.file.quota.set(bytes);
    }

    async fn get(&self, bucket: &str, keys: Vec<String>) -> Result<Vec<Option<Entry>>, StoreError> {
        let (file, bucket) = (Arc::clone(&self.file), bucket.to_owned());
        let read = move |database: &redb::Database| read(database, &bucket, &keys);
        blocking(move || file.with(read).map_err(|error| failed(&error))?).await
    }

    async fn keys(
        &self,
        bucket: &str,
        from: Start,
        most: usize,
    ) -> Result<Vec<String>, StoreError> {
        let (file, bucket) = (Arc::clone(&self.file), bucket.to_owned());
        let list = move |database: &redb::Database| list(database, &bucket, &from, most);
        blocking(move || file.with(list).map_err(|error| failed(&error))).await
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
