//! `batch`: many keys in one call.

use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{LinkerInstance, Resource, Val};
use wasmtime::{Result, bail, format_err};

use crate::engine::state::State;

use super::Draft;
use super::buckets::{Bucket, Context, Error, answer, bucket};
use super::store::Write;

/// What is read of a key, if it has a value.
type Pair = (String, Option<Vec<u8>>);

pub(super) fn add(instance: &mut LinkerInstance<'_, State>, draft: Draft) -> Result<()> {
    match draft {
        Draft::First => instance.func_wrap_async(
            "get-many",
            |store: Context<'_>, (handle, keys): (Resource<Bucket>, Vec<String>)| {
                answer(store, &handle, async |bucket| {
                    let pairs = bucket.get_many(keys).await?;
                    let pairs = pairs.into_iter().map(|(key, value)| Some((key, value?)));
                    Ok(pairs.collect::<Vec<_>>())
                })
            },
        )?,
        Draft::Second => get_many(instance)?,
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
fn get_many(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.func_new_async("get-many", |mut store, ty, arguments, results| {
        Box::new(async move {
            let [Val::Resource(handle), Val::List(keys)] = arguments else {
                bail!("`get-many` takes a bucket and keys");
            };
            let keys = keys.iter().map(|key| match key {
                Val::String(key) => Ok(key.clone()),
                _ => Err(format_err!("the keys of `get-many` are strings")),
            });
            let keys = keys.collect::<Result<Vec<_>>>()?;
            let handle = Resource::try_from_resource_any(*handle, &mut store)?;
            let bucket = bucket(&mut store, &handle)?;
            let pair_may_be_missing = pair_may_be_missing(&ty);
            results[0] = Val::Result(match bucket.get_many(keys).await {
                Ok(pairs) => {
                    let pairs = pairs
                        .into_iter()
                        .map(|pair| pair_value(pair, pair_may_be_missing));
                    Ok(Some(Box::new(Val::List(pairs.collect()))))
                }
                Err(error) => Err(Some(Box::new(error_value(error)))),
            });
            Ok(())
        })
    })
}

fn pair_may_be_missing(ty: &ComponentFunc) -> bool {
    let Some(Type::Result(result)) = ty.results().next() else {
        return false;
    };
    match result.ok() {
        Some(Type::List(list)) => matches!(list.ty(), Type::Option(_)),
        _ => false,
    }
}

fn pair_value((key, value): Pair, pair_may_be_missing: bool) -> Val {
    let bytes = |value: Vec<u8>| Val::List(value.into_iter().map(Val::U8).collect());
    let some = |value| Some(Box::new(value));
    match pair_may_be_missing {
        true => Val::Option(
            value.and_then(|value| some(Val::Tuple(vec![Val::String(key), bytes(value)]))),
        ),
        false => Val::Tuple(vec![
            Val::String(key),
            Val::Option(value.and_then(|value| some(bytes(value)))),
        ]),
    }
}

fn error_value(error: Error) -> Val {
    match error {
        Error::NoSuchStore => Val::Variant("no-such-store".into(), None),
        Error::AccessDenied => Val::Variant("access-denied".into(), None),
        Error::Other(text) => Val::Variant("other".into(), Some(Box::new(Val::String(text)))),
    }
}

impl Bucket {
    async fn get_many(&self, keys: Vec<String>) -> std::result::Result<Vec<Pair>, Error> {
        let found = self.store.get(&self.name, keys.clone()).await?;
        let values = found
            .into_iter()
            .map(|entry| entry.map(|entry| entry.value));
        Ok(keys.into_iter().zip(values).collect())
    }
}
