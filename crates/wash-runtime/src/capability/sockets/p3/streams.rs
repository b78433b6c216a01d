//! The directions of a connection, and accepted sockets, as streams of the component model.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Destination, Resource, Source, StreamConsumer, StreamProducer, StreamResult, VecBuffer,
};
use wasmtime_wasi::p3::bindings::sockets::types::ErrorCode;
use wasmtime_wasi::sockets::TcpSocket as Handle;

use super::super::View;
use super::super::handle::cast;
use super::super::stream::{Reader, Writer};
use super::super::tcp::Listener;

/// How a direction ended, for the future that comes with its stream.
type Ended = oneshot::Sender<Result<(), ErrorCode>>;

/// Bytes that are handed over at once.
const CHUNK: usize = 64 * 1024;

pub(super) struct Incoming(Option<(Reader, Ended)>);

pub(super) struct Outgoing(Option<(Writer, Ended)>);

pub(super) struct Accepting<T: 'static> {
    pub(super) listener: Listener,
    pub(super) getter: for<'a> fn(&'a mut T) -> View<'a>,
}

impl Incoming {
    pub(super) fn new(reader: Reader, ended: Ended) -> Self {
        Self(Some((reader, ended)))
    }

    fn end(&mut self, end: Result<(), ErrorCode>) {
        if let Some((_, ended)) = self.0.take() {
            let _ = ended.send(end);
        }
    }
}

impl Outgoing {
    pub(super) fn new(writer: Writer, ended: Ended) -> Self {
        Self(Some((writer, ended)))
    }

    fn end(&mut self, end: Result<(), ErrorCode>) {
        if let Some((_, ended)) = self.0.take() {
            let _ = ended.send(end);
        }
    }
}

/// A guest that drops its end has what it wanted.
impl Drop for Incoming {
    fn drop(&mut self) {
        self.end(Ok(()));
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.end(Ok(()));
    }
}

/// What to say to a guest that may have changed its mind.
fn unless_cancelled(finish: bool) -> Poll<wasmtime::Result<StreamResult>> {
    match finish {
        true => Poll::Ready(Ok(StreamResult::Cancelled)),
        false => Poll::Pending,
    }
}

impl<T: 'static> StreamProducer<T> for Incoming {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, T>,
        mut destination: Destination<'a, u8, VecBuffer<u8>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let Some((reader, _)) = &mut self.0 else {
            return Poll::Ready(Ok(StreamResult::Dropped));
        };
        if reader.poll_ready(cx).is_pending() {
            return unless_cancelled(finish);
        }
        // To read nothing is to ask whether there is something.
        let most = destination.remaining(&mut store).unwrap_or(CHUNK);
        if most == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        match reader.take(most.min(CHUNK)) {
            Ok(bytes) => {
                destination.set_buffer(Vec::from(bytes).into());
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Err(end) => {
                self.end(end.map_err(ErrorCode::from));
                Poll::Ready(Ok(StreamResult::Dropped))
            }
        }
    }
}

impl<T: 'static> StreamConsumer<T> for Outgoing {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'_, T>,
        source: Source<'_, u8>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let Some((writer, _)) = &mut self.0 else {
            return Poll::Ready(Ok(StreamResult::Dropped));
        };
        let mut source = source.as_direct(store);
        // To write nothing is to ask whether something could be; it waits in our own buffers then.
        if source.remaining().is_empty() {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        match writer.poll_write(cx, source.remaining()) {
            Poll::Ready(Ok(count)) => {
                source.mark_read(count);
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Poll::Ready(Err(error)) => {
                self.end(Err(error.into()));
                Poll::Ready(Ok(StreamResult::Dropped))
            }
            Poll::Pending => unless_cancelled(finish),
        }
    }
}

impl<T: 'static> StreamProducer<T> for Accepting<T> {
    type Item = Resource<Handle>;
    type Buffer = Option<Resource<Handle>>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, T>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if self.listener.poll_ready(cx).is_pending() {
            return unless_cancelled(finish);
        }
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let accepted = ready!(self.listener.poll_accept(cx));
        let view = (self.getter)(store.data_mut());
        destination.set_buffer(Some(cast(view.table.push(accepted)?)));
        Poll::Ready(Ok(StreamResult::Completed))
    }
}
