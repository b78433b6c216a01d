//! `wasi:keyvalue@0.2.0-draft2`: cursors are text, what is added may be negative, and there is compare-and-swap.

use super::{Provider, open, pairs, with};
use crate::bindings::exports::wasi::keyvalue0_2_0_draft2::store::{
    self, BucketBorrow, Error, KeyResponse,
};
use crate::bindings::exports::wasi::keyvalue0_2_0_draft2::{atomics, batch};
use crate::store::Bucket;

/// A key, and what was found there.
pub(crate) struct Seen {
    bucket: Bucket,
    key: String,
    value: Option<Vec<u8>>,
}

impl store::Guest for Provider {
    type Bucket = Bucket;

    fn open(identifier: String) -> Result<store::Bucket, Error> {
        let bucket = open(&identifier).map_err(Error::Other)?;
        Ok(store::Bucket::new(bucket))
    }
}

impl store::GuestBucket for Bucket {
    fn get(&self, key: String) -> Result<Option<Vec<u8>>, Error> {
        with(|redis| Bucket::get(self, redis, &key)).map_err(Error::Other)
    }

    fn set(&self, key: String, value: Vec<u8>) -> Result<(), Error> {
        with(|redis| Bucket::set(self, redis, &key, &value)).map_err(Error::Other)
    }

    fn delete(&self, key: String) -> Result<(), Error> {
        with(|redis| Bucket::delete(self, redis, &key)).map_err(Error::Other)
    }

    fn exists(&self, key: String) -> Result<bool, Error> {
        with(|redis| Bucket::exists(self, redis, &key)).map_err(Error::Other)
    }

    fn list_keys(&self, cursor: Option<String>) -> Result<KeyResponse, Error> {
        let cursor = match cursor {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| Error::Other(format!("`{text}` is no cursor of a listing")))?,
        };
        let (keys, cursor) = with(|redis| self.list(redis, cursor)).map_err(Error::Other)?;
        let cursor = cursor.map(|cursor| cursor.to_string());
        Ok(KeyResponse { keys, cursor })
    }
}

impl Seen {
    fn new(bucket: Bucket, key: String) -> Result<Self, Error> {
        let value = with(|redis| bucket.get(redis, &key)).map_err(Error::Other)?;
        Ok(Self { bucket, key, value })
    }
}

impl atomics::Guest for Provider {
    type Cas = Seen;

    fn increment(bucket: BucketBorrow<'_>, key: String, delta: i64) -> Result<i64, Error> {
        with(|redis| bucket.get::<Bucket>().add(redis, &key, delta)).map_err(Error::Other)
    }

    fn swap(cas: atomics::Cas, value: Vec<u8>) -> Result<(), atomics::CasError> {
        let Seen {
            bucket,
            key,
            value: expected,
        } = cas.into_inner();
        let swapped = with(|redis| bucket.swap(redis, &key, expected.as_deref(), &value));
        let failed = |reason| atomics::CasError::StoreError(Error::Other(reason));
        match swapped.map_err(failed)? {
            true => Ok(()),
            false => Err(match Seen::new(bucket, key) {
                Ok(seen) => atomics::CasError::CasFailed(atomics::Cas::new(seen)),
                Err(error) => atomics::CasError::StoreError(error),
            }),
        }
    }
}

impl atomics::GuestCas for Seen {
    fn new(bucket: BucketBorrow<'_>, key: String) -> Result<atomics::Cas, Error> {
        let bucket = bucket.get::<Bucket>().clone();
        Seen::new(bucket, key).map(atomics::Cas::new)
    }

    fn current(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.value.clone())
    }
}

impl batch::Guest for Provider {
    fn get_many(
        bucket: BucketBorrow<'_>,
        keys: Vec<String>,
    ) -> Result<Vec<Option<(String, Vec<u8>)>>, Error> {
        let values = with(|redis| bucket.get::<Bucket>().get_many(redis, &keys));
        Ok(pairs(keys, values.map_err(Error::Other)?))
    }

    fn set_many(bucket: BucketBorrow<'_>, key_values: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        with(|redis| bucket.get::<Bucket>().set_many(redis, &key_values)).map_err(Error::Other)
    }

    fn delete_many(bucket: BucketBorrow<'_>, keys: Vec<String>) -> Result<(), Error> {
        with(|redis| bucket.get::<Bucket>().delete_many(redis, &keys)).map_err(Error::Other)
    }
}
