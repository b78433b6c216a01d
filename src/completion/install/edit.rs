//! What is to be done to a file: found out first, for all of them, and done then.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use wash_common::atomic;
use wash_common::atomic::{Durability, FileMode, WriteError};

use super::places::{Content, Piece};
use super::{Change, Changed, InstallError, block};

/// A file as it is to be. `None` for one that is to go.
pub(super) struct Edit {
    path: PathBuf,
    bytes: Option<Vec<u8>>,
    pub(super) change: Change,
    block: bool,
}

impl Edit {
    pub(super) fn to_install(piece: &Piece) -> Result<Self, InstallError> {
        let old = read(&piece.path)?;
        let new = match &piece.content {
            Content::Whole(text) => match &old {
                Some(old) if !is_ours(old) => {
                    let path = piece.path.clone();
                    return Err(InstallError::NotOurs { path });
                }
                _ => text.clone().into_bytes(),
            },
            Content::Block(lines) => {
                let old = old.as_deref().unwrap_or_default();
                block::with(old, lines).map_err(|line| piece.no_end(line))?
            }
        };
        let change = match &old {
            None => Change::Written,
            Some(old) if *old == new => Change::Unchanged,
            Some(_) => Change::Updated,
        };
        piece.edit(Some(new), change).writable()
    }

    pub(super) fn to_remove(piece: &Piece) -> Result<Self, InstallError> {
        let Some(old) = read(&piece.path)? else {
            return Ok(piece.edit(None, Change::Unchanged));
        };
        let edit = match &piece.content {
            Content::Whole(_) if is_ours(&old) => piece.edit(None, Change::Removed),
            Content::Whole(_) => piece.edit(Some(old), Change::Unchanged),
            Content::Block(_) => {
                let new = block::without(&old).map_err(|line| piece.no_end(line))?;
                match new == old {
                    true => piece.edit(Some(new), Change::Unchanged),
                    // There was nothing else in it.
                    false => piece.edit((!new.is_empty()).then_some(new), Change::Removed),
                }
            }
        };
        edit.writable()
    }

    /// Whether lines of ours are there already, though not these.
    pub(super) fn is_in_place(&self) -> bool {
        self.change == Change::Updated && fs::read(&self.path).is_ok_and(|it| block::is_in(&it))
    }

    /// Refuses to change a file of the user's that is not to be written, whoever we are: something else makes it.
    fn writable(self) -> Result<Self, InstallError> {
        let changes = self.block && self.change != Change::Unchanged;
        let is_closed = fs::metadata(&self.path).is_ok_and(|it| it.permissions().readonly());
        match changes && is_closed {
            true => Err(InstallError::ReadOnly { path: self.path }),
            false => Ok(self),
        }
    }
}

impl Piece {
    fn edit(&self, bytes: Option<Vec<u8>>, change: Change) -> Edit {
        Edit {
            path: self.path.clone(),
            bytes,
            change,
            block: matches!(self.content, Content::Block(_)),
        }
    }

    fn no_end(&self, line: usize) -> InstallError {
        let path = self.path.clone();
        InstallError::NoEnd { path, line }
    }
}

/// Every script of ours says so.
pub(super) fn is_ours(script: &[u8]) -> bool {
    let name = crate::completion::VARIABLE.as_bytes();
    script.is_empty() || script.windows(name.len()).any(|window| window == name)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, InstallError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(InstallError::Read {
            path: path.to_path_buf(),
            source,
        }),
    }
}

pub(super) fn apply(edits: Vec<Edit>, dry_run: bool) -> Result<Vec<Changed>, InstallError> {
    let mut changed = Vec::new();
    for edit in edits {
        if !dry_run && edit.change != Change::Unchanged {
            let wrote = match &edit.bytes {
                Some(bytes) => write(&edit.path, bytes),
                None => fs::remove_file(&edit.path).map_err(|source| WriteError {
                    path: edit.path.clone(),
                    source,
                }),
            };
            wrote?;
        }
        changed.push(Changed {
            path: edit.path,
            change: edit.change,
            block: edit.block,
        });
    }
    Ok(changed)
}

/// A symlink, as keepers of dotfiles have them, stays one.
fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let path = behind_links(path);
    let dir = path.parent().unwrap_or(Path::new("/"));
    let in_place = || {
        let mut file = File::options().write(true).truncate(true).open(&path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    let failed = |source| WriteError {
        path: path.clone(),
        source,
    };
    match fs::metadata(&path) {
        // A new file under this name would part it from its other names.
        Ok(old) if old.nlink() > 1 => in_place().map_err(failed),
        Ok(_) => match atomic::write_atomic(&path, bytes) {
            // The file is mounted there by itself, or only its directory is closed.
            Err(error) if cannot_replace(&error.source) => in_place().map_err(failed),
            written => written,
        },
        Err(_) => {
            create_dirs(dir).map_err(failed)?;
            atomic::write_atomic_with(&path, bytes, FileMode::READABLE, Durability::Synced)?;
            give_away(&path, dir).map_err(failed)
        }
    }
}

fn cannot_replace(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Where a path leads, also if nothing is there.
fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    // More than this is a circle.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("/")).join(to),
            Err(_) => break,
        }
    }
    path
}

fn create_dirs(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = dir.parent().unwrap_or(Path::new("/"));
    create_dirs(above)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => give_away(dir, above),
    }
}

/// What root makes in the home of another user belongs to that user, as the directory around it does.
fn give_away(path: &Path, dir: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let dir = fs::metadata(dir)?;
    std::os::unix::fs::chown(path, Some(dir.uid()), Some(dir.gid()))
}
