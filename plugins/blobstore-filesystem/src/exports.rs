//! The interfaces of `wasi:blobstore`, each function in terms of `store`.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::bindings::exports::wasi::blobstore::{blobstore, container, types};
use crate::bindings::wasi::io::streams::{InputStream, OutputStream};
use crate::range::{self, Span};
use crate::store::{Container, Listing, Object, Staged, Store, pour};

pub struct Provider;

impl blobstore::Guest for Provider {
    fn create_container(name: String) -> Result<container::Container, String> {
        Store::open()?.create_container(&name).map(export)
    }

    fn get_container(name: String) -> Result<container::Container, String> {
        Store::open()?.container(&name).map(export)
    }

    fn delete_container(name: String) -> Result<(), String> {
        Store::open()?.delete_container(&name)
    }

    fn container_exists(name: String) -> Result<bool, String> {
        Store::open()?.container_exists(&name)
    }

    fn copy_object(src: types::ObjectId, dest: types::ObjectId) -> Result<(), String> {
        let store = Store::open()?;
        let object = store.container(&src.container)?.open(&src.object)?;
        let target = store.container(&dest.container)?;
        let copy = copy(
            &store,
            &object,
            Span {
                start: 0,
                length: object.size,
            },
        )?;
        target.place(&copy, &dest.object)
    }

    fn move_object(src: types::ObjectId, dest: types::ObjectId) -> Result<(), String> {
        let store = Store::open()?;
        let source = store.container(&src.container)?;
        store
            .container(&dest.container)?
            .move_from(&source, &src.object, &dest.object)
    }
}

impl container::Guest for Provider {
    type Container = Rc<Container>;
    type StreamObjectNames = RefCell<Listing>;
}

fn export(container: Container) -> container::Container {
    container::Container::new(Rc::new(container))
}

impl container::GuestContainer for Rc<Container> {
    fn name(&self) -> Result<String, String> {
        Ok(Container::name(self).into())
    }

    fn info(&self) -> Result<types::ContainerMetadata, String> {
        Ok(types::ContainerMetadata {
            name: Container::name(self).into(),
            created_at: self.created_at()?,
        })
    }

    fn get_data(&self, name: String, start: u64, end: u64) -> Result<types::IncomingValue, String> {
        let object = self.open(&name)?;
        let span = range::resolve(start, end, object.size).map_err(|reason| {
            format!(
                "cannot read object `{name}` in container `{}`: {reason}",
                Container::name(self)
            )
        })?;
        Ok(types::IncomingValue::new(Incoming { object, span }))
    }

    fn write_data(&self, name: String, data: types::OutgoingValueBorrow<'_>) -> Result<(), String> {
        let mut value = data.get::<RefCell<Outgoing>>().borrow_mut();
        if let Some((_, earlier)) = &value.target {
            return Err(format!(
                "the value is to be object `{earlier}` already, it cannot be `{name}` as well"
            ));
        }
        if let Body::Failed(reason) = &value.body {
            return Err(reason.clone());
        }
        value.target = Some((self.clone(), name));
        Ok(())
    }

    fn list_objects(&self) -> Result<container::StreamObjectNames, String> {
        Ok(container::StreamObjectNames::new(RefCell::new(
            Listing::of(self.clone())?,
        )))
    }

    fn delete_object(&self, name: String) -> Result<(), String> {
        self.delete(&name)
    }

    fn delete_objects(&self, names: Vec<String>) -> Result<(), String> {
        names.iter().try_for_each(|name| self.delete(name))
    }

    fn has_object(&self, name: String) -> Result<bool, String> {
        self.has(&name)
    }

    fn object_info(&self, name: String) -> Result<types::ObjectMetadata, String> {
        let (size, created_at) = Container::info(self, &name)?;
        Ok(types::ObjectMetadata {
            name,
            container: Container::name(self).into(),
            created_at,
            size,
        })
    }

    fn clear(&self) -> Result<(), String> {
        let mut listing = Listing::of(self.clone())?;
        while let Some(name) = listing.next()? {
            self.delete(&name)?;
        }
        Ok(())
    }
}

impl container::GuestStreamObjectNames for RefCell<Listing> {
    fn read_stream_object_names(&self, len: u64) -> Result<(Vec<String>, bool), String> {
        let mut listing = self.borrow_mut();
        let mut names = Vec::new();
        while (names.len() as u64) < len
            && let Some(name) = listing.next()?
        {
            names.push(name);
        }
        Ok((names, listing.is_at_end()))
    }

