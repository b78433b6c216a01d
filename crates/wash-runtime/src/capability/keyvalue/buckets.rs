//! `store`: opening buckets, and what can be done with one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};

use super::store::{NameKind, Start, Store, StoreError, Write};
use super::{Access, Draft};
use crate::events::{Events, RequestId};
use crate::instance::State;

/// Keys in one answer, at most.
const PAGE: usize = 1000;

/// An open bucket. Whoever has the handle may use it.
#[derive(Clone)]
pub(super) struct Bucket {
    pub(super) store: Arc<dyn Store>,
    /// As the store knows it.
    pub(super) name: Arc<str>,
    /// The member that opened it.
    member: Arc<str>,
    failing: Arc<AtomicBool>,
}

/// Tells the user of a failure that the component cannot help, once until a call succeeds.
pub(super) struct Reporter {
    events: Events,
    member: Arc<str>,
    request: Option<RequestId>,
    failing: Arc<AtomicBool>,
}

impl Reporter {
    pub(super) fn new(store: &Context<'_>, bucket: &Bucket) -> Self {
        let call = &store.data().call;
        Self {
            events: call.events.clone(),
            member: Arc::clone(&bucket.member),
            request: call.request,
            failing: Arc::clone(&bucket.failing),
        }
    }

    /// The component's answer.
    pub(super) fn answer<T>(
        &self,
        done: std::result::Result<T, StoreError>,
    ) -> std::result::Result<T, Error> {
        match &done {
            Err(error) if error.concerns_user() => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    let text = format!("wasi:keyvalue: {error}");
                    self.events.member(&self.member, self.request, &text);
                }
            }
            Err(_) => {}
            Ok(_) => self.failing.store(false, Ordering::Relaxed),
        }
        done.map_err(Error::from)
    }
}

#[derive(Debug, ComponentType, Lift, Lower)]
#[component(variant)]
pub(super) enum Error {
    #[component(name = "no-such-store")]
    NoSuchStore,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "other")]
    Other(String),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLong {
                kind: NameKind::Bucket,
                ..
            } => Self::NoSuchStore,
            error => Self::Other(error.to_string()),
        }
    }
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct NumberedKeys {
    keys: Vec<String>,
    cursor: Option<u64>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct NamedKeys {
    keys: Vec<String>,
    cursor: Option<String>,
}

/// What a function of the host comes to.
pub(super) type Answer<'a, T> = Box<dyn Future<Output = Result<(T,)>> + Send + 'a>;

pub(super) type Context<'a> = StoreContextMut<'a, State>;

/// The bucket of a handle, for as long as a call takes.
pub(super) fn bucket(store: &mut Context<'_>, handle: &Resource<Bucket>) -> Result<Bucket> {
    Ok(store.data_mut().table().get(handle)?.clone())
}

/// An answer that needs nothing of the instance but the bucket of a handle.
pub(super) fn answer<'a, T, F>(
    mut store: Context<'a>,
    handle: &Resource<Bucket>,
    work: impl FnOnce(Bucket) -> F,
) -> Answer<'a, std::result::Result<T, Error>>
where
    F: Future<Output = std::result::Result<T, StoreError>> + Send + 'a,
    T: Send + 'a,
{
    match bucket(&mut store, handle) {
        Ok(bucket) => {
            let reporter = Reporter::new(&store, &bucket);
            let work = work(bucket);
            Box::new(async move { Ok((reporter.answer(work.await),)) })
        }
        Err(error) => Box::new(async move { Err(error) }),
    }
}

