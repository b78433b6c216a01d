//! Keys and values as files that people can look at: `ROOT/BUCKET/KEY`, as upstream lays them out.
//!
//! A value is written to a file beside its place, synced and renamed, so that no reader ever sees a half of it. The root
//! is locked for as long as the store is open: two processes at once could not add to a number without losing some.
//!
//! A component may have the root, or a directory above it, as a volume. So the root is held open, no name is resolved
//! but in the directory it stands in, no link is followed, and nothing is opened that is not a regular file.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, fstat, mkdirat, openat,
    renameat, statat, unlinkat,
};
use rustix::io::Errno;
use wash_common::folders::beneath::regular_files;

use super::database::OpenError;
use super::file_name::{UNFINISHED, decode, encode};
use super::quota::{AnswerSize, Quota};
use super::{Addition, Entry, NameKind, Start, Store, StoreError, Version, Write, blocking, quota};

/// Keys that are written to at the same time without waiting for each other, at most.
const LOCKS: usize = 64;

pub(in super::super) struct Directory(Arc<Inner>);

struct Inner {
    /// Locked; unlocked when it is closed.
    root: File,
    /// For messages.
    path: PathBuf,
    /// Whoever writes to a key holds the lock that the key falls to.
    locks: [Mutex<()>; LOCKS],
    hasher: RandomState,
    next: AtomicU64,
    /// The numbers of the last writes, by the hash of what was written to.
    written: Mutex<HashMap<u64, u64>>,
    quota: Quota,
    /// What all entries count for; `None` until somebody has to know.
    used: Mutex<Option<u64>>,
}

/// The file of a key, which may not be there.
struct Place {
    bucket: String,
    /// Encoded, as is the bucket.
    name: String,
    key: String,
}

impl Directory {
    /// Takes an open directory. No other process has it as long as this lasts. Messages call it `path`.
    pub(in super::super) fn new(root: File, path: &Path) -> Result<Self, OpenError> {
        let failed = |error: io::Error| OpenError::Failed(error.to_string());
        match root.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        sweep(&root).map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            root,
            path: path.to_owned(),
            locks: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            next: AtomicU64::new(0),
            written: Mutex::default(),
            quota: Quota::default(),
            used: Mutex::default(),
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
fn sweep(root: &File) -> io::Result<()> {
    for bucket in buckets(root)? {
        let bucket = open_directory(root, &bucket)?;
        for file in regular_files(&bucket)? {
            if file.as_bytes().starts_with(UNFINISHED.as_bytes()) {
                unlinkat(&bucket, &file, AtFlags::empty())?;
            }
        }
    }
    Ok(())
}

/// The directories in the root.
fn buckets(root: &File) -> io::Result<Vec<OsString>> {
    let mut buckets = Vec::new();
    for entry in Dir::read_from(root)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        let stat = statat(root, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            buckets.push(name.to_owned());
        }
    }
    Ok(buckets)
}

fn open_directory(root: &File, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    Ok(File::from(openat(root, name, flags, Mode::empty())?))
}

impl Inner {
    fn place(&self, bucket: &str, key: &str) -> Result<Place, StoreError> {
        Ok(Place {
            bucket: encode(bucket, NameKind::Bucket)?,
            name: encode(key, NameKind::Key)?,
            key: key.to_owned(),
        })
    }

