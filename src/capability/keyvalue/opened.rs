//! The stores that are open in this process: whoever asks for one that is open gets the same.
//!
//! That is how the successor of a workload finds what is kept in memory, and how it can open a file that is locked. A
//! store is closed when the last workload that has it is gone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::store::{Database, Directory, Memory, OpenError, Store};
use crate::capability::Fault;
use crate::holder::Holder;
use crate::host::workload::KeyValueBackend;

#[derive(Default)]
pub(super) struct Opened(Mutex<HashMap<Place, Weak<dyn Store>>>);

/// What tells one store from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// Of the workload with this name.
    Memory(String),
    Database(PathBuf),
    Files(PathBuf),
}

/// How long to wait for a store that this process is about to close.
const CLOSING: Duration = Duration::from_secs(5);

impl Opened {
    pub(super) fn open(
        &self,
        backend: &KeyValueBackend,
        workload: &str,
    ) -> Result<Arc<dyn Store>, Fault> {
        let place = match backend {
            KeyValueBackend::Memory => Place::Memory(workload.to_owned()),
            KeyValueBackend::Database(path) => Place::Database(path.clone()),
            KeyValueBackend::Files(path) => Place::Files(path.clone()),
        };
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = opened.get(&place);
        if let Some(store) = known.and_then(Weak::upgrade) {
            return Ok(store);
        }
        let patience = if known.is_some() {
            CLOSING
        } else {
            Duration::ZERO
        };
        let store = match &place {
            Place::Memory(_) => Arc::new(Memory::default()) as Arc<dyn Store>,
            Place::Database(path) => {
                let open = || Ok(Arc::new(Database::open(path)?) as Arc<dyn Store>);
                patiently(patience, open).map_err(|error| fault(path, error))?
            }
            Place::Files(path) => {
                let open = || Ok(Arc::new(Directory::open(path)?) as Arc<dyn Store>);
                patiently(patience, open).map_err(|error| fault(path, error))?
            }
        };
        opened.retain(|_, store| store.strong_count() > 0);
        opened.insert(place, Arc::downgrade(&store));
        Ok(store)
    }
}

/// Tries again for as long as that: whoever had the store last may still be closing it.
fn patiently<T>(
    patience: Duration,
    open: impl Fn() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let begin = Instant::now();
    loop {
        match open() {
            Err(OpenError::InUse) if begin.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

fn fault(path: &Path, error: OpenError) -> Fault {
    match error {
        OpenError::InUse => {
            let holder = Holder::of_lock(path);
            let holder = holder.map_or("another process".to_owned(), |holder| holder.to_string());
            Fault {
                message: format!("its keyvalue store `{}` is in use by {holder}", path.display()),
                hint: Some(
                    "stop that one, or start this one with `--ephemeral`, which keeps values in memory"
                        .to_owned(),
                ),
            }
        }
        OpenError::Failed(reason) => Fault {
            message: format!(
                "cannot open its keyvalue store `{}`: {reason}",
                path.display()
            ),
            hint: None,
        },
    }
}
