//! Writes files by renaming: readers see the old content or the new, never a part of either, and a write that fails
//! changes nothing.
//!
//! The content goes to a temporary file in the same directory, which then takes the place of the old file. A symbolic link at
//! the path is replaced, not followed: in a project of somebody else it may lead anywhere.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::files;

/// What a power cut may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The new content: it can be made or fetched again, and whoever reads it finds out.
    Cache,
    /// Nothing: the content is on disk before the old one goes, and under its name when the write returns.
    Synced,
}

/// Who may do what with the written file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMode {
    /// Permissions and owner of the file it replaces; a new one is as the umask has it.
    Keep,
    /// These permissions, less the umask, whatever was there.
    Set(u32),
}

impl FileMode {
    /// For this user alone.
    pub const PRIVATE: Self = Self::Set(0o600);
    /// Others may read it, unless the umask says otherwise.
    pub const READABLE: Self = Self::Set(0o644);
}

#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", .path.display())]
pub struct WriteError {
    pub path: PathBuf,
    pub source: io::Error,
}

/// With the path, for those whose own error does not name it.
impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        Self::new(error.source.kind(), error)
    }
}

/// Writes a file of the user's, of which nothing may be lost.
pub fn write_atomic(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    write_atomic_with(path, content, FileMode::Keep, Durability::Synced)
}

pub fn write_atomic_with(
    path: &Path,
    content: &[u8],
    mode: FileMode,
    durability: Durability,
) -> Result<(), WriteError> {
    let mut file = AtomicFile::create(path, mode, durability)?;
    file.write_all(content).map_err(|error| file.error(error))?;
    file.commit()
}

/// A file that is being written, and that nobody sees before [`Self::commit`].
pub struct AtomicFile {
    file: NamedTempFile,
    path: PathBuf,
    durability: Durability,
}

impl AtomicFile {
    pub fn create(path: &Path, mode: FileMode, durability: Durability) -> Result<Self, WriteError> {
        let create = || {
            let old = replaced(path)?;
            let bits = match mode {
                FileMode::Keep => 0o666,
                FileMode::Set(bits) => bits,
            };
            // Opened here: the errors of `tempfile_in` name the temporary file, which means nothing to the user.
            let file =
                tempfile::Builder::new()
                    .prefix(PREFIX)
                    .make_in(directory(path), |path| {
                        File::options()
                            .write(true)
                            .create_new(true)
                            .mode(bits)
                            .open(path)
                    })?;
            if let (FileMode::Keep, Some(old)) = (mode, old) {
                take_over(file.as_file(), &old)?;
            }
            Ok(file)
        };
        match create() {
            Ok(file) => Ok(Self {
                file,
                path: path.to_path_buf(),
                durability,
            }),
            Err(source) => Err(WriteError {
                path: path.to_path_buf(),
                source,
            }),
        }
    }

    /// Puts the file in its place.
    pub fn commit(self) -> Result<(), WriteError> {
        let Self {
            file,
            path,
            durability,
        } = self;
        let commit = || {
            if durability == Durability::Synced {
                file.as_file().sync_all()?;
            }
            file.persist(&path)?;
            if durability == Durability::Synced {
                // Or a power cut brings back the old file after the write has returned. A directory that can be written
                // to and not read is as good as it gets.
                if let Ok(directory) = File::open(directory(&path)) {
                    directory.sync_all()?;
                }
            }
            Ok(())
        };
        commit().map_err(|source| WriteError { path, source })
    }

    fn error(&self, source: io::Error) -> WriteError {
        WriteError {
            path: self.path.clone(),
            source,
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// What the names of files begin with that are being written.
pub const PREFIX: &str = ".new-";

/// A temporary file older than this was left behind by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Whether a file is being written, or was when its writer was killed.
pub fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name();
    name.is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()))
}

/// Whether nothing has been written to a file for so long that its writer must be gone.
pub fn is_abandoned(metadata: &Metadata) -> bool {
    let modified = metadata.modified();
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED))
}

/// The file that is there. A device or a pipe in its place is not to be replaced by a file.
fn replaced(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::metadata(path) {
        Ok(old) => {
            files::must_be_file(old.file_type())?;
            Ok(Some(old))
        }
        Err(_) => Ok(None),
    }
}

fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // For root alone, as when it works on a project of a user.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    // After the owner, whose change takes bits away.
    file.set_permissions(Permissions::from_mode(old.mode() & 0o777))
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn the_permissions_of_a_file_stay() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        for kept in [0o600, 0o444, 0o755, 0o664] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(kept)).unwrap();
            write_atomic(&path, b"new").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
            assert_eq!(mode(&path), kept);
            fs::remove_file(&path).unwrap();
        }
        assert_eq!(names(root.path()), [""; 0]);
    }

    #[test]
    fn a_new_file_has_the_permissions_of_any_other() {
        let root = tempfile::tempdir().unwrap();
        let [ours, other] = ["ours", "other"].map(|name| root.path().join(name));
        fs::write(&other, "").unwrap();
        write_atomic(&ours, b"").unwrap();
        assert_eq!(mode(&ours), mode(&other));
    }

    #[test]
    fn a_private_file_is_private_whatever_was_there() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("key");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        write_atomic_with(&path, b"new", FileMode::PRIVATE, Durability::Cache).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn nobody_sees_what_is_not_complete() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path, FileMode::Keep, Durability::Cache).unwrap();
        file.write_all(b"ne").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let unfinished = names(root.path());
        let unfinished = unfinished.iter().find(|name| *name != "file").unwrap();
        assert!(is_unfinished(&root.path().join(unfinished)));
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(root.path()), ["file"]);
    }

    #[test]
    fn what_is_not_a_file_stays_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("directory")).unwrap();
        symlink("/dev/null", at("device")).unwrap();
        for (name, reason) in [
            ("directory", "it is a directory, not a file"),
            ("device", "it is a device, not a file"),
            ("missing/file", "No such file or directory (os error 2)"),
        ] {
            let error = write_atomic(&at(name), b"new").unwrap_err();
            assert_eq!(error.source.to_string(), reason);
            let shown = format!("cannot write `{}`", at(name).display());
            assert_eq!(error.to_string(), shown);
        }
        assert_eq!(names(root.path()).len(), 2);
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let [link, target] = ["link", "target"].map(|name| root.path().join(name));
        fs::write(&target, "theirs").unwrap();
        symlink("target", &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert!(!link.is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"theirs");
    }
}
