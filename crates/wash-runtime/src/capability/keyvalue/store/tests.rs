//! What every store must do, and what those on disk must do besides.

use std::path::Path;
use std::sync::Arc;

use wash_common::folders::beneath::HostDirectories;

use super::database::OpenError;
use super::*;

fn database(directory: &Path) -> Result<Database, OpenError> {
    let directory = HostDirectories::default().open(directory, &[], true);
    Database::open(directory.unwrap(), "file.redb".as_ref())
}

fn files(path: &Path) -> Result<Directory, OpenError> {
    let directory = HostDirectories::default().open(path, &[], true);
    Directory::new(directory.unwrap(), path)
}

/// Stores of each kind, empty. The directory lasts as long as they are used.
fn stores(directory: &Path) -> Vec<(&'static str, Arc<dyn Store>)> {
    let database = database(&directory.join("database")).unwrap();
    let files = files(&directory.join("files")).unwrap();
    vec![
        ("memory", Arc::new(Memory::default())),
        ("database", Arc::new(database)),
        ("directory", Arc::new(files)),
    ]
}

/// Runs a case with each.
async fn each<F: Future<Output = ()>>(case: impl Fn(Arc<dyn Store>) -> F) {
    let directory = tempfile::tempdir().unwrap();
    for (name, store) in stores(directory.path()) {
        println!("{name}");
        case(store).await;
    }
}

fn set(key: &str, value: impl Into<Vec<u8>>) -> Write {
    Write::Set {
        key: key.into(),
        value: value.into(),
    }
}

fn delete(key: &str) -> Write {
    Write::Delete { key: key.into() }
}

async fn value(store: &Arc<dyn Store>, bucket: &str, key: &str) -> Option<Vec<u8>> {
    let mut found = store.get(bucket, vec![key.into()]).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).map(|entry| entry.value)
}

const UNSIGNED: RangeInclusive<i128> = 0..=u64::MAX as i128;

fn plus(delta: i128) -> Addition {
    Addition {
        delta,
        range: UNSIGNED,
    }
}

#[tokio::test]
async fn what_was_written_is_read() {
    each(async |store| {
        assert_eq!(value(&store, "b", "k").await, None);
        assert_eq!(store.keys("b", Start::Skip(0), 9).await, Ok(vec![]));
        store.write("b", vec![delete("k")]).await.unwrap();
        for bytes in [&b"one"[..], b"", b"\0\xff binary"] {
            store.write("b", vec![set("k", bytes)]).await.unwrap();
            assert_eq!(value(&store, "b", "k").await.as_deref(), Some(bytes));
        }
        store.write("b", vec![delete("k")]).await.unwrap();
        assert_eq!(value(&store, "b", "k").await, None);
        let large = vec![7; 3 << 20];
        store
            .write("b", vec![set("large", large.clone())])
            .await
            .unwrap();
        assert_eq!(value(&store, "b", "large").await, Some(large));
    })
    .await;
}

#[tokio::test]
async fn any_text_names_a_bucket_and_a_key() {
    each(async |store| {
        let names = [
            "",
            ".",
            "..",
            "../up",
            "/",
            "a/b",
            "%2F",
            "ü\n\0",
            ".wash-0.tmp",
        ];
        for bucket in names {
            for key in names {
                let text = format!("{bucket:?} {key:?}");
                store.write(bucket, vec![set(key, text)]).await.unwrap();
            }
        }
        for bucket in names {
            for key in names {
                let text = format!("{bucket:?} {key:?}").into_bytes();
                assert_eq!(value(&store, bucket, key).await, Some(text));
            }
            let mut sorted = names.map(String::from);
            sorted.sort();
            assert_eq!(
                store.keys(bucket, Start::Skip(0), 99).await.unwrap(),
                sorted
            );
        }
    })
    .await;
}

