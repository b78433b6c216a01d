//! A directory of containers. Knows `wasi:filesystem`, but no `wasi:blobstore`.

mod container;
mod listing;
mod staging;

use alloc::format;
use alloc::string::String;

use crate::bindings::wasi::filesystem::preopens;
use crate::bindings::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use crate::names;

pub use container::{Container, Object};
pub use listing::Listing;
pub use staging::{Staged, Staging, pour};

/// In each container's directory: made with it and never touched again, so that it knows when that was.
const MARKER: &str = ".container";

/// The directory that holds everything.
pub struct Store {
    root: Descriptor,
}

impl Store {
    /// Opens the directory this component was given.
    pub fn open() -> Result<Self, String> {
        let first = preopens::get_directories().into_iter().next();
        let (root, _) = first.ok_or("the blob store was given no directory to keep its data in")?;
        Ok(Self { root })
    }

    pub fn staging(&self) -> Result<Staging, String> {
        Staging::open(&self.root)
    }

    pub fn container(&self, name: &str) -> Result<Container, String> {
        match open_directory(&self.root, &names::encode_container(name)?) {
            Ok(directory) => Ok(Container::new(name, directory)),
            Err(ErrorCode::NoEntry) => Err(format!("container `{name}` does not exist")),
            Err(code) => Err(format!("cannot open container `{name}`: {}", code.name())),
        }
    }

    pub fn create_container(&self, name: &str) -> Result<Container, String> {
        let path = names::encode_container(name)?;
        let staging = self.staging()?;
        let made = staging.directory()?;
        let marked = open_directory(staging.descriptor(), &made)
            .and_then(|directory| create_file(&directory, MARKER))
            .and_then(|_| staging.descriptor().rename_at(&made, &self.root, &path))
            .and_then(|()| sync_directory(&self.root));
        if let Err(code) = marked {
            remove_tree(staging.descriptor(), &made);
            return Err(match code {
                ErrorCode::Exist | ErrorCode::NotEmpty => {
                    format!("container `{name}` exists already")
                }
                code => format!("cannot create container `{name}`: {}", code.name()),
            });
        }
        self.container(name)
    }

    pub fn container_exists(&self, name: &str) -> Result<bool, String> {
        match self
            .root
            .stat_at(PathFlags::empty(), &names::encode_container(name)?)
        {
            Ok(stat) => Ok(stat.type_ == DescriptorType::Directory),
            Err(ErrorCode::NoEntry) => Ok(false),
            Err(code) => Err(format!(
                "cannot look for container `{name}`: {}",
                code.name()
            )),
        }
    }

    /// The container is gone at once. What is left of it in the staging directory, should that be cut short, is swept
    /// up later.
    pub fn delete_container(&self, name: &str) -> Result<(), String> {
        let staging = self.staging()?;
        let grave = staging.unused_name();
        match self.root.rename_at(
            &names::encode_container(name)?,
            staging.descriptor(),
            &grave,
        ) {
            Ok(()) => {
                let synced = sync_directory(&self.root);
                remove_tree(staging.descriptor(), &grave);
                synced.map_err(|code| format!("cannot delete container `{name}`: {}", code.name()))
            }
            Err(ErrorCode::NoEntry) => Err(format!("container `{name}` does not exist")),
            Err(code) => Err(format!("cannot delete container `{name}`: {}", code.name())),
        }
    }
}

fn open_directory(parent: &Descriptor, path: &str) -> Result<Descriptor, ErrorCode> {
    let access = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
    parent.open_at(PathFlags::empty(), path, OpenFlags::DIRECTORY, access)
}

/// Makes the names in a directory last, so that what was acknowledged survives a loss of power. Where directories cannot
/// be synced there is nothing more to do.
fn sync_directory(directory: &Descriptor) -> Result<(), ErrorCode> {
    match directory.sync() {
        Err(ErrorCode::Unsupported | ErrorCode::Invalid | ErrorCode::BadDescriptor) => Ok(()),
        synced => synced,
    }
}

/// Creates a file that does not exist yet, to be written and read.
fn create_file(parent: &Descriptor, path: &str) -> Result<Descriptor, ErrorCode> {
    let access = DescriptorFlags::READ | DescriptorFlags::WRITE;
    parent.open_at(
        PathFlags::empty(),
        path,
        OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
        access,
    )
}

/// Removes a file, or a directory with all that is in it, as far as that is possible.
fn remove_tree(parent: &Descriptor, path: &str) {
    if parent.unlink_file_at(path).is_ok() {
        return;
    }
    if let Ok(directory) = open_directory(parent, path)
        && let Ok(entries) = directory.read_directory()
    {
        while let Ok(Some(entry)) = entries.read_directory_entry() {
            remove_tree(&directory, &entry.name);
        }
    }
    let _ = parent.remove_directory_at(path);
}