    /// `None` if nothing was ever written to it.
    fn bucket(&self, name: &str) -> io::Result<Option<File>> {
        match open_directory(&self.root, OsStr::new(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    fn hash(&self, place: &Place) -> u64 {
        self.hasher.hash_one((&place.bucket, &place.name))
    }

    fn lock(&self, place: &Place) -> MutexGuard<'_, ()> {
        let index = self.hash(place) % LOCKS as u64;
        self.locks[index as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, place: &Place) -> Result<Option<Entry>, StoreError> {
        self.entry(place)
            .map_err(|error| self.failed("read", place, &error))
    }

    /// The version is made of the content and of the number of its last write, for others than this process may have
    /// changed the file as well.
    fn entry(&self, place: &Place) -> io::Result<Option<Entry>> {
        let Some(bucket) = self.bucket(&place.bucket)? else {
            return Ok(None);
        };
        // A pipe would be waited for.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::RDONLY;
        let mut file = match openat(&bucket, &*place.name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(io::Error::other("it is a symbolic link")),
            opened => File::from(opened?),
        };
        match FileType::from_raw_mode(fstat(&file)?.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Ok(None),
            _ => return Err(io::Error::other("it is not a regular file")),
        }
        fcntl_setfl(&file, fcntl_getfl(&file)?.difference(OFlags::NONBLOCK))?;
        let mut value = Vec::new();
        file.read_to_end(&mut value)?;
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let number = written.get(&self.hash(place)).copied();
        drop(written);
        let version = Version(self.hasher.hash_one((&value, number)));
        Ok(Some(Entry { value, version }))
    }

    /// How many bytes the value has that a place holds.
    fn length(&self, place: &Place) -> Option<u64> {
        let bucket = self.bucket(&place.bucket).ok()??;
        let stat = statat(&bucket, &*place.name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        u64::try_from(stat.st_size).ok()
    }

    /// Counts a change, if there is a quota.
    fn charge(&self, place: &Place, value: Option<&[u8]>) -> Result<(), StoreError> {
        if self.quota.limit().is_none() {
            return Ok(());
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let now = match *used {
            Some(used) => used,
            None => self.measure().map_err(|error| {
                StoreError::Failed(format!("cannot measure the store: {error}"))
            })?,
        };
        let size = |length: u64| place.key.len() as u64 + length;
        let before = self.length(place).map_or(0, size);
        let after = value.map_or(0, |value| quota::size(&place.key, value.len()));
        *used = Some(self.quota.charge(now, before, after)?);
        Ok(())
    }

    fn measure(&self) -> io::Result<u64> {
        let mut used = 0;
        for bucket in buckets(&self.root)? {
            let bucket = open_directory(&self.root, &bucket)?;
            for file in regular_files(&bucket)? {
                let stat = statat(&bucket, &file, AtFlags::SYMLINK_NOFOLLOW)?;
                used += file.len() as u64 + u64::try_from(stat.st_size).unwrap_or(0);
            }
        }
        Ok(used)
    }

    /// The caller holds the lock of the place, and syncs the bucket.
    fn put(&self, place: &Place, value: &[u8]) -> Result<(), StoreError> {
        self.charge(place, Some(value))?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = format!("{UNFINISHED}{number}.tmp");
        let put = || {
            let bucket = self.make_bucket(&place.bucket)?;
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::WRONLY;
            let mode = Mode::RUSR | Mode::WUSR;
            let done = openat(&bucket, &*unfinished, flags, mode)
                .map_err(io::Error::from)
                .and_then(|file| {
                    let mut file = File::from(file);
                    file.write_all(value)?;
                    file.sync_all()?;
                    Ok(renameat(&bucket, &*unfinished, &bucket, &*place.name)?)
                });
            if done.is_err() {
                // It may not be there.
                let _ = unlinkat(&bucket, &*unfinished, AtFlags::empty());
            }
            done
        };
        put().map_err(|error| {
            // What was counted before is not there.
            *self.used.lock().unwrap_or_else(PoisonError::into_inner) = None;
            self.failed("write", place, &error)
        })?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(self.hash(place), number);
        Ok(())
    }

    fn make_bucket(&self, name: &str) -> io::Result<File> {
        if let Some(bucket) = self.bucket(name)? {
            return Ok(bucket);
        }
        match mkdirat(&self.root, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.root.sync_all()?;
        open_directory(&self.root, OsStr::new(name))
    }

    fn delete(&self, place: &Place) -> Result<(), StoreError> {
        self.charge(place, None)?;
        let delete = || match self.bucket(&place.bucket)? {
            None => Ok(()),
            Some(bucket) => match unlinkat(&bucket, &*place.name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(error) => Err(io::Error::from(error)),
            },
        };
        delete().map_err(|error| self.failed("delete", place, &error))?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.remove(&self.hash(place));
        Ok(())
    }

    fn write(&self, bucket: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut places = Vec::with_capacity(writes.len());
        for write in &writes {
            let (Write::Set { key, .. } | Write::Delete { key }) = write;
            places.push(self.place(bucket, key)?);
        }
        for (place, write) in places.iter().zip(writes) {
            let _lock = self.lock(place);
            match write {
                Write::Set { value, .. } => self.put(place, &value)?,
                Write::Delete { .. } => self.delete(place)?,
            }
        }
        self.sync_bucket(bucket)
    }

    fn sync_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let name = encode(bucket, NameKind::Bucket)?;
        let sync = || match self.bucket(&name)? {
            Some(bucket) => bucket.sync_all(),
            None => Ok(()),
        };
        sync().map_err(|error| self.failed_bucket("write", &name, &error))
    }

    /// The keys of a bucket, in their order.
    fn keys(&self, bucket: &str) -> Result<Vec<String>, StoreError> {
        let name = encode(bucket, NameKind::Bucket)?;
        let list = || match self.bucket(&name)? {
            Some(bucket) => regular_files(&bucket),
            None => Ok(Vec::new()),
        };
        let files = list().map_err(|error| self.failed_bucket("list", &name, &error))?;
        let names = files.iter().filter_map(|file| file.to_str());
        let mut keys: Vec<String> = names.filter_map(decode).collect();
        keys.sort();
        Ok(keys)
    }

    fn failed(&self, what: &str, place: &Place, error: &io::Error) -> StoreError {
        let path = self.path.join(&place.bucket).join(&place.name);
        failed(what, &path, error)
    }

    fn failed_bucket(&self, what: &str, name: &str, error: &io::Error) -> StoreError {
        failed(what, &self.path.join(name), error)
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Failed(format!("cannot {what} `{}`: {error}", path.display()))
}

#[async_trait]
impl Store for Directory {
    fn check_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        encode(bucket, NameKind::Bucket).map(drop)
    }

    fn set_quota(&self, bytes: Option<u64>) {
        self.0.quota.set(bytes);
    }

    async fn get(&self, bucket: &str, keys: Vec<String>) -> Result<Vec<Option<Entry>>, StoreError> {
        let bucket = bucket.to_owned();
        self.run(move |store| {
            let mut size = AnswerSize::default();
            let entry = |key: &String| {
                let place = store.place(&bucket, key)?;
                let entry = store.read(&place)?;
                size.add(entry.as_ref().map_or(0, |entry| entry.value.len()))?;
                Ok(entry)
            };
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
            let place = store.place(&bucket, &key)?;
            let _lock = store.lock(&place);
            let before = store.read(&place)?.map(|entry| entry.value);
            let sum = addition.to(before.as_deref(), &key)?;
            store.put(&place, sum.to_string().as_bytes())?;
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
            let place = store.place(&bucket, &key)?;
            let _lock = store.lock(&place);
            if store.read(&place)?.map(|entry| entry.version) != read {
                return Ok(false);
            }
            store.put(&place, &value)?;
            store.sync_bucket(&bucket)?;
            Ok(true)
        })
        .await
    }
}