#[tokio::test]
async fn buckets_are_apart() {
    each(async |store| {
        store
            .write("a", vec![set("k", "a"), set("z", "a")])
            .await
            .unwrap();
        store.write("ab", vec![set("k", "ab")]).await.unwrap();
        store.write("a", vec![delete("z")]).await.unwrap();
        assert_eq!(value(&store, "a", "k").await, Some(b"a".into()));
        assert_eq!(value(&store, "ab", "k").await, Some(b"ab".into()));
        assert_eq!(store.keys("a", Start::Skip(0), 9).await.unwrap(), ["k"]);
    })
    .await;
}

#[tokio::test]
async fn many_keys_are_read_and_written_at_once() {
    each(async |store| {
        let writes = vec![set("a", "1"), set("b", "2"), delete("a"), set("b", "3")];
        store.write("b", writes).await.unwrap();
        let keys = ["b", "a", "b"].map(String::from).into();
        let found = store.get("b", keys).await.unwrap();
        let found: Vec<_> = found
            .into_iter()
            .map(|entry| entry.map(|e| e.value))
            .collect();
        assert_eq!(found, [Some(b"3".into()), None, Some(b"3".into())]);
        assert_eq!(store.get("b", Vec::new()).await, Ok(vec![]));
        store.write("b", Vec::new()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn keys_come_in_pages() {
    each(async |store| {
        let all: Vec<String> = (0..25).map(|number| format!("{number:02}")).collect();
        let writes = all.iter().rev().map(|key| set(key, "")).collect();
        store.write("b", writes).await.unwrap();
        store.write("c", vec![set("other", "")]).await.unwrap();
        let page = async |from| store.keys("b", from, 10).await.unwrap();
        assert_eq!(page(Start::Skip(0)).await, all[..10]);
        assert_eq!(page(Start::Skip(10)).await, all[10..20]);
        assert_eq!(page(Start::Skip(20)).await, all[20..]);
        assert_eq!(page(Start::Skip(u64::MAX)).await, Vec::<String>::new());
        assert_eq!(page(Start::After("09".into())).await, all[10..20]);
        assert_eq!(page(Start::After("19".into())).await, all[20..]);
        // A key that has gone in the meantime.
        assert_eq!(page(Start::After("19x".into())).await, all[20..]);
        assert_eq!(page(Start::After("24".into())).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn numbers_are_decimal_text() {
    each(async |store| {
        assert_eq!(store.add("b", "n", plus(3)).await, Ok(3));
        assert_eq!(value(&store, "b", "n").await, Some(b"3".into()));
        store.write("b", vec![set("n", "40\n")]).await.unwrap();
        assert_eq!(store.add("b", "n", plus(2)).await, Ok(42));

        store.write("b", vec![set("text", "many")]).await.unwrap();
        let error = store.add("b", "text", plus(1)).await.unwrap_err();
        assert_eq!(error, StoreError::NotANumber("text".into()));
        assert_eq!(value(&store, "b", "text").await, Some(b"many".into()));

        let most = u64::MAX.to_string();
        store
            .write("b", vec![set("most", most.clone())])
            .await
            .unwrap();
        let error = store.add("b", "most", plus(1)).await.unwrap_err();
        assert!(matches!(error, StoreError::OutOfRange { .. }), "{error}");
        assert_eq!(value(&store, "b", "most").await, Some(most.into()));

        let signed = Addition {
            delta: -50,
            range: i64::MIN.into()..=i64::MAX.into(),
        };
        assert_eq!(store.add("b", "n", signed).await, Ok(-8));
    })
    .await;
}

#[tokio::test]
async fn a_swap_wants_what_was_read() {
    each(async |store| {
        let read = async || {
            let found = store.get("b", vec!["k".into()]).await.unwrap().remove(0);
            found.map(|entry| entry.version)
        };
        assert_eq!(store.swap("b", "k", None, b"1".into()).await, Ok(true));
        assert_eq!(store.swap("b", "k", None, b"2".into()).await, Ok(false));
        let first = read().await;
        assert_eq!(store.swap("b", "k", first, b"2".into()).await, Ok(true));
        assert_eq!(store.swap("b", "k", first, b"3".into()).await, Ok(false));
        assert_eq!(value(&store, "b", "k").await, Some(b"2".into()));

        // There and back again is a change too.
        let second = read().await;
        store.write("b", vec![set("k", "x")]).await.unwrap();
        store.write("b", vec![set("k", "2")]).await.unwrap();
        assert_eq!(store.swap("b", "k", second, b"3".into()).await, Ok(false));
        let third = read().await;
        store.write("b", vec![delete("k")]).await.unwrap();
        assert_eq!(store.swap("b", "k", third, b"3".into()).await, Ok(false));
        assert_eq!(value(&store, "b", "k").await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_between_many_writers() {
    each(async |store| {
        let adders = (0..16).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..25 {
                    store.add("b", "n", plus(1)).await.unwrap();
                }
            })
        });
        let swappers = (0..8).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    loop {
                        let found = store.get("b", vec!["s".into()]).await.unwrap().remove(0);
                        let mut value = found.clone().map_or(Vec::new(), |entry| entry.value);
                        value.push(b'x');
                        let read = found.map(|entry| entry.version);
                        if store.swap("b", "s", read, value).await.unwrap() {
                            break;
                        }
                    }
                }
            })
        });
        for task in adders.chain(swappers).collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert_eq!(value(&store, "b", "n").await, Some(b"400".into()));
        assert_eq!(value(&store, "b", "s").await.unwrap().len(), 40);
    })
    .await;
}

#[tokio::test]
async fn what_is_on_disk_is_found_again_and_is_nobody_elses() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..3_i128 {
        for (name, store) in stores(directory.path()) {
            let sum = store.add("b", "n", plus(1)).await;
            let expected = if name == "memory" { 1 } else { round + 1 };
            assert_eq!(sum, Ok(expected), "{name}");
        }
    }
    let _open = stores(directory.path());
    let database = database(&directory.path().join("database"));
    assert!(matches!(database, Err(OpenError::InUse)));
    let files = files(&directory.path().join("files"));
    assert!(matches!(files, Err(OpenError::InUse)));
}

#[tokio::test]
async fn files_of_others_are_read_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = |path: &str| directory.path().join(path);
    std::fs::create_dir_all(path("b/nested")).unwrap();
    std::fs::write(path("b/user:1"), "by hand").unwrap();
    std::fs::write(path("b/.wash-7.tmp"), "half").unwrap();
    std::fs::write(path("readme"), "no bucket").unwrap();
    let store: Arc<dyn Store> = Arc::new(files(directory.path()).unwrap());
    assert_eq!(
        store.keys("b", Start::Skip(0), 9).await.unwrap(),
        ["user:1"]
    );
    assert_eq!(value(&store, "b", "user:1").await, Some(b"by hand".into()));
    assert_eq!(value(&store, "b", "nested").await, None);
    assert!(!path("b/.wash-7.tmp").exists());
    store.write("b", vec![set("a/b", "1")]).await.unwrap();
    assert_eq!(std::fs::read(path("b/a%2Fb")).unwrap(), b"1");

    let key = "k".repeat(256);
    let error = store.write("b", vec![set(&key, "")]).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLong { .. }), "{error}");
}

