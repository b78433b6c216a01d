//! `batch`: many keys in one call.

use wasmtime::Result;
use wasmtime::component::types::Type;
use wasmtime::component::{LinkerInstance, Resource};

use super::Draft;
use super::buckets::{Bucket, Context, answer};
use super::store::{StoreError, Write};
use crate::capability::Interface;
use crate::instance::State;

/// What is read of a key, if it has a value.
type Pair = (String, Option<Vec<u8>>);

pub(super) fn add(
    instance: &mut LinkerInstance<'_, State>,
    draft: Draft,
    interface: &Interface<'_>,
) -> Result<()> {
    if draft == Draft::First || pair_may_be_missing(interface) {
        instance.func_wrap_async(
            "get-many",
            |store: Context<'_>, (handle, keys): (Resource<Bucket>, Vec<String>)| {
                answer(store, &handle, async |bucket| {
                    let pairs = bucket.get_many(keys).await?;
                    let pairs = pairs.into_iter().map(|(key, value)| Some((key, value?)));
                    Ok(pairs.collect::<Vec<_>>())
                })
            },
        )?;
    } else {
        instance.func_wrap_async(
            "get-many",
            |store: Context<'_>, (handle, keys): (Resource<Bucket>, Vec<String>)| {
                answer(store, &handle, async |bucket| bucket.get_many(keys).await)
            },
        )?;
    }
    instance.func_wrap_async(
        "set-many",
        |store: Context<'_>, (handle, pairs): (Resource<Bucket>, Vec<(String, Vec<u8>)>)| {
            answer(store, &handle, async |bucket| {
                let writes = pairs.into_iter();
                let writes = writes.map(|(key, value)| Write::Set { key, value });
                bucket.write(writes.collect()).await
            })
        },
    )?;
    instance.func_wrap_async(
        "delete-many",
        |store: Context<'_>, (handle, keys): (Resource<Bucket>, Vec<String>)| {
            answer(store, &handle, async |bucket| {
                let writes = keys.into_iter().map(|key| Write::Delete { key });
                bucket.write(writes.collect()).await
            })
        },
    )
}

/// The second draft has had two types for what is read, under one version: a pair that may be missing, and a pair
/// whose value may be. The component tells which one it was built against.
fn pair_may_be_missing(interface: &Interface<'_>) -> bool {
    let function = interface.function("get-many");
    let result = function.and_then(|function| function.results().next());
    let Some(Type::Result(result)) = result else {
        return false;
    };
    match result.ok() {
        Some(Type::List(list)) => matches!(list.ty(), Type::Option(_)),
        _ => false,
    }
}

impl Bucket {
    async fn get_many(&self, keys: Vec<String>) -> std::result::Result<Vec<Pair>, StoreError> {
        let found = self.store.get(&self.name, keys.clone()).await?;
        let values = found
            .into_iter()
            .map(|entry| entry.map(|entry| entry.value));
        Ok(keys.into_iter().zip(values).collect())
    }
}
