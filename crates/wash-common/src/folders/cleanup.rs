//! Clears the caches: folders of `wash` in the user's cache folder whose contents can be made or fetched again.
//!
//! Whoever uses a cache holds it (`folders::hold`), and a cache that somebody holds is left.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;

use super::contents;
use super::contents::Entry;
use crate::process_lookup::Holder;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cache {
    Compiled,
    Oci,
    Wit,
}

impl Cache {
    pub const ALL: [Self; 3] = [Self::Compiled, Self::Oci, Self::Wit];

    /// Also the name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Cache::Compiled => "compiled",
            Cache::Oci => "oci",
            Cache::Wit => "wit",
        }
    }

    /// What is in it.
    pub fn about(self) -> &'static str {
        match self {
            Cache::Compiled => "compiled code; components are compiled again when they are run",
            Cache::Oci => "components from registries; they are pulled again when they are used",
            Cache::Wit => {
                "WIT packages from registries; they are fetched again when they are missing"
            }
        }
    }

    /// `None` for a user without a cache folder.
    pub fn directory(self) -> Option<PathBuf> {
        Some(super::cache()?.join(self.name()))
    }
}

/// What there is to clear.
#[derive(Debug)]
pub struct Found {
    pub cache: Cache,
    pub directory: PathBuf,
    pub entries: Vec<Entry>,
    /// Why it is not cleared.
    pub left: Option<Left>,
}

#[derive(Debug, thiserror::Error)]
pub enum Left {
    #[error("it is in use by {}", match .0 { Some(holder) => holder.to_string(), None => "another process".to_string() })]
    InUse(Option<Holder>),
    #[error("it is a symbolic link, and only what lies in the cache folder is cleared")]
    Link,
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Found {
    pub fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }
}

/// Looks into a cache. `None` when there is nothing in it.
pub fn look(cache: Cache) -> Option<Found> {
    let directory = cache.directory()?;
    let metadata = fs::symlink_metadata(&directory).ok()?;
    let (entries, left) = match metadata.is_symlink() {
        true => (Vec::new(), Some(Left::Link)),
        false => match contents::entries(&directory) {
            Ok(entries) => (entries, lock(&directory).err()),
            Err(error) => (Vec::new(), Some(error.into())),
        },
    };
    let found = Found {
        cache,
        directory,
        entries,
        left,
    };
    (found.left.is_some() || found.size() > 0).then_some(found)
}

/// Clears a cache, and returns the bytes that are free now.
pub fn clear(found: &Found) -> Result<u64, Left> {
    let _lock = lock(&found.directory)?;
    let mut freed = 0;
    for entry in &found.entries {
        match entry.remove() {
            Ok(()) => freed += entry.size,
            // Somebody else was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(freed)
}

/// Nobody uses the folder while the file is open.
fn lock(directory: &std::path::Path) -> Result<File, Left> {
    let file = File::open(directory)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Left::InUse(Holder::of_lock(directory))),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
