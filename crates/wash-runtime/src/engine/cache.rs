//! Compiled code on disk, so that nothing is compiled twice: a second start maps a file instead.
//!
//! A file is named by everything its content depends on: the component or core module, the engine's settings, the version of
//! wasmtime and the processor. Loading machine code trusts the file entirely, so a file is used only when it lies in
//! a folder that nobody else can write to, belongs to this user, and ends with a seal: a digest of its name and
//! content. Whatever fails that is compiled again and replaced. Files appear by renaming, complete or not at all, so
//! any number of processes may share the folder.

use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use wash_common::atomic::{AtomicFile, Durability, FileMode};
use wash_common::{atomic, folders};
use wasmtime::component::Component;
use wasmtime::{Engine, Module, Result};

/// When the files grow beyond this many bytes, those not used for longest are removed.
const SIZE: u64 = 1 << 30;

const MAGIC: &[u8; 8] = b"washcode";
const SEAL: u64 = 8 + 32;

/// The folder for compiled code in the user's cache folder, if the user has one.
pub fn default_dir() -> Option<PathBuf> {
    folders::cleanup::Cache::Compiled.directory()
}

/// Why a folder cannot hold compiled code.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("cannot create `{path}`")]
    Create { path: PathBuf, source: io::Error },
    #[error("`{path}` is not a directory")]
    NotADirectory { path: PathBuf },
    #[error("`{path}` belongs to another user")]
    Foreign { path: PathBuf },
    #[error("cannot close `{path}` to other users")]
    Permissions { path: PathBuf, source: io::Error },
}

/// A component or core module, as far as finding its code takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceDigest([u8; 32]);

impl SourceDigest {
    pub(super) fn of(source: &[u8]) -> Self {
        Self(Sha256::digest(source).into())
    }
}

/// What is compiled as one.
#[expect(
    unsafe_code,
    reason = "loading compiled code trusts it, and only this module knows when it may"
)]
pub(super) trait Compiled: Sized {
    /// `component` or `module`.
    const KIND: &'static str;

    fn compile(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>>;

    /// # Safety
    ///
    /// The code must come from `compile`, and stay as it is.
    unsafe fn map(engine: &Engine, code: &Path) -> Result<Self>;

    /// # Safety
    ///
    /// The code must come from `compile`.
    unsafe fn copy(engine: &Engine, code: &[u8]) -> Result<Self>;
}

#[expect(unsafe_code, reason = "see the trait")]
impl Compiled for Component {
    const KIND: &'static str = "component";

    fn compile(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>> {
        engine.precompile_component(bytes)
    }

    unsafe fn map(engine: &Engine, code: &Path) -> Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize_file(engine, code) }
    }

    unsafe fn copy(engine: &Engine, code: &[u8]) -> Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize(engine, code) }
    }
}

#[expect(unsafe_code, reason = "see the trait")]
impl Compiled for Module {
    const KIND: &'static str = "module";

    fn compile(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>> {
        engine.precompile_module(bytes)
    }

    unsafe fn map(engine: &Engine, code: &Path) -> Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize_file(engine, code) }
    }

    unsafe fn copy(engine: &Engine, code: &[u8]) -> Result<Self> {
        // SAFETY: the caller's.
        unsafe { Self::deserialize(engine, code) }
    }
}

pub(crate) struct Cache {
    dir: PathBuf,
    size: u64,
    /// Nobody clears the folder meanwhile.
    _held: Option<File>,
}

impl Cache {
    /// Opens a folder, which is created if it is missing, and made private to this user.
    pub(crate) fn open(dir: &Path) -> std::result::Result<Self, CacheError> {
        let path = || dir.to_owned();
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent).map_err(|source| CacheError::Create {
                path: parent.to_owned(),
                source,
            })?;
        }
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(CacheError::Create {
                    path: path(),
                    source: error,
                });
            }
            _ => {}
        }
        let metadata = fs::symlink_metadata(dir).map_err(|source| CacheError::Create {
            path: path(),
            source,
        })?;
        if !metadata.is_dir() {
            return Err(CacheError::NotADirectory { path: path() });
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(CacheError::Foreign { path: path() });
        }
        if metadata.mode() & 0o077 != 0 {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|source| {
                CacheError::Permissions {
                    path: path(),
                    source,
                }
            })?;
        }
        Ok(Self {
            dir: dir.to_owned(),
            size: SIZE,
            _held: folders::hold(dir),
        })
    }

    /// What was compiled before. Good code may fail to load: a pool of instances has limits of its own.
    pub(super) fn load<C: Compiled>(
        &self,
        engine: &Engine,
        source: &SourceDigest,
    ) -> Option<Result<C>> {
        let key = key(engine, source);
        load(engine, &self.path(&key), &key)
    }

    pub(super) fn contains(&self, engine: &Engine, source: &SourceDigest) -> bool {
        self.path(&key(engine, source)).exists()
    }

    /// Keeps the code of a component or core module for engines with the settings of this one.
    pub(super) fn store(
        &self,
        engine: &Engine,
        source: &SourceDigest,
        code: &[u8],
    ) -> io::Result<()> {
        let key = key(engine, source);
        self.write(&self.path(&key), &key, code)
    }

    fn path(&self, key: &[u8; 32]) -> PathBuf {
        self.dir.join(format!("{}.cwasm", hex(key)))
    }

    fn write(&self, path: &Path, key: &[u8; 32], code: &[u8]) -> io::Result<()> {
        let mut file = AtomicFile::create(path, FileMode::PRIVATE, Durability::Cache)?;
        file.write_all(code)?;
        file.write_all(MAGIC)?;
        file.write_all(
            &Sha256::new()
                .chain_update(key)
                .chain_update(code)
                .finalize(),
        )?;
        file.commit()?;
        self.prune(path)
    }

    /// Removes the files not used for longest, but never `keep`, until the rest fits.
    fn prune(&self, keep: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        let mut total = 0;
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            // Another process may be pruning as well.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if atomic::is_unfinished(&entry.path()) {
                if atomic::is_abandoned(&metadata) {
                    let _ = fs::remove_file(entry.path());
                }
                continue;
            }
            total += metadata.len();
            files.push((used, metadata.len(), entry.path()));
        }
        files.sort();
        for (_, len, path) in files {
            if total <= self.size {
                break;
            }
            // A process that has the file mapped keeps it: removing takes away the name only.
            if path != keep && fs::remove_file(&path).is_ok() {
                total -= len;
            }
        }
        Ok(())
    }
}

