//! What lies in a folder, how big it is, and removing it. Links are never followed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub path: PathBuf,
    /// In bytes, with all that is in it.
    pub size: u64,
}

/// By name.
pub fn entries(directory: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let size = size(&path)?;
        entries.push(Entry { name, path, size });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Of a file, or of all files in a directory. What goes away meanwhile has none.
pub fn size(path: &Path) -> io::Result<u64> {
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(0),
        _ => Err(error),
    };
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::read_dir(path),
        Ok(metadata) => return Ok(metadata.len()),
        Err(error) => return gone(error),
    };
    match metadata {
        Ok(mut entries) => entries.try_fold(0, |sum, entry| Ok(sum + size(&entry?.path())?)),
        Err(error) => gone(error),
    }
}

impl Entry {
    /// Removes it; a link is removed, and not what it points to.
    pub fn remove(&self) -> io::Result<()> {
        match fs::symlink_metadata(&self.path)?.is_dir() {
            true => fs::remove_dir_all(&self.path),
            false => fs::remove_file(&self.path),
        }
    }
}
