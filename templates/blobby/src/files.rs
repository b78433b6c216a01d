//! The files: objects of one container of `wasi:blobstore`.

use crate::bindings::wasi::blobstore::blobstore;
use crate::bindings::wasi::blobstore::container::Container;
use crate::bindings::wasi::blobstore::types::{IncomingValue, OutgoingValue};

const CONTAINER: &str = "files";
/// How much a stream takes at a time, in bytes.
const PIECE: usize = 4096;

pub struct Files(Container);

impl Files {
    pub fn open() -> Result<Self, String> {
        let container = match blobstore::container_exists(CONTAINER)? {
            true => blobstore::get_container(CONTAINER)?,
            false => blobstore::create_container(CONTAINER)?,
        };
        Ok(Self(container))
    }

    pub fn names(&self) -> Result<Vec<String>, String> {
        let listed = self.0.list_objects()?;
        let mut names = Vec::new();
        loop {
            let (some, end) = listed.read_stream_object_names(100)?;
            names.extend(some);
            if end {
                names.sort();
                return Ok(names);
            }
        }
    }

    /// `None` when there is no such file.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        if !self.0.has_object(name)? {
            return Ok(None);
        }
        let value = self.0.get_data(name, 0, u64::MAX)?;
        IncomingValue::incoming_value_consume_sync(value).map(Some)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let value = OutgoingValue::new_outgoing_value();
        let gone = |_| "the blob store takes no bytes".to_string();
        let stream = value.outgoing_value_write_body().map_err(gone)?;
        self.0.write_data(name, &value)?;
        for piece in bytes.chunks(PIECE) {
            let written = stream.blocking_write_and_flush(piece);
            written.map_err(|error| error.to_string())?;
        }
        // The stream belongs to the value, and ends before it.
        drop(stream);
        OutgoingValue::finish(value)
    }

    pub fn delete(&self, name: &str) -> Result<(), String> {
        self.0.delete_object(name)
    }
}
