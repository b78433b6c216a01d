//! Files that are whole or not there, and the lock of those who write them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use wash_common::atomic::{Durability, FileMode, write_atomic_with};

use super::store::Store;

/// Held by the one process that changes the store. It goes with the process, whatever ends it.
pub(super) struct Lock(#[expect(dead_code, reason = "closing it unlocks")] File);

/// Waits until nobody else changes the store.
pub(super) fn lock(store: &Store) -> io::Result<Lock> {
    fs::create_dir_all(store.root())?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(store.lock_path())?;
    file.lock()?;
    Ok(Lock(file))
}

/// Writes a file, and the folders above it, so that readers see it as before or as after. Others may read it, unless the
/// umask says otherwise: plugins may be installed by one user and run by another.
pub(super) fn file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir)?;
    write_atomic_with(path, bytes, FileMode::READABLE, Durability::Synced)
        .map_err(|error| error.source)
}
