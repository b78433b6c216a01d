//! What was pulled and pushed, on disk: content by its digest, and what tags were last seen to name.
//!
//! ```text
//! oci/blobs/sha256/…    manifests and components, verified when they are read
//! oci/tags/…            a tag of a registry, and the digest it had
//! oci/history.json      the references that were used, the last first
//! ```
//!
//! Files appear by renaming, complete or not at all, so any number of processes may share the folder.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempDir};
use wash_common::atomic::{AtomicFile, Durability, FileMode, WriteError, write_atomic_with};
use wash_common::{atomic, folders};

use super::digest::Digest;
use super::error::OciError;
use super::reference::Reference;

/// When the content grows beyond this many bytes, what was not used for longest is removed.
const SIZE: u64 = 2 << 30;

/// References that are remembered.
const HISTORY: usize = 200;

/// May be cloned: the folder is the same.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
    /// Where no folder can be had, one for as long as this runs.
    _temporary: Option<Arc<TempDir>>,
}

/// What a tag was last seen to name.
#[derive(Debug, Serialize, Deserialize)]
struct Tag {
    reference: String,
    digest: String,
}

impl Cache {
    /// The user's, or one that lasts as long as this runs.
    pub fn open() -> Result<Self, OciError> {
        let dir = folders::cleanup::Cache::Oci.directory();
        match dir.map(|dir| (Self::at(&dir), dir)) {
            Some((Ok(cache), _)) => {
                // What was used once may be asked for again: nobody clears the folder while this process runs.
                static HELD: OnceLock<Option<File>> = OnceLock::new();
                HELD.get_or_init(|| folders::hold(&cache.dir));
                Ok(cache)
            }
            failed => {
                if let Some((Err(error), dir)) = failed {
                    tracing::warn!(
                        "pulled components are not cached: cannot write to `{}`: {error}",
                        dir.display()
                    );
                }
                Self::temporary()
            }
        }
    }

    /// The user's, if there is one, to look at: it may be gone at any time, and nothing may be written to it.
    pub(super) fn existing() -> Option<Self> {
        let dir = folders::cleanup::Cache::Oci.directory()?;
        dir.is_dir().then_some(Self {
            dir,
            _temporary: None,
        })
    }

