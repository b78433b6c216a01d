//! Which store a member has, and which part of it.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::PathBuf;

use crate::member_section;

member_section!(KeyValue);

/// Where a member's keys and values are kept, and which of them are its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyValue {
    /// `None`: nobody said. A host keeps them in memory then.
    pub backend: Option<KeyValueBackend>,
    /// Put in front of the name of each bucket that the member opens.
    pub prefix: String,
    /// The buckets that it may open, as it names them; `None`: any.
    pub buckets: Option<BTreeSet<String>>,
    /// Bytes of keys and values that the store may hold. `None`: as many as the disk has, 256 MiB in memory.
    pub quota: Option<NonZeroU64>,
}

/// Members that name the same one share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyValueBackend {
    /// In memory, for as long as the workload runs or is replaced by one of the same name.
    Memory,
    /// In a database, an absolute path of its file.
    Database(PathBuf),
    /// `BUCKET/KEY`, one file for each value, in a directory: an absolute path.
    Files(PathBuf),
}
