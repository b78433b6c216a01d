//! Buckets and their keys in Redis, where there are only keys: `PREFIX BUCKET:KEY`, without the space.
//!
//! A `:` or `%` in the name of a bucket is written as `%3A` or `%25`, so that no bucket sees the keys of another. The keys
//! themselves are taken as they are.

use crate::client::{Client, Failure};
use crate::resp::Reply;
use crate::wire::Connect;

/// How many keys Redis looks at in one step of a listing.
const STEP: &[u8] = b"1000";

/// A bucket that was opened: what its keys begin with in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    prefix: Vec<u8>,
}

/// Some of the keys of a bucket, and where the listing goes on.
pub type Page = (Vec<String>, Option<u64>);

impl Bucket {
    pub fn new(prefix: &str, name: &str) -> Self {
        let name = name.replace('%', "%25").replace(':', "%3A");
        Self {
            prefix: format!("{prefix}{name}:").into_bytes(),
        }
    }

    fn key(&self, key: &str) -> Vec<u8> {
        [&self.prefix, key.as_bytes()].concat()
    }

    fn keys(&self, keys: &[String]) -> Vec<Vec<u8>> {
        keys.iter().map(|key| self.key(key)).collect()
    }

    /// For `SCAN`: every key of the bucket and no other.
    fn pattern(&self) -> Vec<u8> {
        let mut pattern = Vec::new();
        for byte in &self.prefix {
            if b"*?[]\\^-".contains(byte) {
                pattern.push(b'\\');
            }
            pattern.push(*byte);
        }
        pattern.push(b'*');
        pattern
    }

    pub fn get<C: Connect>(
        &self,
        redis: &mut Client<C>,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Failure> {
        match redis.call(&[b"GET", &self.key(key)])? {
            Reply::Bytes(value) => Ok(Some(value)),
            Reply::Null => Ok(None),
            _ => Err(redis.unexpected("GET")),
        }
    }

    pub fn set<C: Connect>(
        &self,
        redis: &mut Client<C>,
        key: &str,
        value: &[u8],
    ) -> Result<(), Failure> {
        redis.call(&[b"SET", &self.key(key), value]).map(drop)
    }

    pub fn delete<C: Connect>(&self, redis: &mut Client<C>, key: &str) -> Result<(), Failure> {
        redis.call(&[b"DEL", &self.key(key)]).map(drop)
    }

    pub fn exists<C: Connect>(&self, redis: &mut Client<C>, key: &str) -> Result<bool, Failure> {
        match redis.call(&[b"EXISTS", &self.key(key)])? {
            Reply::Integer(count) => Ok(count > 0),
            _ => Err(redis.unexpected("EXISTS")),
        }
    }

    /// The next keys from a cursor on: none only at the end. Keys that are no text cannot be named, and are left out.
    pub fn list<C: Connect>(
        &self,
        redis: &mut Client<C>,
        mut cursor: u64,
    ) -> Result<Page, Failure> {
        let pattern = self.pattern();
        loop {
            let from = cursor.to_string();
            let command: [&[u8]; 6] =
                [b"SCAN", from.as_bytes(), b"MATCH", &pattern, b"COUNT", STEP];
            let reply = redis.call(&command)?;
            let (next, found) = page(reply).ok_or_else(|| redis.unexpected("SCAN"))?;
            let names = found.into_iter().filter_map(|key| {
                let name = key.strip_prefix(self.prefix.as_slice())?;
                String::from_utf8(name.to_vec()).ok()
            });
            let mut keys: Vec<String> = names.collect();
            // While its table grows, Redis may list a key twice.
            keys.sort();
            keys.dedup();
            if next == 0 {
                return Ok((keys, None));
            }
            if !keys.is_empty() {
                return Ok((keys, Some(next)));
            }
            cursor = next;
        }
    }

    /// The new number.
    pub fn add<C: Connect>(
        &self,
        redis: &mut Client<C>,
        key: &str,
        delta: i64,
    ) -> Result<i64, Failure> {
        let delta = delta.to_string();
        match redis.call(&[b"INCRBY", &self.key(key), delta.as_bytes()])? {
            Reply::Integer(sum) => Ok(sum),
            _ => Err(redis.unexpected("INCRBY")),
        }
    }

    /// Whether the key still had the expected value, and has the new one now.
    pub fn swap<C: Connect>(
        &self,
        redis: &mut Client<C>,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, Failure> {
        redis.swap(&self.key(key), expected, value)
    }

    /// In the order of the keys.
    pub fn get_many<C: Connect>(
        &self,
        redis: &mut Client<C>,
        keys: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        let Some(reply) = many(redis, b"MGET", &self.keys(keys), &[])? else {
            return Ok(Vec::new());
        };
        let values = match reply {
            Reply::Array(values) if values.len() == keys.len() => values,
            _ => return Err(redis.unexpected("MGET")),
        };
        let value = |reply| match reply {
            Reply::Bytes(value) => Some(value),
            _ => None,
        };
        Ok(values.into_iter().map(value).collect())
    }

    /// All of them in one step.
    pub fn set_many<C: Connect>(
        &self,
        redis: &mut Client<C>,
        pairs: &[(String, Vec<u8>)],
    ) -> Result<(), Failure> {
        let keys: Vec<Vec<u8>> = pairs.iter().map(|(key, _)| self.key(key)).collect();
        let values: Vec<&[u8]> = pairs.iter().map(|(_, value)| value.as_slice()).collect();
        many(redis, b"MSET", &keys, &values).map(drop)
    }

    /// All of them in one step.
    pub fn delete_many<C: Connect>(
        &self,
        redis: &mut Client<C>,
        keys: &[String],
    ) -> Result<(), Failure> {
        many(redis, b"DEL", &self.keys(keys), &[]).map(drop)
    }
}

/// A command with many keys, each followed by its value if there are values; `None` for no keys at all.
fn many<C: Connect>(
    redis: &mut Client<C>,
    command: &[u8],
    keys: &[Vec<u8>],
    values: &[&[u8]],
) -> Result<Option<Reply>, Failure> {
    if keys.is_empty() {
        return Ok(None);
    }
    let mut words = vec![command];
    for (index, key) in keys.iter().enumerate() {
        words.push(key);
        words.extend(values.get(index));
    }
    redis.call(&words).map(Some)
}

/// What `SCAN` answers: the next cursor, and keys.
fn page(reply: Reply) -> Option<(u64, Vec<Vec<u8>>)> {
    let Reply::Array(parts) = reply else {
        return None;
    };
    let [Reply::Bytes(cursor), Reply::Array(keys)] = <[Reply; 2]>::try_from(parts).ok()? else {
        return None;
    };
    let cursor = std::str::from_utf8(&cursor).ok()?.parse().ok()?;
    let keys = keys.into_iter().map(|key| match key {
        Reply::Bytes(key) => Some(key),
        _ => None,
    });
    Some((cursor, keys.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bucket_has_keys_of_another() {
        let key = |bucket: &str, key: &str| {
            String::from_utf8(Bucket::new("app/", bucket).key(key)).unwrap()
        };
        assert_eq!(key("sessions", "42"), "app/sessions:42");
        assert_eq!(key("a", "b:c"), "app/a:b:c");
        assert_eq!(key("a:b", "c"), "app/a%3Ab:c");
        assert_ne!(key("a:b", "c"), key("a%3Ab", "c"));
    }

    #[test]
    fn patterns_are_for_the_bucket_alone() {
        let pattern = Bucket::new("", "a*[b]?\\").pattern();
        assert_eq!(pattern, br"a\*\[b\]\?\\:*");
    }
}
