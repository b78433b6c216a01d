//! The interfaces of `wasi:keyvalue`, both drafts of them, on one connection for each instance.

mod draft;
mod draft2;

use std::cell::RefCell;

use crate::bindings::wasi::config::store as config;
use crate::client::Client;
use crate::settings::Settings;
use crate::socket::Sockets;
use crate::store::Bucket;

pub(crate) struct Provider;

thread_local! {
    static REDIS: RefCell<Option<Client<Sockets>>> = const { RefCell::new(None) };
}

/// Does something with the client of this instance, which is made when it is first needed.
fn with<T, E: ToString>(
    action: impl FnOnce(&mut Client<Sockets>) -> Result<T, E>,
) -> Result<T, String> {
    REDIS.with_borrow_mut(|redis| {
        let client = match redis {
            Some(client) => client,
            None => redis.insert(Client::new(Sockets, settings()?)),
        };
        action(client).map_err(|error| error.to_string())
    })
}

fn settings() -> Result<Settings, String> {
    let all = config::get_all().map_err(|error| match error {
        config::Error::Upstream(reason) | config::Error::Io(reason) => {
            format!("cannot read the settings of keyvalue-redis: {reason}")
        }
    })?;
    let lookup = |name: &str| {
        let found = all.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    let variable = std::env::var("REDIS_URL").ok();
    Settings::read(&lookup, variable).map_err(|error| error.to_string())
}

/// Opening connects, so that a Redis that is not there is told here.
fn open(name: &str) -> Result<Bucket, String> {
    with(|redis| {
        redis.open()?;
        Ok::<_, crate::client::Failure>(Bucket::new(&redis.settings().prefix, name))
    })
}

/// The pairs of those that are there.
fn pairs(keys: Vec<String>, values: Vec<Option<Vec<u8>>>) -> Vec<Option<(String, Vec<u8>)>> {
    let pairs = keys.into_iter().zip(values);
    pairs.map(|(key, value)| Some((key, value?))).collect()
}