pub(super) fn add(
    instance: &mut LinkerInstance<'_, State>,
    draft: Draft,
    member: usize,
) -> Result<()> {
    let drop = |mut store: Context<'_>, handle| {
        let handle = Resource::<Bucket>::new_own(handle);
        store.data_mut().table().delete(handle)?;
        Ok(())
    };
    instance.resource("bucket", ResourceType::host::<Bucket>(), drop)?;
    instance.func_wrap("open", move |mut store: Context<'_>, (name,): (String,)| {
        let opened = match open(&store, member, &name) {
            Ok(bucket) => Ok(store.data_mut().table().push(bucket)?),
            Err(error) => Err(error),
        };
        Ok((opened,))
    })?;
    instance.func_wrap_async(
        "[method]bucket.get",
        |store: Context<'_>, (handle, key): (Resource<Bucket>, String)| {
            answer(store, &handle, async |bucket| bucket.get(key).await)
        },
    )?;
    instance.func_wrap_async(
        "[method]bucket.set",
        |store: Context<'_>, (handle, key, value): (Resource<Bucket>, String, Vec<u8>)| {
            answer(store, &handle, async |bucket| {
                bucket.write(vec![Write::Set { key, value }]).await
            })
        },
    )?;
    instance.func_wrap_async(
        "[method]bucket.delete",
        |store: Context<'_>, (handle, key): (Resource<Bucket>, String)| {
            answer(store, &handle, async |bucket| {
                bucket.write(vec![Write::Delete { key }]).await
            })
        },
    )?;
    instance.func_wrap_async(
        "[method]bucket.exists",
        |store: Context<'_>, (handle, key): (Resource<Bucket>, String)| {
            answer(store, &handle, async |bucket| {
                Ok(bucket.get(key).await?.is_some())
            })
        },
    )?;
    match draft {
        Draft::First => instance.func_wrap_async(
            "[method]bucket.list-keys",
            |store: Context<'_>, (handle, cursor): (Resource<Bucket>, Option<u64>)| {
                answer(store, &handle, async move |bucket| {
                    let first = cursor.unwrap_or(0);
                    let (keys, more) = bucket.keys(Start::Skip(first)).await?;
                    let cursor = more.then(|| first.saturating_add(keys.len() as u64));
                    Ok(NumberedKeys { keys, cursor })
                })
            },
        ),
        Draft::Second => instance.func_wrap_async(
            "[method]bucket.list-keys",
            |store: Context<'_>, (handle, cursor): (Resource<Bucket>, Option<String>)| {
                answer(store, &handle, async |bucket| {
                    let start = cursor.map_or(Start::Skip(0), Start::After);
                    let (keys, more) = bucket.keys(start).await?;
                    let cursor = keys.last().filter(|_| more).cloned();
                    Ok(NamedKeys { keys, cursor })
                })
            },
        ),
    }
}

fn open(store: &Context<'_>, member: usize, name: &str) -> std::result::Result<Bucket, Error> {
    let extensions = &store.data().setup(member).extensions;
    let access = extensions.get::<Access>().ok_or(Error::AccessDenied)?;
    if let Some(buckets) = &access.buckets
        && !buckets.contains(name)
    {
        return Err(Error::AccessDenied);
    }
    let name = format!("{}{name}", access.prefix);
    access.store.check_bucket(&name)?;
    Ok(Bucket {
        store: Arc::clone(&access.store),
        name: name.into(),
        member: Arc::clone(&store.data().setup(member).name),
        failing: Arc::clone(&access.failing),
    })
}

impl Bucket {
    async fn get(&self, key: String) -> std::result::Result<Option<Vec<u8>>, StoreError> {
        let mut found = self.store.get(&self.name, vec![key]).await?;
        Ok(found.pop().flatten().map(|entry| entry.value))
    }

    pub(super) async fn write(&self, writes: Vec<Write>) -> std::result::Result<(), StoreError> {
        self.store.write(&self.name, writes).await
    }

    /// One page, and whether there are more.
    async fn keys(&self, start: Start) -> std::result::Result<(Vec<String>, bool), StoreError> {
        let mut keys = self.store.keys(&self.name, start, PAGE + 1).await?;
        let more = keys.len() > PAGE;
        keys.truncate(PAGE);
        Ok((keys, more))
    }
}
