//! Where things are put together before they appear, and taken apart after they are gone.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::Cell;

use super::{create_file, open_directory, remove_tree};
use crate::bindings::wasi::clocks::wall_clock;
use crate::bindings::wasi::filesystem::types::{Descriptor, ErrorCode, PathFlags};
use crate::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};

/// No encoded name of a container begins with a dot.
const PATH: &str = ".staging";

/// Seconds after which something nobody writes to is taken for the leftover of a component that was stopped.
const ABANDONED: u64 = 60 * 60;

pub struct Staging {
    directory: Rc<Descriptor>,
    next: Cell<u32>,
}

impl Staging {
    pub fn open(root: &Descriptor) -> Result<Self, String> {
        let opened = open_directory(root, PATH).or_else(|code| match code {
            ErrorCode::NoEntry => {
                // Another instance may be faster: what counts is that it can be opened.
                let _ = root.create_directory_at(PATH);
                open_directory(root, PATH)
            }
            code => Err(code),
        });
        let directory = opened
            .map_err(|code| format!("cannot open the directory for uploads: {}", code.name()))?;
        let staging = Self {
            directory: Rc::new(directory),
            next: Cell::new(0),
        };
        staging.sweep();
        Ok(staging)
    }

    pub fn descriptor(&self) -> &Descriptor {
        &self.directory
    }

    /// A name nobody uses: instances run side by side, so it is only almost certain until it is taken.
    pub fn unused_name(&self) -> String {
        let now = wall_clock::now();
        let number = self.next.replace(self.next.get() + 1);
        format!("{}-{:09}-{number}", now.seconds, now.nanoseconds)
    }

    /// Creates an empty file.
    pub fn file(&self) -> Result<Staged, String> {
        loop {
            let name = self.unused_name();
            match create_file(&self.directory, &name) {
                Ok(file) => {
                    return Ok(Staged {
                        file,
                        name,
                        directory: self.directory.clone(),
                    });
                }
                Err(ErrorCode::Exist) => {}
                Err(code) => {
                    return Err(format!(
                        "cannot create a file for the upload: {}",
                        code.name()
                    ));
                }
            }
        }
    }

    /// Creates an empty directory and returns its name.
    pub fn directory(&self) -> Result<String, String> {
        loop {
            let name = self.unused_name();
            match self.directory.create_directory_at(&name) {
                Ok(()) => return Ok(name),
                Err(ErrorCode::Exist) => {}
                Err(code) => return Err(format!("cannot create a directory: {}", code.name())),
            }
        }
    }

    fn sweep(&self) {
        let now = wall_clock::now().seconds;
        let Ok(entries) = self.directory.read_directory() else {
            return;
        };
        while let Ok(Some(entry)) = entries.read_directory_entry() {
            let stat = self.directory.stat_at(PathFlags::empty(), &entry.name);
            let changed = stat.ok().and_then(|stat| stat.data_modification_timestamp);
            if changed.is_some_and(|changed| changed.seconds.saturating_add(ABANDONED) < now) {
                remove_tree(&self.directory, &entry.name);
            }
        }
    }
}

/// A file that nobody sees yet. It is removed when it is dropped, unless it was moved to its place.
pub struct Staged {
    pub file: Descriptor,
    name: String,
    directory: Rc<Descriptor>,
}

impl Staged {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn directory(&self) -> &Descriptor {
        &self.directory
    }

    pub fn is_there(&self) -> bool {
        self.directory
            .stat_at(PathFlags::empty(), &self.name)
            .is_ok()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Names are not used twice, so after a move there is nothing to find.
        let _ = self.directory.unlink_file_at(&self.name);
    }
}

/// Moves `length` bytes from one stream to the other, inside the host.
pub fn pour(from: &InputStream, to: &OutputStream, length: u64) -> Result<(), String> {
    let mut left = length;
    while left > 0 {
        match to.blocking_splice(from, left) {
            Ok(count) => left -= count,
            Err(StreamError::Closed) => return Err(format!("the object ends {left} bytes early")),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
    to.blocking_flush()
        .map_err(|_| "the last bytes could not be written".into())
}