    fn skip_stream_object_names(&self, num: u64) -> Result<(u64, bool), String> {
        let mut listing = self.borrow_mut();
        let mut skipped = 0;
        while skipped < num && listing.next()?.is_some() {
            skipped += 1;
        }
        Ok((skipped, listing.is_at_end()))
    }
}

/// A value on its way in. The body and the target come in either order; `finish` brings them together.
pub struct Outgoing {
    body: Body,
    target: Option<(Rc<Container>, String)>,
}

enum Body {
    /// Nobody asked for the stream yet.
    Unused,
    Staged(Staged),
    /// Why there is no stream: the call that asks for one cannot tell.
    Failed(String),
}

/// A value on its way out.
pub struct Incoming {
    object: Object,
    span: Span,
}

impl types::Guest for Provider {
    type OutgoingValue = RefCell<Outgoing>;
    type IncomingValue = Incoming;
}

impl types::GuestOutgoingValue for RefCell<Outgoing> {
    fn new_outgoing_value() -> types::OutgoingValue {
        types::OutgoingValue::new(RefCell::new(Outgoing {
            body: Body::Unused,
            target: None,
        }))
    }

    fn outgoing_value_write_body(&self) -> Result<OutputStream, ()> {
        let mut value = self.borrow_mut();
        if !matches!(value.body, Body::Unused) {
            return Err(());
        }
        match stage() {
            Ok((staged, stream)) => {
                value.body = Body::Staged(staged);
                Ok(stream)
            }
            Err(reason) => {
                value.body = Body::Failed(reason);
                Err(())
            }
        }
    }

    fn finish(this: types::OutgoingValue) -> Result<(), String> {
        let Outgoing { body, target } = this.into_inner::<RefCell<Outgoing>>().into_inner();
        let (container, name) = target.ok_or("the value was never written to a container")?;
        let staged = match body {
            Body::Staged(staged) => staged,
            Body::Unused => Store::open()?.staging()?.file()?,
            Body::Failed(reason) => return Err(reason),
        };
        container.place(&staged, &name)
    }
}

/// A new file for a body, and the host's own stream into it.
fn stage() -> Result<(Staged, OutputStream), String> {
    let staged = Store::open()?.staging()?.file()?;
    let stream = staged.file.write_via_stream(0);
    let stream = stream
        .map_err(|code| format!("cannot write to the file for the upload: {}", code.name()))?;
    Ok((staged, stream))
}

impl types::GuestIncomingValue for Incoming {
    fn incoming_value_consume_sync(this: types::IncomingValue) -> Result<Vec<u8>, String> {
        let Incoming { object, span } = this.into_inner();
        let mut bytes = Vec::new();
        let room = usize::try_from(span.length)
            .ok()
            .filter(|length| bytes.try_reserve_exact(*length).is_ok());
        room.ok_or_else(|| {
            format!(
                "{} bytes do not fit into memory, read them as a stream",
                span.length
            )
        })?;
        while (bytes.len() as u64) < span.length {
            let read = bytes.len() as u64;
            let (chunk, _) = object
                .file
                .read(span.length - read, span.start + read)
                .map_err(|code| format!("cannot read: {}", code.name()))?;
            if chunk.is_empty() {
                return Err(format!(
                    "the object ends {} bytes early",
                    span.length - read
                ));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn incoming_value_consume_async(this: types::IncomingValue) -> Result<InputStream, String> {
        let Incoming { object, span } = this.into_inner();
        let failed = |code: crate::bindings::wasi::filesystem::types::ErrorCode| {
            format!("cannot read: {}", code.name())
        };
        if span.start + span.length == object.size {
            return object.file.read_via_stream(span.start).map_err(failed);
        }
        // A file's stream goes on to its end, and a range may stop before. The copy has no name once it is dropped here,
        // and lasts as long as its stream.
        let copy = copy(&Store::open()?, &object, span)?;
        copy.file.read_via_stream(0).map_err(failed)
    }

    fn size(&self) -> u64 {
        self.span.length
    }
}

fn copy(store: &Store, object: &Object, span: Span) -> Result<Staged, String> {
    let failed = |code: crate::bindings::wasi::filesystem::types::ErrorCode| {
        format!("cannot copy: {}", code.name())
    };
    let copy = store.staging()?.file()?;
    let from = object.file.read_via_stream(span.start).map_err(failed)?;
    pour(
        &from,
        &copy.file.write_via_stream(0).map_err(failed)?,
        span.length,
    )?;
    Ok(copy)
}
