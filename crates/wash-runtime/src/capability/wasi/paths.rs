//! What guests do with paths: as wasmtime does it, but that no guest changes a protected folder, and that a pipe or a
//! socket, on which a thread could wait for ever, is not opened.
//!
//! A path is led to its last directory first, which is held open. What is allowed is decided for that directory and the
//! last name, and only these two are used from then on, so that nobody can put another path in between.

use std::ffi::OsStr;
use std::fs::File as OsFile;
use std::io;
use std::path::{Path, PathBuf};

use cap_primitives::fs::{
    self as cap, DirOptions, FollowSymlinks, OpenOptions, OpenOptionsExt as _,
};
use rustix::fs::{AtFlags, FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat, statat};
use rustix::io::Errno;
use wash_common::folders::protected::Protected;
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File, OpenMode};

/// Marks a directory that is of no use to anybody but its guest, in which everything may be changed. wasmtime has no
/// meaning for the bit.
pub(super) const UNGUARDED: OpenMode = OpenMode::from_bits_retain(1 << 8);

/// Links that a path may lead through, at most.
const MAX_LINKS: usize = 40;

/// How a guest opens a path, in both versions of WASI.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Opening {
    pub(super) follow: bool,
    pub(super) create: bool,
    pub(super) exclusive: bool,
    pub(super) truncate: bool,
    pub(super) directory: bool,
    pub(super) read: bool,
    pub(super) write: bool,
    /// Wants every write synced.
    pub(super) synced: bool,
}

impl Opening {
    fn writes(self) -> bool {
        self.create || self.truncate || self.write
    }

    fn mode(self) -> OpenMode {
        let mut mode = OpenMode::empty();
        mode.set(OpenMode::WRITE, self.writes());
        mode.set(OpenMode::READ, self.read || !self.write);
        mode
    }

    fn options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        let follow = match self.follow {
            true => FollowSymlinks::Yes,
            false => FollowSymlinks::No,
        };
        options
            .read(self.read || !self.write)
            .write(self.writes())
            .create(self.create && !self.exclusive)
            .create_new(self.create && self.exclusive)
            .truncate(self.truncate)
            ._cap_fs_ext_follow(follow)
            // Or a pipe is waited for.
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        options
    }
}

/// The entry that a path leads to.
struct Entry {
    directory: OsFile,
    /// With the slashes at its end, which say that it is a directory.
    name: PathBuf,
}

impl Entry {
    /// The name without slashes, of what may be a directory.
    fn bare(&self) -> &Path {
        let name = self.name.to_str().unwrap_or_default();
        Path::new(name.trim_end_matches('/'))
    }

    /// The name of what is none.
    fn file(&self) -> io::Result<&Path> {
        match self.has_slash() {
            true => Err(Errno::NOTDIR.into()),
            false => Ok(&self.name),
        }
    }

    fn has_slash(&self) -> bool {
        self.name.as_os_str().as_encoded_bytes().ends_with(b"/")
    }

