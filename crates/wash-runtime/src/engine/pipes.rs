//! Reads the streams and futures of an answer to their ends.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use wash_component::call::Value;
use wasmparser::PrimitiveValType as Primitive;
use wasmtime::component::{
    FutureAny, FutureConsumer, FutureReader, Lift, Source, StreamAny, StreamConsumer, StreamReader,
    StreamResult, Val,
};
use wasmtime::{Result, Store, StoreContextMut, bail};

use super::vals;
use crate::instance::State;

/// Elements that are taken from a stream at once.
const AT_ONCE: usize = 64 * 1024;
/// Elements that are kept of a stream, at most: what does not fit is an error, not a machine without memory.
const MAX: usize = 64 * 1024 * 1024;

/// The streams and futures of one answer, in their order.
#[derive(Default)]
pub(super) struct Pipes(Vec<Pipe>);

struct Pipe {
    /// Answers when there is nothing more to come.
    ended: oneshot::Receiver<()>,
    read: Box<dyn FnOnce() -> Result<Value> + Send>,
}

impl Pipes {
    pub(super) fn lay(store: &mut Store<State>, val: &Val) -> Result<Self> {
        let mut pipes = Self::default();
        pipes.add(store, val)?;
        Ok(pipes)
    }

    fn add(&mut self, store: &mut Store<State>, val: &Val) -> Result<()> {
        match val {
            Val::Stream(any) => self.0.push(stream(store, any)?),
            Val::Future(any) => self.0.push(future(store, any)?),
            other => {
                for part in vals::parts(other) {
                    self.add(store, part)?;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn read(self) -> Result<VecDeque<Value>> {
        let mut values = VecDeque::new();
        for pipe in self.0 {
            // Whoever would have answered is dropped with the stream.
            let _ = pipe.ended.await;
            values.push_back((pipe.read)()?);
        }
        Ok(values)
    }
}

/// What may be in a stream or a future.
trait Element: Lift + Send + Sync + 'static {
    fn value(self) -> Value;

    fn all(elements: Vec<Self>) -> Value
    where
        Self: Sized,
    {
        Value::List(elements.into_iter().map(Element::value).collect())
    }
}

macro_rules! integers {
    ($($ty:ty => $primitive:ident),*) => {
        $(impl Element for $ty {
            fn value(self) -> Value {
                Value::Integer(Primitive::$primitive, self.into())
            }
        })*
    };
}

integers!(i8 => S8, i16 => S16, u16 => U16, i32 => S32, u32 => U32, i64 => S64, u64 => U64);

impl Element for u8 {
    fn value(self) -> Value {
        Value::Integer(Primitive::U8, self.into())
    }

    fn all(elements: Vec<Self>) -> Value {
        Value::Bytes(elements)
    }
}

impl Element for bool {
    fn value(self) -> Value {
        Value::Bool(self)
    }
}

impl Element for f32 {
    fn value(self) -> Value {
        Value::F32(self)
    }
}

impl Element for f64 {
    fn value(self) -> Value {
        Value::F64(self)
    }
}

impl Element for char {
    fn value(self) -> Value {
        Value::Char(self)
    }
}

impl Element for String {
    fn value(self) -> Value {
        Value::String(self)
    }
}

/// Tries each type that an element may have.
macro_rules! by_element {
    ($try:ident, $store:expr, $any:expr) => {
        by_element!(@each $try, $store, $any,
            u8, String, bool, i8, i16, u16, i32, u32, i64, u64, f32, f64, char)
    };
    (@each $try:ident, $store:expr, $any:expr, $($ty:ty),*) => {{
        $(if let Some(pipe) = $try::<$ty>($store, $any)? {
            return Ok(pipe);
        })*
    }};
}

fn stream(store: &mut Store<State>, any: &StreamAny) -> Result<Pipe> {
    by_element!(stream_of, store, any);
    bail!("what the stream has cannot be printed")
}

fn future(store: &mut Store<State>, any: &FutureAny) -> Result<Pipe> {
    by_element!(future_of, store, any);
    bail!("what the future has cannot be printed")
}

fn stream_of<T: Element>(store: &mut Store<State>, any: &StreamAny) -> Result<Option<Pipe>> {
    let Ok(reader) = StreamReader::<T>::try_from_stream_any(any.clone()) else {
        return Ok(None);
    };
    let (collector, kept, ended) = Collector::<T>::new();
    reader.pipe(store, collector)?;
    let read = move || Ok(T::all(taken(&kept)));
    Ok(Some(Pipe {
        ended,
        read: Box::new(read),
    }))
}

fn future_of<T: Element>(store: &mut Store<State>, any: &FutureAny) -> Result<Option<Pipe>> {
    let Ok(reader) = FutureReader::<T>::try_from_future_any(any.clone()) else {
        return Ok(None);
    };
    let (collector, kept, ended) = Collector::<T>::new();
    reader.pipe(store, collector)?;
    let read = move || match taken(&kept).pop() {
        Some(element) => Ok(element.value()),
        None => bail!("the future ended without a value"),
    };
    Ok(Some(Pipe {
        ended,
        read: Box::new(read),
    }))
}

type Extensions<T> = Arc<Mutex<Vec<T>>>;

fn taken<T>(kept: &Extensions<T>) -> Vec<T> {
    std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Keeps everything that comes.
struct Collector<T> {
    kept: Extensions<T>,
    /// Dropped with the collector, when there is nothing more to come.
    _ended: oneshot::Sender<()>,
    _elements: PhantomData<fn(T)>,
}

impl<T> Collector<T> {
    fn new() -> (Self, Extensions<T>, oneshot::Receiver<()>) {
        let kept = Extensions::default();
        let (sender, ended) = oneshot::channel();
        let collector = Self {
            kept: Arc::clone(&kept),
            _ended: sender,
            _elements: PhantomData,
        };
        (collector, kept, ended)
    }

    fn keep(&self, elements: impl IntoIterator<Item = T>) -> Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(elements);
        if kept.len() > MAX {
            bail!("the stream is longer than can be printed: more than {MAX} elements");
        }
        Ok(())
    }
}

impl<T: Element> StreamConsumer<State> for Collector<T> {
    type Item = T;

    fn poll_consume(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'_, State>,
        mut source: Source<'_, T>,
        _: bool,
    ) -> Poll<Result<StreamResult>> {
        let mut buffer = Vec::with_capacity(source.remaining(&mut store).min(AT_ONCE));
        let read = source.read(&mut store, &mut buffer);
        Poll::Ready(
            read.and_then(|()| self.keep(buffer))
                .map(|()| StreamResult::Completed),
        )
    }
}

impl<T: Element> FutureConsumer<State> for Collector<T> {
    type Item = T;

    fn poll_consume(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'_, State>,
        mut source: Source<'_, T>,
        _: bool,
    ) -> Poll<Result<()>> {
        let mut element = None;
        let read = source.read(store, &mut element);
        Poll::Ready(read.and_then(|()| self.keep(element)))
    }
}
