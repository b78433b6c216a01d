//! The client and the store on a real Redis, over the sockets of this machine.

#[path = "../../../tests/support/redis.rs"]
mod server;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use keyvalue_redis::client::{Client, Failure};
use keyvalue_redis::settings::Settings;
use keyvalue_redis::store::Bucket;
use keyvalue_redis::wire::{Broken, Connect, Wire};
use server::Redis;

struct Tcp;

struct Stream(TcpStream);

fn broken(error: std::io::Error) -> Broken {
    Broken(error.to_string())
}

impl Connect for Tcp {
    type Wire = Stream;

    fn connect(&self, host: &str, port: u16) -> Result<Stream, Broken> {
        TcpStream::connect((host, port)).map(Stream).map_err(broken)
    }
}

impl Wire for Stream {
    fn is_closed(&mut self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let found = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        !matches!(found, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.0.write_all(bytes).map_err(broken)
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<(), Broken> {
        let mut bytes = [0; 64 * 1024];
        match self.0.read(&mut bytes).map_err(broken)? {
            0 => Err(Broken("it was closed".to_owned())),
            count => {
                into.extend_from_slice(&bytes[..count]);
                Ok(())
            }
        }
    }
}

fn client(redis: &Redis) -> Client<Tcp> {
    with(redis, Settings::default())
}

fn with(redis: &Redis, settings: Settings) -> Client<Tcp> {
    let host = "127.0.0.1".to_owned();
    let port = redis.port;
    Client::new(
        Tcp,
        Settings {
            host,
            port,
            ..settings
        },
    )
}

#[test]
fn values_of_any_bytes_under_any_key() {
    let redis = Redis::start();
    let mut client = client(&redis);
    let bucket = Bucket::new("app/", "b");
    for key in ["k", "", "a:b", "*?[x]\\", "ümlaut \r\n\0", "{tag}"] {
        for value in [&b""[..], b"\r\n$-1\r\n\0\xff", &vec![7; 300_000]] {
            bucket.set(&mut client, key, value).unwrap();
            assert_eq!(
                bucket.get(&mut client, key).unwrap().as_deref(),
                Some(value)
            );
        }
        assert!(bucket.exists(&mut client, key).unwrap());
        let found = redis
            .client()
            .ask(&[b"STRLEN", format!("app/b:{key}").as_bytes()]);
        assert_eq!(found, b"300000", "{key:?}");
        bucket.delete(&mut client, key).unwrap();
        bucket.delete(&mut client, key).unwrap();
        assert_eq!(bucket.get(&mut client, key).unwrap(), None);
    }
    assert_eq!(redis.ask(&[b"DBSIZE"]), "0");
}

#[test]
fn listings_have_every_key_of_the_bucket_and_no_other() {
    let redis = Redis::start();
    let mut client = client(&redis);
    let (bucket, other) = (Bucket::new("", "b*"), Bucket::new("", "bc"));
    let pairs: Vec<(String, Vec<u8>)> = (0..2500).map(|n| (format!("{n:05}"), vec![])).collect();
    bucket.set_many(&mut client, &pairs).unwrap();
    other.set_many(&mut client, &pairs[..700]).unwrap();
    redis.ask(&[b"SET", b"b*:\xff", b"no text"]);
    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, 0);
    loop {
        let (keys, next) = bucket.list(&mut client, cursor).unwrap();
        assert!(next.is_none() || !keys.is_empty());
        found.extend(keys);
        pages += 1;
        match next {
            Some(next) => cursor = next,
            None => break,
        }
    }
    assert!(pages > 1);
    found.sort();
    found.dedup();
    assert!(found.iter().eq(pairs.iter().map(|(key, _)| key)));

    let empty = Bucket::new("", "nothing");
    assert_eq!(empty.list(&mut client, 0).unwrap(), (Vec::new(), None));
}

#[test]
fn many_at_once() {
    let redis = Redis::start();
    let mut client = client(&redis);
    let bucket = Bucket::new("", "b");
    let pairs = [("a", "1"), ("b", "2")].map(|(k, v)| (k.to_owned(), v.as_bytes().to_vec()));
    bucket.set_many(&mut client, &pairs).unwrap();
    assert_eq!(redis.ask(&[b"MGET", b"b:a", b"b:b"]), "1\n2");
    let keys = ["b", "x", "a"].map(str::to_owned);
    let found = bucket.get_many(&mut client, &keys).unwrap();
    assert_eq!(found, [Some(b"2".to_vec()), None, Some(b"1".to_vec())]);
    bucket.delete_many(&mut client, &keys).unwrap();
    assert_eq!(redis.ask(&[b"DBSIZE"]), "0");
    // Redis has no command without keys.
    bucket.set_many(&mut client, &[]).unwrap();
    bucket.delete_many(&mut client, &[]).unwrap();
    assert!(bucket.get_many(&mut client, &[]).unwrap().is_empty());
}

#[test]
fn sums_are_exact_with_many_clients() {
    let redis = Redis::start();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut client = client(&redis);
            std::thread::spawn(move || {
                let bucket = Bucket::new("", "b");
                for _ in 0..100 {
                    bucket.add(&mut client, "n", 3).unwrap();
                    // Compare and swap, until nobody was in between.
                    loop {
                        let seen = bucket.get(&mut client, "m").unwrap();
                        let number: u64 = seen
                            .as_ref()
                            .map_or(0, |seen| String::from_utf8_lossy(seen).parse().unwrap());
                        let next = (number + 1).to_string();
                        let next = next.as_bytes();
                        if bucket
                            .swap(&mut client, "m", seen.as_deref(), next)
                            .unwrap()
                        {
                            break;
                        }
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(redis.ask(&[b"MGET", b"b:n", b"b:m"]), "1200\n400");
}

#[test]
fn refusals_are_told_in_the_words_of_the_server() {
    let redis = Redis::start();
    let mut client = client(&redis);
    let bucket = Bucket::new("", "b");
    redis.ask(&[b"LPUSH", b"b:list", b"x"]);
    let error = bucket.get(&mut client, "list").unwrap_err().to_string();
    let said = "WRONGTYPE Operation against a key holding the wrong kind of value";
    let expected = format!("Redis at `127.0.0.1:{}` refused `GET`: {said}", redis.port);
    assert_eq!(error, expected);
    bucket.set(&mut client, "text", b"abc").unwrap();
    let error = bucket.add(&mut client, "text", 1).unwrap_err().to_string();
    assert!(error.ends_with("ERR value is not an integer or out of range"));
    let swapped = bucket.swap(&mut client, "list", None, b"x");
    assert!(
        swapped
            .unwrap_err()
            .to_string()
            .contains("`GET`: WRONGTYPE")
    );
    // None of that harms the connection.
    assert_eq!(
        bucket.get(&mut client, "text").unwrap().as_deref(),
        Some(&b"abc"[..])
    );
}

#[test]
fn a_redis_that_was_restarted_is_found_again() {
    let mut redis = Redis::start();
    let mut client = client(&redis);
    let bucket = Bucket::new("", "b");
    assert_eq!(bucket.add(&mut client, "n", 1), Ok(1));
    redis.stop();
    let error = bucket.add(&mut client, "n", 1).unwrap_err();
    assert!(matches!(error, Failure::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(&redis.port.to_string()));
    redis.start_again();
    assert_eq!(bucket.add(&mut client, "n", 1), Ok(2));
    // The end was seen before anything was sent, so nothing is counted twice.
    redis.stop();
    redis.start_again();
    assert_eq!(bucket.add(&mut client, "n", 1), Ok(3));
    assert_eq!(redis.ask(&[b"GET", b"b:n"]), "3");
}

#[test]
fn logins_and_databases() {
    let redis = Redis::with(&["--requirepass", "open sesame"]);
    let bucket = Bucket::new("", "b");
    let login = |username: Option<&str>, password: Option<&str>| Settings {
        database: 5,
        username: username.map(str::to_owned),
        password: password.map(str::to_owned),
        ..Settings::default()
    };
    for (settings, words) in [
        (login(None, None), "NOAUTH"),
        (login(None, Some("wrong")), "WRONGPASS"),
        (login(Some("nobody"), Some("open sesame")), "WRONGPASS"),
    ] {
        let error = with(&redis, settings).open().unwrap_err().to_string();
        assert!(error.contains("refused the login: "), "{error}");
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("sesame"), "{error}");
    }
    for username in [None, Some("default")] {
        let mut client = with(&redis, login(username, Some("open sesame")));
        bucket.set(&mut client, "k", b"v").unwrap();
    }
    let mut raw = redis.client();
    assert_eq!(raw.ask(&[b"AUTH", b"open sesame"]), b"OK");
    assert_eq!(raw.ask(&[b"GET", b"b:k"]), b"(nil)");
    raw.ask(&[b"SELECT", b"5"]);
    assert_eq!(raw.ask(&[b"GET", b"b:k"]), b"v");

    let far = Settings {
        database: 99,
        ..login(None, Some("open sesame"))
    };
    let error = with(&redis, far).open().unwrap_err().to_string();
    assert!(error.contains("DB index is out of range"), "{error}");
}
