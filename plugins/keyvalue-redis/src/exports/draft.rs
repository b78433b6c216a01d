//! `wasi:keyvalue@0.2.0-draft`: cursors are numbers, and so is what is added, which cannot be negative.

use super::{Provider, open, pairs, with};
use crate::bindings::exports::wasi::keyvalue0_2_0_draft::store::{
    self, BucketBorrow, Error, KeyResponse,
};
use crate::bindings::exports::wasi::keyvalue0_2_0_draft::{atomics, batch};
use crate::store::Bucket;

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

    fn list_keys(&self, cursor: Option<u64>) -> Result<KeyResponse, Error> {
        let page = with(|redis| self.list(redis, cursor.unwrap_or(0)));
        let (keys, cursor) = page.map_err(Error::Other)?;
        Ok(KeyResponse { keys, cursor })
    }
}

impl atomics::Guest for Provider {
    fn increment(bucket: BucketBorrow<'_>, key: String, delta: u64) -> Result<u64, Error> {
        let step = i64::try_from(delta).map_err(|_| {
            Error::Other(format!("cannot add {delta}: Redis counts up to 2^63 - 1"))
        })?;
        let sum = with(|redis| bucket.get::<Bucket>().add(redis, &key, step));
        let sum = sum.map_err(Error::Other)?;
        u64::try_from(sum)
            .map_err(|_| Error::Other(format!("`{key}` is {sum} now, and cannot be told as it is")))
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
