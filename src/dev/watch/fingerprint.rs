//! Stands for the contents of a file, so that what it was can be compared with what it is.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is at a path: no file, or a file with contents that this number stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fingerprint(Option<u64>);

impl Fingerprint {
    pub const MISSING: Self = Self(None);

    pub const fn of(contents: u64) -> Self {
        Self(Some(contents))
    }

    pub fn is_missing(self) -> bool {
        self.0.is_none()
    }
}

/// What happened to one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    pub before: Fingerprint,
    pub after: Fingerprint,
    /// The file is there, but nothing is in it: somebody may be about to write it.
    pub emptied: bool,
}

impl Difference {
    /// A file that is there, with contents that nobody has compared.
    pub fn of_unknown() -> Self {
        Self {
            before: Fingerprint::MISSING,
            after: Fingerprint::of(0),
            emptied: false,
        }
    }

    /// A file that was there, and has other contents than before.
    pub fn is_edit(&self) -> bool {
        !self.before.is_missing() && !self.after.is_missing() && !self.emptied
    }
}

/// Files that are new, gone, or have other contents.
pub type Differences = BTreeMap<PathBuf, Difference>;
