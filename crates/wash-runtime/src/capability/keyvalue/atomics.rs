//! `atomics`: adding to a number, and since the second draft also compare-and-swap.

use std::ops::RangeInclusive;

use wasmtime::Result;
use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource, ResourceType};

use super::Draft;
use super::buckets::{Answer, Bucket, Context, Error, Reporter, answer, bucket};
use super::store::{Addition, Entry, StoreError};
use crate::instance::State;

const UNSIGNED: RangeInclusive<i128> = 0..=u64::MAX as i128;
const SIGNED: RangeInclusive<i128> = i64::MIN as i128..=i64::MAX as i128;

/// A key as it was when somebody began to change it.
#[derive(Clone)]
struct Cas {
    bucket: Bucket,
    key: String,
    read: Option<Entry>,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum CasError {
    #[component(name = "store-error")]
    Store(Error),
    /// Somebody else was faster: a handle to try again with.
    #[component(name = "cas-failed")]
    Failed(Resource<Cas>),
}

pub(super) fn add(instance: &mut LinkerInstance<'_, State>, draft: Draft) -> Result<()> {
    match draft {
        Draft::First => instance.func_wrap_async(
            "increment",
            |store: Context<'_>, (handle, key, delta): (Resource<Bucket>, String, u64)| {
                answer(store, &handle, async move |bucket| {
                    let sum = bucket.increment(&key, delta.into(), UNSIGNED).await?;
                    u64::try_from(sum).map_err(out_of_range)
                })
            },
        ),
        Draft::Second => {
            instance.func_wrap_async(
                "increment",
                |store: Context<'_>, (handle, key, delta): (Resource<Bucket>, String, i64)| {
                    answer(store, &handle, async move |bucket| {
                        let sum = bucket.increment(&key, delta.into(), SIGNED).await?;
                        i64::try_from(sum).map_err(out_of_range)
                    })
                },
            )?;
            compare_and_swap(instance)
        }
    }
}

fn out_of_range(error: std::num::TryFromIntError) -> StoreError {
    StoreError::Failed(error.to_string())
}

fn compare_and_swap(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    let drop = |mut store: Context<'_>, handle| {
        let handle = Resource::<Cas>::new_own(handle);
        store.data_mut().table().delete(handle)?;
        Ok(())
    };
    instance.resource("cas", ResourceType::host::<Cas>(), drop)?;
    instance.func_wrap_async(
        "[static]cas.new",
        |mut store: Context<'_>, (handle, key): (Resource<Bucket>, String)| {
            Box::new(async move {
                let bucket = bucket(&mut store, &handle)?;
                let reporter = Reporter::new(&store, &bucket);
                let cas = match reporter.answer(Cas::read(bucket, key).await) {
                    Ok(cas) => Ok(store.data_mut().table().push(cas)?),
                    Err(error) => Err(error),
                };
                Ok((cas,))
            }) as Answer<'_, std::result::Result<Resource<Cas>, Error>>
        },
    )?;
    instance.func_wrap(
        "[method]cas.current",
        |mut store: Context<'_>, (handle,): (Resource<Cas>,)| {
            let read = &store.data_mut().table().get(&handle)?.read;
            let value = read.as_ref().map(|entry| entry.value.clone());
            Ok((Ok::<_, Error>(value),))
        },
    )?;
    instance.func_wrap_async(
        "swap",
        |mut store: Context<'_>, (handle, value): (Resource<Cas>, Vec<u8>)| {
            Box::new(async move {
                let cas = store.data_mut().table().delete(handle)?;
                let reporter = Reporter::new(&store, &cas.bucket);
                let outcome = match reporter.answer(cas.swap(value).await) {
                    Ok(None) => Ok(()),
                    Ok(Some(again)) => Err(CasError::Failed(store.data_mut().table().push(again)?)),
                    Err(error) => Err(CasError::Store(error)),
                };
                Ok((outcome,))
            }) as Answer<'_, std::result::Result<(), CasError>>
        },
    )
}

impl Bucket {
    async fn increment(
        &self,
        key: &str,
        delta: i128,
        range: RangeInclusive<i128>,
    ) -> std::result::Result<i128, StoreError> {
        let addition = Addition { delta, range };
        self.store.add(&self.name, key, addition).await
    }
}

impl Cas {
    async fn read(bucket: Bucket, key: String) -> std::result::Result<Self, StoreError> {
        let mut found = bucket.store.get(&bucket.name, vec![key.clone()]).await?;
        let read = found.pop().flatten();
        Ok(Self { bucket, key, read })
    }

    /// Writes the value, or reads again if the key has been written to.
    async fn swap(self, value: Vec<u8>) -> std::result::Result<Option<Self>, StoreError> {
        let Self { bucket, key, read } = self;
        let version = read.map(|entry| entry.version);
        let store = &bucket.store;
        match store.swap(&bucket.name, &key, version, value).await? {
            true => Ok(None),
            false => Self::read(bucket, key).await.map(Some),
        }
    }
}