#[tokio::test]
async fn a_quota_bounds_what_a_store_holds() {
    each(async |store| {
        let full = |result: Result<(), StoreError>| {
            let error = result.unwrap_err();
            assert!(matches!(error, StoreError::Full { .. }), "{error}");
            assert!(error.to_string().contains("keyvalue.quota"), "{error}");
        };
        store.write("b", vec![set("a", [0; 1000])]).await.unwrap();
        store.set_quota(Some(10_000));
        store.write("b", vec![set("b", [0; 6000])]).await.unwrap();
        full(store.write("b", vec![set("c", [0; 6000])]).await);
        full(store.write("b", vec![set("b", [0; 12_000])]).await);
        full(store.swap("b", "d", None, vec![0; 6000]).await.map(drop));
        assert_eq!(value(&store, "b", "b").await.unwrap().len(), 6000);
        for round in 0..20 {
            let write = set("b", vec![round; 6000]);
            store.write("b", vec![write]).await.unwrap();
        }
        store.write("b", vec![delete("b")]).await.unwrap();
        store
            .write("other", vec![set("c", [0; 6000])])
            .await
            .unwrap();
        store.set_quota(Some(100));
        full(store.write("b", vec![set("x", [0; 10])]).await);
        store.write("other", vec![set("c", [0; 10])]).await.unwrap();
        store.set_quota(None);
        store.write("b", vec![set("x", [0; 20_000])]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_equal_value_is_another_version() {
    each(async |store| {
        let mut versions = std::collections::BTreeSet::new();
        for _ in 0..200 {
            store.write("b", vec![set("k", "same")]).await.unwrap();
            let found = store.get("b", vec!["k".into()]).await.unwrap().remove(0);
            versions.insert(found.unwrap().version.0);
        }
        assert_eq!(versions.len(), 200);
    })
    .await;
}

#[tokio::test]
async fn links_and_pipes_among_the_files_lead_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let path = |path: &str| directory.path().join(path);
    std::fs::create_dir_all(path("outside")).unwrap();
    std::fs::write(path("outside/SECRET"), "secret").unwrap();
    std::fs::create_dir_all(path("kv/b")).unwrap();
    std::os::unix::fs::symlink("../outside", path("kv/link")).unwrap();
    std::os::unix::fs::symlink("../../outside/SECRET", path("kv/b/link")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path("kv/b/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let store: Arc<dyn Store> = Arc::new(files(&path("kv")).unwrap());
    for (bucket, key) in [("link", "SECRET"), ("b", "link"), ("b", "pipe")] {
        let read = store.get(bucket, vec![key.into()]).await;
        assert!(read.is_err(), "{bucket}/{key}");
    }
    assert!(store.write("link", vec![set("k", "x")]).await.is_err());
    assert!(store.write("link", vec![delete("SECRET")]).await.is_err());
    assert!(store.keys("link", Start::Skip(0), 9).await.is_err());
    assert_eq!(store.keys("b", Start::Skip(0), 9).await, Ok(vec![]));
    store.write("b", vec![set("link", "own")]).await.unwrap();
    assert_eq!(value(&store, "b", "link").await, Some(b"own".into()));
    let secret = std::fs::read(path("outside/SECRET")).unwrap();
    assert_eq!(secret, b"secret");
    assert_eq!(std::fs::read_dir(path("outside")).unwrap().count(), 1);
}

/// A disk that is full as long as it is told to be.
#[derive(Debug)]
struct Disk {
    file: redb::backends::FileBackend,
    full: Arc<std::sync::atomic::AtomicBool>,
}

impl Disk {
    fn check(&self) -> std::io::Result<()> {
        match self.full.load(std::sync::atomic::Ordering::SeqCst) {
            true => Err(std::io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> std::io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.check()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.check()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> std::io::Result<()> {
        self.file.close()
    }
}

#[tokio::test]
async fn a_full_disk_ends_what_is_written_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file.redb");
    let full = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let disk = Arc::clone(&full);
    let database = Database::opened_by(move || {
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false);
        redb::Builder::new().create_with_backend(Disk {
            file: redb::backends::FileBackend::new(file.open(&path)?)?,
            full: Arc::clone(&disk),
        })
    });
    let store: Arc<dyn Store> = Arc::new(database.unwrap());
    store.write("b", vec![set("k", "kept")]).await.unwrap();
    for _ in 0..3 {
        full.store(true, std::sync::atomic::Ordering::SeqCst);
        for _ in 0..3 {
            let write = set("big", [7; 100_000]);
            assert!(store.write("b", vec![write]).await.is_err());
        }
        full.store(false, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(value(&store, "b", "k").await, Some(b"kept".into()));
        assert_eq!(value(&store, "b", "big").await, None);
        assert_eq!(store.add("b", "n", plus(1)).await.map(drop), Ok(()));
    }
    assert_eq!(value(&store, "b", "n").await, Some(b"3".into()));
}
