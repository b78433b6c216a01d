//! One container: a directory with an object in each file.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{MARKER, Staged, open_directory, sync_directory};
use crate::bindings::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use crate::names;

pub struct Container {
    name: String,
    directory: Descriptor,
}

/// An object, open for reading. Replacing or deleting it does not change what is read.
pub struct Object {
    pub file: Descriptor,
    pub size: u64,
}

impl Container {
    pub(super) fn new(name: &str, directory: Descriptor) -> Self {
        Self {
            name: name.into(),
            directory,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn directory(&self) -> &Descriptor {
        &self.directory
    }

    /// When the container was created, in seconds since 1970. A directory made by hand tells when it last changed.
    pub fn created_at(&self) -> Result<u64, String> {
        let stat = self
            .directory
            .stat_at(PathFlags::empty(), MARKER)
            .or_else(|_| self.directory.stat());
        stat.map(|stat| modified(&stat))
            .map_err(|code| self.failed("look at", code))
    }

    pub fn open(&self, object: &str) -> Result<Object, String> {
        let path = Path::of(object);
        let opened = self
            .directory
            .open_at(
                PathFlags::empty(),
                &path.file,
                OpenFlags::empty(),
                DescriptorFlags::READ,
            )
            .and_then(|file| file.stat().map(|stat| (file, stat)));
        match opened {
            Ok((file, stat)) if stat.type_ == DescriptorType::RegularFile => Ok(Object {
                file,
                size: stat.size,
            }),
            Ok(_) | Err(ErrorCode::NoEntry | ErrorCode::NotDirectory) => Err(self.missing(object)),
            Err(code) => Err(self.object_failed("read", object, code)),
        }
    }

    pub fn has(&self, object: &str) -> Result<bool, String> {
        self.stat(object).map(|stat| stat.is_some())
    }

    /// The object's size in bytes, and when it was created in seconds since 1970.
    pub fn info(&self, object: &str) -> Result<(u64, u64), String> {
        let stat = self.stat(object)?.ok_or_else(|| self.missing(object))?;
        Ok((stat.size, modified(&stat)))
    }

    /// Makes a staged file an object, in place of the one that has the name now. It is on disk when this returns.
    pub fn place(&self, staged: &Staged, object: &str) -> Result<(), String> {
        staged
            .file
            .sync()
            .map_err(|code| self.object_failed("write", object, code))?;
        match self.take_in(staged.directory(), staged.name(), object) {
            Ok(()) => Ok(()),
            Err(ErrorCode::NoEntry) if staged.is_there() => {
                Err(format!("container `{}` was deleted", self.name))
            }
            Err(ErrorCode::NoEntry) => Err(format!(
                "the upload of `{object}` stood still for too long and was discarded"
            )),
            Err(code) => Err(self.object_failed("write", object, code)),
        }
    }

    /// Moves an object of `source` here, in place of the one that has the name now.
    pub fn move_from(&self, source: &Container, object: &str, name: &str) -> Result<(), String> {
        let path = Path::of(object);
        match self.take_in(&source.directory, &path.file, name) {
            Ok(()) => {
                // The object first, then that it has left: in between it has two names, never none.
                sync_directory(&source.directory)
                    .map_err(|code| source.object_failed("move", object, code))?;
                path.remove_directories(&source.directory);
            }
            Err(ErrorCode::NoEntry) => return Err(source.missing(object)),
            Err(code) => return Err(self.object_failed("write", name, code)),
        }
        Ok(())
    }

    /// Deletes an object, if it exists.
    pub fn delete(&self, object: &str) -> Result<(), String> {
        let path = Path::of(object);
        match self.directory.unlink_file_at(&path.file) {
            Ok(()) => {
                path.sync(&self.directory)
                    .map_err(|code| self.object_failed("delete", object, code))?;
                path.remove_directories(&self.directory);
            }
            Err(ErrorCode::NoEntry | ErrorCode::NotDirectory) => {}
            Err(code) => return Err(self.object_failed("delete", object, code)),
        }
        Ok(())
    }

    fn stat(&self, object: &str) -> Result<Option<DescriptorStat>, String> {
        match self
            .directory
            .stat_at(PathFlags::empty(), &Path::of(object).file)
        {
            Ok(stat) => Ok((stat.type_ == DescriptorType::RegularFile).then_some(stat)),
            Err(ErrorCode::NoEntry | ErrorCode::NotDirectory) => Ok(None),
            Err(code) => Err(self.object_failed("look at", object, code)),
        }
    }

    fn take_in(&self, from: &Descriptor, path: &str, object: &str) -> Result<(), ErrorCode> {
        let target = Path::of(object);
        let mut attempts = 3;
        loop {
            target.create_directories(&self.directory)?;
            attempts -= 1;
            match from.rename_at(path, &self.directory, &target.file) {
                // Another instance may just have removed the directories with the last object in them.
                Err(ErrorCode::NoEntry) if attempts > 0 && !target.directories.is_empty() => {}
                Ok(()) => return target.sync(&self.directory),
                Err(code) => return Err(code),
            }
        }
    }

    fn missing(&self, object: &str) -> String {
        format!(
            "object `{object}` does not exist in container `{}`",
            self.name
        )
    }

    pub(super) fn failed(&self, what: &str, code: ErrorCode) -> String {
        format!("cannot {what} container `{}`: {}", self.name, code.name())
    }

    fn object_failed(&self, what: &str, object: &str, code: ErrorCode) -> String {
        format!(
            "cannot {what} object `{object}` in container `{}`: {}",
            self.name,
            code.name()
        )
    }
}

/// Where an object is in its container.
struct Path {
    /// The directories that lead to the file, outermost first.
    directories: Vec<String>,
    file: String,
}

impl Path {
    fn of(object: &str) -> Self {
        let parts = names::encode(object);
        let directories = (1..parts.len())
            .map(|count| parts[..count].join("/"))
            .collect();
        Self {
            directories,
            file: parts.join("/"),
        }
    }

    fn create_directories(&self, container: &Descriptor) -> Result<(), ErrorCode> {
        for directory in &self.directories {
            match container.create_directory_at(directory) {
                Ok(()) | Err(ErrorCode::Exist) => {}
                Err(code) => return Err(code),
            }
        }
        Ok(())
    }

    /// Makes the names that lead to the file last, or that they are gone.
    fn sync(&self, container: &Descriptor) -> Result<(), ErrorCode> {
        sync_directory(container)?;
        for directory in &self.directories {
            match open_directory(container, directory) {
                Ok(directory) => sync_directory(&directory)?,
                // Another instance has removed it with the last object in it.
                Err(ErrorCode::NoEntry) => break,
                Err(code) => return Err(code),
            }
        }
        Ok(())
    }

    /// Removes the directories that are empty now.
    fn remove_directories(&self, container: &Descriptor) {
        for directory in self.directories.iter().rev() {
            if container.remove_directory_at(directory).is_err() {
                break;
            }
        }
    }
}

/// Seconds since 1970.
fn modified(stat: &DescriptorStat) -> u64 {
    stat.data_modification_timestamp
        .map_or(0, |time| time.seconds)
}
