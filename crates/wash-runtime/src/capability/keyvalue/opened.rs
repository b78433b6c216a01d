//! The stores that are open in this process: whoever asks for one that is open gets the same.
//!
//! That is how the successor of a workload finds what is kept in memory, and how it can open a file that is locked. A
//! store is closed when the last workload that has it is gone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use wash_common::folders::beneath::HostDirectories;
use wash_common::process_lookup::Holder;

use super::store::{Database, Directory, Memory, OpenError, Store};
use crate::capability::SettingsError;
use crate::capability::keyvalue::KeyValueBackend;

pub(super) struct Opened {
    directories: Arc<HostDirectories>,
    slots: Mutex<HashMap<Place, Arc<Slot>>>,
}

/// Where a store is while it is open. Whoever opens it holds the lock, and others wait for nobody else.
type Slot = Mutex<Option<Weak<dyn Store>>>;

/// What tells one store from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// Of the workload with this name.
    Memory(String),
    Database(PathBuf),
    Files(PathBuf),
}

/// How long to wait for a store that this process is about to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

impl Opened {
    pub(super) fn new(directories: Arc<HostDirectories>) -> Self {
        Self {
            directories,
            slots: Mutex::default(),
        }
    }

    /// Components write to the directories in `writable`.
    pub(super) fn open(
        &self,
        backend: &KeyValueBackend,
        workload: &str,
        writable: &[PathBuf],
    ) -> Result<Arc<dyn Store>, SettingsError> {
        let place = match backend {
            KeyValueBackend::Memory => Place::Memory(workload.to_owned()),
            KeyValueBackend::Database(path) => Place::Database(path.clone()),
            KeyValueBackend::Files(path) => Place::Files(path.clone()),
        };
        let slot = self.slot(&place);
        while_blocking(|| {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(store) = slot.as_ref().and_then(Weak::upgrade) {
                return Ok(store);
            }
            let timeout = match *slot {
                Some(_) => CLOSE_TIMEOUT,
                None => Duration::ZERO,
            };
            let store = self.open_new(&place, writable, timeout)?;
            *slot = Some(Arc::downgrade(&store));
            Ok(store)
        })
    }

    fn slot(&self, place: &Place) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(place.clone()).or_default())
    }

    fn open_new(
        &self,
        place: &Place,
        writable: &[PathBuf],
        timeout: Duration,
    ) -> Result<Arc<dyn Store>, SettingsError> {
        let failed = |error: std::io::Error| OpenError::Failed(error.to_string());
        match place {
            Place::Memory(_) => Ok(Arc::new(Memory::default())),
            Place::Database(path) => {
                let open = || {
                    let opened = self.directories.open_parent(path, writable);
                    let (directory, name) = opened.map_err(failed)?;
                    Database::open(directory, name)
                };
                let opened = retry_until(timeout, open).map_err(|error| fault(path, error))?;
                Ok(Arc::new(opened))
            }
            Place::Files(path) => {
                let open = || {
                    let opened = self.directories.open(path, writable, true);
                    Directory::new(opened.map_err(failed)?, path)
                };
                let opened = retry_until(timeout, open).map_err(|error| fault(path, error))?;
                Ok(Arc::new(opened))
            }
        }
    }
}

/// Does what waits for a disk or for a lock, and lets others of the runtime go on meanwhile.
fn while_blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Tries again until the timeout: whoever had the store last may still be closing it.
fn retry_until<T>(
    timeout: Duration,
    open: impl Fn() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let begin = Instant::now();
    loop {
        match open() {
            Err(OpenError::InUse) if begin.elapsed() < timeout => {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

fn fault(path: &Path, error: OpenError) -> SettingsError {
    match error {
        OpenError::InUse => {
            let holder = Holder::of_lock(path);
            let holder = holder.map_or("another process".to_owned(), |holder| holder.to_string());
            SettingsError {
                message: format!("its keyvalue store `{}` is in use by {holder}", path.display()),
                hint: Some(
                    "stop that one, or start this one with `--ephemeral`, which keeps values in memory"
                        .to_owned(),
                ),
            }
        }
        OpenError::Failed(reason) => SettingsError {
            message: format!(
                "cannot open its keyvalue store `{}`: {reason}",
                path.display()
            ),
            hint: None,
        },
    }
}
