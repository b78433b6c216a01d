//! What is to be done to a file: found out first, for all of them, and done then.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::places::{Content, Piece};
use super::{Change, Changed, InstallError, block};

/// A file as it is to be. `None` for one that is to go.
pub(super) struct Edit {
    path: PathBuf,
    text: Option<String>,
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
                _ => text.clone(),
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
        Ok(piece.edit(Some(new), change))
    }

    pub(super) fn to_remove(piece: &Piece) -> Result<Self, InstallError> {
        let Some(old) = read(&piece.path)? else {
            return Ok(piece.edit(None, Change::Unchanged));
        };
        Ok(match &piece.content {
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
        })
    }
}

impl Piece {
    fn edit(&self, text: Option<String>, change: Change) -> Edit {
        Edit {
            path: self.path.clone(),
            text,
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
pub(super) fn is_ours(script: &str) -> bool {
    script.is_empty() || script.contains(crate::completion::VARIABLE)
}

fn read(path: &Path) -> Result<Option<String>, InstallError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
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
            let wrote = match &edit.text {
                Some(text) => write(&edit.path, text),
                None => fs::remove_file(&edit.path),
            };
            wrote.map_err(|source| InstallError::Write {
                path: edit.path.clone(),
                source,
            })?;
        }
        changed.push(Changed {
            path: edit.path,
            change: edit.change,
            block: edit.block,
        });
    }
    Ok(changed)
}

/// Whole or not at all; a symlink, as keepers of dotfiles have them, stays one.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir)?;
    let old = fs::metadata(&path).map(|file| file.permissions());
    let permissions = old.unwrap_or_else(|_| fs::Permissions::from_mode(0o644));
    let mut file = tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}