    pub fn at(dir: &Path) -> io::Result<Self> {
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent)?;
        }
        // What needed credentials to pull is nobody else's business.
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        for below in ["blobs/sha256", "blobs/sha512", "tags"] {
            fs::create_dir_all(dir.join(below))?;
        }
        // Whether it can be written to.
        NamedTempFile::new_in(dir)?;
        Ok(Self {
            dir: dir.to_path_buf(),
            _temporary: None,
        })
    }

    fn temporary() -> Result<Self, OciError> {
        let make = || {
            let temporary = TempDir::new()?;
            let cache = Self::at(&temporary.path().join("oci"))?;
            Ok(Self {
                _temporary: Some(temporary.into()),
                ..cache
            })
        };
        make().map_err(|source| OciError::Cache {
            path: std::env::temp_dir(),
            source,
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where content is, or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let (algorithm, digits) = digest.parts();
        self.dir.join("blobs").join(algorithm).join(digits)
    }

    /// Content, if it is there and unharmed.
    pub(super) fn read(&self, digest: &Digest) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let bytes = fs::read(&path).ok()?;
        if !digest.matches(&bytes) {
            let _ = fs::remove_file(&path);
            return None;
        }
        // It is in use.
        if let Ok(file) = File::open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        Some(bytes)
    }

    /// A file to write content to, on its way to [`Self::keep`]. What a power cut takes is found when it is read.
    pub(super) fn incoming(&self, digest: &Digest) -> Result<AtomicFile, OciError> {
        AtomicFile::create(&self.path(digest), FileMode::PRIVATE, Durability::Cache)
            .map_err(|error| self.broken(error.into()))
    }

    /// Keeps a file whose content was verified.
    pub(super) fn keep(&self, file: AtomicFile, digest: &Digest) -> Result<(), OciError> {
        file.commit().map_err(|error| self.broken(error.into()))?;
        self.trim(SIZE, &self.path(digest));
        Ok(())
    }

    pub(super) fn write(&self, digest: &Digest, bytes: &[u8]) -> Result<(), OciError> {
        let mut file = self.incoming(digest)?;
        file.write_all(bytes)
            .map_err(|source| self.broken(source))?;
        self.keep(file, digest)
    }

    pub(super) fn broken(&self, source: io::Error) -> OciError {
        OciError::Cache {
            path: self.dir.clone(),
            source,
        }
    }

    /// What the tag of a reference was last seen to name.
    pub(super) fn tagged(&self, reference: &Reference) -> Option<Digest> {
        let text = fs::read(self.tag_path(reference)?).ok()?;
        let tag: Tag = serde_json::from_slice(&text).ok()?;
        tag.digest.parse().ok()
    }

    /// Remembers what a reference names. That it cannot be remembered stops nothing.
    pub(super) fn tag(&self, reference: &Reference, digest: &Digest) {
        if let (None, Some(path)) = (&reference.digest, self.tag_path(reference)) {
            let tag = Tag {
                reference: reference.to_string(),
                digest: digest.to_string(),
            };
            let _ = replace(&path, &serde_json::json!(tag));
        }
    }

    fn tag_path(&self, reference: &Reference) -> Option<PathBuf> {
        let tag = reference.tag.as_ref()?;
        let name = format!("{}/{}:{tag}", reference.registry, reference.repository);
        let name = Digest::sha256(name.as_bytes());
        Some(
            self.dir
                .join("tags")
                .join(format!("{}.json", name.parts().1)),
        )
    }

    /// The references that were used, the last first.
    pub fn history(&self) -> Vec<String> {
        let text = fs::read(self.dir.join("history.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The same of the user's cache, if there is one.
    pub fn used() -> Vec<String> {
        let cache = Self::existing();
        cache.map(|cache| cache.history()).unwrap_or_default()
    }

    /// Puts a reference at the top of the history.
    pub(super) fn remember(&self, reference: &Reference) {
        let name = reference.to_string();
        let mut history = self.history();
        if history.first() == Some(&name) {
            return;
        }
        history.retain(|other| *other != name);
        history.insert(0, name);
        history.truncate(HISTORY);
        let _ = replace(&self.dir.join("history.json"), &serde_json::json!(history));
    }

    /// Removes what was not used for longest, but never what was just put there, and what killed processes left behind.
    fn trim(&self, size: u64, new: &Path) {
        let files = ["sha256", "sha512"].into_iter().flat_map(|algorithm| {
            let dir = fs::read_dir(self.dir.join("blobs").join(algorithm));
            dir.into_iter().flatten().flatten()
        });
        let mut files: Vec<(SystemTime, u64, PathBuf)> = files
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                if atomic::is_unfinished(&entry.path()) {
                    if atomic::is_abandoned(&metadata) {
                        let _ = fs::remove_file(entry.path());
                    }
                    return None;
                }
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        files.sort();
        for (_, bytes, path) in files {
            if total <= size {
                break;
            }
            if path != new && fs::remove_file(&path).is_ok() {
                total -= bytes;
            }
        }
    }
}

fn replace(path: &Path, value: &serde_json::Value) -> Result<(), WriteError> {
    let text = format!("{value}\n");
    write_atomic_with(path, text.as_bytes(), FileMode::PRIVATE, Durability::Cache)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (TempDir, Cache) {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::at(&temp.path().join("oci")).unwrap();
        (temp, cache)
    }

    #[test]
    fn what_was_damaged_is_not_there() {
        let (_temp, cache) = cache();
        let digest = Digest::sha256(b"content");
        assert_eq!(cache.read(&digest), None);
        cache.write(&digest, b"content").unwrap();
        assert_eq!(cache.read(&digest).as_deref(), Some(&b"content"[..]));
        fs::write(cache.path(&digest), b"contents").unwrap();
        assert_eq!(cache.read(&digest), None);
        assert!(!cache.path(&digest).exists());
    }

    #[test]
    fn tags_are_remembered_for_each_place() {
        let (_temp, cache) = cache();
        let [a, b]: [Reference; 2] = ["r.io/a:1", "r.io/b:1"].map(|text| text.parse().unwrap());
        let digest = Digest::sha256(b"");
        cache.tag(&a, &digest);
        assert_eq!(cache.tagged(&a), Some(digest.clone()));
        assert_eq!(cache.tagged(&b), None);
        // What a tag of a pinned reference names was not asked.
        cache.tag(&b.pinned(&digest), &digest);
        assert_eq!(cache.tagged(&b), None);
    }

    #[test]
    fn the_history_is_bounded_and_has_no_doubles() {
        let (_temp, cache) = cache();
        for n in (0..HISTORY + 5).chain([3]) {
            cache.remember(&format!("r.io/a:{n}").parse().unwrap());
        }
        let history = cache.history();
        assert_eq!(history.len(), HISTORY);
        assert_eq!(
            history[..2],
            ["r.io/a:3", &format!("r.io/a:{}", HISTORY + 4)]
        );
    }

    #[test]
    fn the_oldest_goes_first() {
        let (_temp, cache) = cache();
        let digests: Vec<Digest> = (0..4_u8)
            .map(|n| {
                let digest = Digest::sha256(&[n; 10]);
                cache.write(&digest, &[n; 10]).unwrap();
                let time = SystemTime::now() - std::time::Duration::from_secs(100 - u64::from(n));
                let file = File::open(cache.path(&digest)).unwrap();
                file.set_modified(time).unwrap();
                digest
            })
            .collect();
        cache.read(&digests[0]).unwrap();
        cache.trim(20, &cache.path(&digests[1]));
        let left = digests.iter().map(|digest| cache.path(digest).exists());
        assert_eq!(left.collect::<Vec<_>>(), [true, true, false, false]);
    }

    #[test]
    fn what_a_killed_process_left_behind_goes() {
        let (_temp, cache) = cache();
        let digest = Digest::sha256(b"content");
        let blobs = cache.path(&digest).with_file_name("");
        let [old, new] = ["old", "new"].map(|name| blobs.join(format!("{}{name}", atomic::PREFIX)));
        for (path, age) in [(&old, 7200), (&new, 1)] {
            let file = File::create(path).unwrap();
            let time = SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(time).unwrap();
        }
        cache.write(&digest, b"content").unwrap();
        assert_eq!([old.exists(), new.exists()], [false, true]);
    }
}
