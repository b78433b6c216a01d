//! Keys and values as files that people can look at: `ROOT/BUCKET/KEY`, as upstream lays them out.
//!
//! A value is written to a file beside its place, synced and renamed, so that no reader ever sees a half of it. The root
//! is locked for as long as the store is open: two processes at once could not add to a number without losing some.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::database::OpenError;
use super::file_name::{UNFINISHED, decode, encode};
use super::{Addition, Entry, NameKind, Start, Store, StoreError, Version, Write, blocking};

/// Keys that are written to at the same time without waiting for each other, at most.
const LOCKS: usize = 64;

pub(in super::super) struct Directory(Arc<Inner>);

struct Inner {
    root: PathBuf,
    /// Of the root; unlocked when it is closed.
    _lock: File,
    /// Whoever writes to a key holds the lock that the key falls to.
    locks: [Mutex<()>; LOCKS],
    hasher: RandomState,
    next: AtomicU64,
}

impl Directory {
    /// Opens a directory, and makes it if there is none. No other process has it open as long as this lasts.
    pub(in super::super) fn open(root: &Path) -> Result<Self, OpenError> {
        let failed = |error: io::Error| OpenError::Failed(error.to_string());
        fs::create_dir_all(root).map_err(failed)?;
        let lock = File::open(root).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        sweep(root).map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            root: root.to_owned(),
            _lock: lock,
            locks: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            next: AtomicU64::new(0),
        })))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        blocking(move || work(&inner)).await
    }
}

/// Removes what a process that was killed had not finished.
fn sweep(root: &Path) -> io::Result<()> {
    for bucket in fs::read_dir(root)? {
        let bucket = bucket?;
        if !bucket.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(bucket.path())? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
}

impl Inner {
    fn bucket(&self, name: &str) -> Result<PathBuf, StoreError> {
        Ok(self.root.join(encode(name, NameKind::Bucket)?))
    }

    fn file(&self, bucket: &str, key: &str) -> Result<PathBuf, StoreError> {
        Ok(self.bucket(bucket)?.join(encode(key, NameKind::Key)?))
    }

    fn lock(&self, file: &Path) -> MutexGuard<'_, ()> {
        let index = self.hasher.hash_one(file) % LOCKS as u64;
        self.locks[index as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, path: &Path) -> Result<Option<Entry>, StoreError> {
        match self.entry(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            entry => entry.map_err(|error| failed("read", path, &error)),
        }
    }

    /// The version is made of what changes whenever a file takes the place of another.
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Ok(None);
        }
        let mut value = Vec::new();
        file.read_to_end(&mut value)?;
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        let version = Version(self.hasher.hash_one((metadata.ino(), changed)));
        Ok(Some(Entry { value, version }))
    }

    /// The caller holds the lock of the file, and syncs the directory.
    fn put(&self, path: &Path, value: &[u8]) -> Result<(), StoreError> {
        let directory = path.parent().unwrap_or(&self.root);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = directory.join(format!("{UNFINISHED}{number}.tmp"));
        let put = || {
            let mut file = match File::create_new(&unfinished) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir_all(directory)?;
                    sync(&self.root)?;
                    File::create_new(&unfinished)?
                }
                created => created?,
            };
            file.write_all(value)?;
            file.sync_all()?;
            fs::rename(&unfinished, path)
        };
        put().map_err(|error| {
            // It may not be there.
            let _ = fs::remove_file(&unfinished);
            failed("write", path, &error)
        })
    }

    fn delete(path: &Path) -> Result<(), StoreError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("delete", path, &error))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, bucket: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut paths = Vec::with_capacity(writes.len());
        for write in &writes {
            let (Write::Set { key, .. } | Write::Delete { key }) = write;
            paths.push(self.file(bucket, key)?);
        }
        for (path, write) in paths.iter().zip(writes) {
            let _lock = self.lock(path);
            match write {
                Write::Set { value, .. } => self.put(path, &value)?,
                Write::Delete { .. } => Self::delete(path)?,
            }
        }
        self.sync_bucket(bucket)
    }

    fn sync_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let directory = self.bucket(bucket)?;
        match sync(&directory) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("write", &directory, &error))
            }
            _ => Ok(()),
        }
    }

    fn keys(&self, bucket: &str) -> Result<Vec<String>, StoreError> {
        let directory = self.bucket(bucket)?;
        match list(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            keys => keys.map_err(|error| failed("list", &directory, &error)),
        }
    }
}

/// The keys of a bucket's directory, in their order.
fn list(directory: &Path) -> io::Result<Vec<String>> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let key = entry.file_name().to_str().and_then(decode);
        keys.extend(key.filter(|_| entry.file_type().is_ok_and(|kind| !kind.is_dir())));
    }
    keys.sort();
    Ok(keys)
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Failed(format!("cannot {what} `{}`: {error}", path.display()))
}

#[async_trait]
impl Store for Directory {
    fn check_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        encode(bucket, NameKind::Bucket).map(drop)
    }

    async fn get(&self, bucket: &str, keys: Vec<String>) -> Result<Vec<Option<Entry>>, StoreError> {
        let bucket = bucket.to_owned();
        self.run(move |store| {
            let entry = |key: &String| store.read(&store.file(&bucket, key)?);
            keys.iter().map(entry).collect()
        })
        .await
    }

    async fn keys(
        &self,
        bucket: &str,
        from: Start,
        most: usize,
    ) -> Result<Vec<String>, StoreError> {
        let bucket = bucket.to_owned();
        let mut keys = self.run(move |store| store.keys(&bucket)).await?;
        let first = match from {
            Start::After(last) => keys.partition_point(|key| *key <= last),
            Start::Skip(count) => usize::try_from(count).unwrap_or(usize::MAX),
        };
        keys.drain(..first.min(keys.len()));
        keys.truncate(most);
        Ok(keys)
    }

    async fn write(&self, bucket: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        let bucket = bucket.to_owned();
        self.run(move |store| store.write(&bucket, writes)).await
    }

    async fn add(&self, bucket: &str, key: &str, addition: Addition) -> Result<i128, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.run(move |store| {
            let path = store.file(&bucket, &key)?;
            let _lock = store.lock(&path);
            let before = store.read(&path)?.map(|entry| entry.value);
            let sum = addition.to(before.as_deref(), &key)?;
            store.put(&path, sum.to_string().as_bytes())?;
            store.sync_bucket(&bucket)?;
            Ok(sum)
        })
        .await
    }

    async fn swap(
        &self,
        bucket: &str,
        key: &str,
        read: Option<Version>,
        value: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.run(move |store| {
            let path = store.file(&bucket, &key)?;
            let _lock = store.lock(&path);
            if store.read(&path)?.map(|entry| entry.version) != read {
                return Ok(false);
            }
            store.put(&path, &value)?;
            store.sync_bucket(&bucket)?;
            Ok(true)
        })
        .await
    }
}