/// Everything that compiled code depends on.
fn key(engine: &Engine, source: &SourceDigest) -> [u8; 32] {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sha = Sha(Sha256::new());
    // Hashes the settings, the target with the processor's features, and the version of wasmtime.
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.0.update(source.0);
    sha.0.finalize().into()
}

/// The code in a file, if the file is whole, ours and private. Marks it as used.
#[expect(
    unsafe_code,
    reason = "mapping compiled code is what makes a second start fast"
)]
fn load<C: Compiled>(engine: &Engine, path: &Path, key: &[u8; 32]) -> Option<Result<C>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .ok()?;
    if !trusted(&file).ok()? || !sealed(&file, key).ok()? {
        return None;
    }
    // Best effort: a folder that cannot be written to still serves what it has.
    let _ = file.set_modified(SystemTime::now());
    // SAFETY: the file must be what `Compiled::compile` made. It lies in a folder which only this user can write
    // to, is this user's, is no link, and its seal shows that it is what was written under this name; and files are
    // replaced by renaming, never written in place, so that a mapping does not change under us.
    Some(unsafe { C::map(engine, path) })
}

/// Gives memory that was freed back to the system. What a compiler has freed, or the bytes of a component that was replaced, are
/// scattered over the arenas of threads, and glibc would keep them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no other way to ask the allocator")]
pub(crate) fn give_back_memory() {
    // SAFETY: `malloc_trim` has no preconditions; it takes the locks of the allocator itself.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give memory back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back_memory() {}

/// What was compiled just now.
#[expect(
    unsafe_code,
    reason = "the code cannot be kept, and compiling it twice would be a waste"
)]
pub(super) fn from_memory<C: Compiled>(engine: &Engine, code: &[u8]) -> Result<C> {
    // SAFETY: the bytes come from `Compiled::compile` in this process and were not touched since.
    unsafe { C::copy(engine, code) }
}

fn trusted(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    Ok(metadata.is_file() && ours && metadata.mode() & 0o022 == 0 && metadata.len() > SEAL)
}

fn sealed(mut file: &File, key: &[u8; 32]) -> io::Result<bool> {
    let code = file.metadata()?.len() - SEAL;
    let mut digest = Sha256::new().chain_update(key);
    if io::copy(&mut file.take(code), &mut digest)? != code {
        return Ok(false);
    }
    let mut seal = Vec::with_capacity(SEAL as usize);
    file.read_to_end(&mut seal)?;
    Ok(seal
        .strip_prefix(MAGIC)
        .is_some_and(|expected| expected == digest.finalize().as_slice()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn age(path: &Path, seconds: u64) {
        let time = SystemTime::now() - Duration::from_secs(seconds);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_what_is_new_stays() {
        let root = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(&root.path().join("compiled")).unwrap();
        for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
            let path = cache.dir.join(name);
            cache.write(&path, &[0; 32], &[0; 1000]).unwrap();
            age(&path, 100 - index as u64);
        }
        assert_eq!(names(&cache.dir), ["a", "b", "c"]);
        age(&cache.dir.join("a"), 1);
        cache.size = 2500;
        cache
            .write(&cache.dir.join("d"), &[0; 32], &[0; 1000])
            .unwrap();
        assert_eq!(names(&cache.dir), ["a", "d"]);
        cache.size = 10;
        cache
            .write(&cache.dir.join("e"), &[0; 32], &[0; 1000])
            .unwrap();
        assert_eq!(names(&cache.dir), ["e"]);
    }

    #[test]
    fn what_a_dead_process_left_behind_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(&root.path().join("compiled")).unwrap();
        let [old, new] = [".new-old", ".new-new"];
        fs::write(cache.dir.join(old), "").unwrap();
        fs::write(cache.dir.join(new), "").unwrap();
        age(&cache.dir.join(old), 7200);
        cache
            .write(&cache.dir.join("a"), &[0; 32], b"code")
            .unwrap();
        assert_eq!(names(&cache.dir), [new, "a"]);
    }
}
