//! The names of the objects in a container, read from its directory as they are asked for.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{Container, open_directory};
use crate::bindings::wasi::filesystem::types::{
    Descriptor, DescriptorType, DirectoryEntryStream, ErrorCode,
};
use crate::names;

pub struct Listing {
    container: Rc<Container>,
    /// The directory being read, at the end, and those it is in. The first is the container's.
    levels: Vec<Level>,
    /// Read ahead, to know whether there is more.
    next: Option<String>,
}

struct Level {
    /// `None`: the container's own.
    directory: Option<(String, Descriptor)>,
    entries: DirectoryEntryStream,
}

impl Listing {
    pub fn of(container: Rc<Container>) -> Result<Self, String> {
        let entries = container
            .directory()
            .read_directory()
            .map_err(|code| container.failed("list", code))?;
        let mut listing = Self {
            container,
            levels: vec![Level {
                directory: None,
                entries,
            }],
            next: None,
        };
        listing.next = listing.read()?;
        Ok(listing)
    }

    pub fn next(&mut self) -> Result<Option<String>, String> {
        let following = match self.next {
            Some(_) => self.read()?,
            None => None,
        };
        Ok(core::mem::replace(&mut self.next, following))
    }

    pub fn is_at_end(&self) -> bool {
        self.next.is_none()
    }

    fn read(&mut self) -> Result<Option<String>, String> {
        while let Some(level) = self.levels.last() {
            match level.entries.read_directory_entry() {
                Ok(None) | Err(ErrorCode::NoEntry) => {
                    self.levels.pop();
                }
                Ok(Some(entry)) if entry.type_ == DescriptorType::Directory => {
                    self.enter(entry.name)?
                }
                Ok(Some(entry)) if entry.type_ == DescriptorType::RegularFile => {
                    let directories = self
                        .levels
                        .iter()
                        .filter_map(|level| level.directory.as_ref());
                    if let Some(name) =
                        names::decode(directories.map(|(name, _)| name.as_str()), &entry.name)
                    {
                        return Ok(Some(name));
                    }
                }
                Ok(Some(_)) => {}
                Err(code) => return Err(self.container.failed("list", code)),
            }
        }
        Ok(None)
    }

    fn enter(&mut self, name: String) -> Result<(), String> {
        if names::continued(&name).is_none() {
            return Ok(());
        }
        let above = self
            .levels
            .last()
            .and_then(|level| level.directory.as_ref());
        let parent = above.map_or(self.container.directory(), |(_, directory)| directory);
        let opened = open_directory(parent, &name).and_then(|directory| {
            let entries = directory.read_directory()?;
            Ok(Level {
                directory: Some((name, directory)),
                entries,
            })
        });
        match opened {
            Ok(level) => self.levels.push(level),
            // Removed with the last object in it, since its parent was read.
            Err(ErrorCode::NoEntry) => {}
            Err(code) => return Err(self.container.failed("list", code)),
        }
        Ok(())
    }
}