    fn is_directory(&self) -> bool {
        statat(&self.directory, self.bare(), AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    }
}

/// Whether everything below a directory is out of the guest's reach, or is of no use to others.
fn is_unguarded(directory: &Dir) -> bool {
    directory.perms.write_not_permitted() || directory.open_mode.contains(UNGUARDED)
}

fn check_writable(directory: &Dir) -> io::Result<()> {
    match directory.perms.write_not_permitted() {
        true => Err(Errno::PERM.into()),
        false => Ok(()),
    }
}

pub(super) fn open(
    protected: &Protected,
    directory: &Dir,
    path: &str,
    opening: Opening,
) -> io::Result<Descriptor> {
    if opening.synced {
        return Err(Errno::NOTSUP.into());
    }
    if opening.directory && (opening.create || opening.exclusive || opening.truncate) {
        return Err(Errno::INVAL.into());
    }
    if opening.writes() {
        check_writable(directory)?;
    }
    let guarded = opening.writes() && !is_unguarded(directory);
    let file = match guarded && !is_dots(path) {
        true => {
            let entry = entry(&directory.dir, path, opening.follow)?;
            check(protected, &entry)?;
            let opening = Opening {
                follow: false,
                ..opening
            };
            cap::open(&entry.directory, &entry.name, &opening.options())?
        }
        false => cap::open(&directory.dir, Path::new(path), &opening.options())?,
    };
    descriptor(protected, directory, file, opening)
}

fn descriptor(
    protected: &Protected,
    parent: &Dir,
    file: OsFile,
    opening: Opening,
) -> io::Result<Descriptor> {
    let kind = FileType::from_raw_mode(fstat(&file)?.st_mode);
    let mode = opening.mode();
    match kind {
        FileType::Directory => {
            let hidden = !is_unguarded(parent) && protected.contains(&file)?;
            let perms = match hidden {
                true => FsPerms::ReadOnly,
                false => parent.perms,
            };
            let mode = mode | (parent.open_mode & UNGUARDED);
            Ok(Descriptor::Dir(Dir::new(file, perms, mode, false)))
        }
        _ if opening.directory => Err(Errno::NOTDIR.into()),
        FileType::Fifo | FileType::Socket => Err(Errno::NOTSUP.into()),
        _ => {
            let flags = fcntl_getfl(&file)?;
            fcntl_setfl(&file, flags.difference(OFlags::NONBLOCK))?;
            Ok(Descriptor::File(File::new(file, parent.perms, mode, false)))
        }
    }
}

pub(super) fn create_directory(
    protected: &Protected,
    directory: &Dir,
    path: &str,
) -> io::Result<()> {
    let entry = changed(protected, directory, path)?;
    cap::create_dir(&entry.directory, entry.bare(), &DirOptions::new())
}

pub(super) fn remove_directory(
    protected: &Protected,
    directory: &Dir,
    path: &str,
) -> io::Result<()> {
    let entry = changed(protected, directory, path)?;
    cap::remove_dir(&entry.directory, entry.bare())
}

pub(super) fn unlink(protected: &Protected, directory: &Dir, path: &str) -> io::Result<()> {
    let entry = changed(protected, directory, path)?;
    check_movable(protected, directory, &entry)?;
    cap::remove_file(&entry.directory, entry.file()?)
}

pub(super) fn symlink(
    protected: &Protected,
    directory: &Dir,
    target: &str,
    path: &str,
) -> io::Result<()> {
    let entry = changed(protected, directory, path)?;
    cap::symlink(Path::new(target), &entry.directory, entry.file()?)
}

pub(super) fn rename(
    protected: &Protected,
    (old_directory, old): (&Dir, &str),
    (new_directory, new): (&Dir, &str),
) -> io::Result<()> {
    let old = changed(protected, old_directory, old)?;
    let new = changed(protected, new_directory, new)?;
    if (old.has_slash() || new.has_slash()) && !old.is_directory() {
        return Err(Errno::NOTDIR.into());
    }
    check_movable(protected, old_directory, &old)?;
    check_movable(protected, new_directory, &new)?;
    cap::rename(&old.directory, old.bare(), &new.directory, new.bare())
}

pub(super) fn link(
    protected: &Protected,
    (old_directory, old): (&Dir, &str),
    (new_directory, new): (&Dir, &str),
) -> io::Result<()> {
    let old = changed(protected, old_directory, old)?;
    let new = changed(protected, new_directory, new)?;
    cap::hard_link(&old.directory, old.file()?, &new.directory, new.file()?)
}

/// Whether the times of what a path leads to may be set.
pub(super) fn check_times(
    protected: &Protected,
    directory: &Dir,
    path: &str,
    follow: bool,
) -> io::Result<()> {
    check_writable(directory)?;
    if is_unguarded(directory) || is_dots(path) {
        return Ok(());
    }
    check(protected, &entry(&directory.dir, path, follow)?)
}

/// The entry that a path names, if the guest may change it.
fn changed(protected: &Protected, directory: &Dir, path: &str) -> io::Result<Entry> {
    check_writable(directory)?;
    if is_unguarded(directory) {
        return Ok(Entry {
            directory: directory.dir.try_clone()?,
            name: path.into(),
        });
    }
    if is_dots(path) {
        // Nothing is made, moved or removed by such a name.
        let is_there = cap::open_dir(&directory.dir, Path::new(path)).is_ok();
        return Err(match is_there {
            true => Errno::EXIST.into(),
            false => Errno::INVAL.into(),
        });
    }
    let entry = entry(&directory.dir, path, false)?;
    check(protected, &entry)?;
    Ok(entry)
}

fn check(protected: &Protected, entry: &Entry) -> io::Result<()> {
    let name = entry.name.file_name().unwrap_or_default();
    match protected.has_entry(&entry.directory, name)? {
        true => Err(Errno::PERM.into()),
        false => Ok(()),
    }
}

/// Whether an entry may be moved, removed or replaced: not if a project goes with it.
fn check_movable(protected: &Protected, directory: &Dir, entry: &Entry) -> io::Result<()> {
    let holds_project = || protected.holds_project(&entry.directory, entry.bare());
    match !is_unguarded(directory) && holds_project()? {
        true => Err(Errno::PERM.into()),
        false => Ok(()),
    }
}

/// Whether a path ends in no name, but in dots or in nothing.
fn is_dots(path: &str) -> bool {
    matches!(split(path).1.trim_end_matches('/'), "" | "." | "..")
}

/// What stands before the last name, and the name with the slashes at its end.
fn split(path: &str) -> (&str, &str) {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rfind('/') {
        Some(slash) => path.split_at(slash + 1),
        None => ("", path),
    }
}

/// Leads a path to its last directory; if `follow`, also the links that its last name is.
fn entry(base: &OsFile, path: &str, follow: bool) -> io::Result<Entry> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let (parent, name) = split(&path);
        let directory = match parent {
            "" => base.try_clone()?,
            parent => cap::open_dir(base, Path::new(parent))?,
        };
        let bare = Path::new(name.trim_end_matches('/'));
        if follow && let Ok(target) = cap::read_link_contents(&directory, bare) {
            let target = target.to_str().ok_or(Errno::ILSEQ)?;
            if target.starts_with('/') {
                return Err(Errno::PERM.into());
            }
            path = format!("{parent}{target}");
            if is_dots(&path) {
                return Err(Errno::ISDIR.into());
            }
            continue;
        }
        let name = Path::new(OsStr::new(name)).to_path_buf();
        return Ok(Entry { directory, name });
    }
    Err(Errno::LOOP.into())
}
