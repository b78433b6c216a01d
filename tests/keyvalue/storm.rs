//! Killed in the middle of many writes, and started again: everything that was acknowledged is there.
//!
//! A kill ends the process, not the machine: this proves that nothing acknowledged is still in the process's own memory
//! or half done. That it is on disk as well is what the stores sync for, and what no test here can show.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Client, Failure, authority, get, text};
use crate::project::Projects;
use crate::wash::{Dev, TIMEOUT, Wash};

const WRITERS: usize = 8;

/// How many writes are acknowledged before the process is killed.
const ENOUGH: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    for (test, config) in [
        ("kv-storm", "name: ledger\n"),
        (
            "kv-storm-files",
            "name: ledger\ndev:\n  wasi_keyvalue_path: data\n",
        ),
    ] {
        let projects = Projects::copy(test, &["ledger"]);
        projects.write("ledger/.wash/config.yaml", config);
        let (wash, url) = Dev::on(&projects).serving().await;
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(write(url.clone(), writer, acknowledged.clone())))
            .collect();
        let written = kill(wash, ENOUGH, &acknowledged, writers).await;

        let (_wash, url) = Dev::on(&projects).serving().await;
        for (writer, count) in written.iter().enumerate() {
            let found = text(&url, &format!("/get/counts/{writer}")).await;
            let found: usize = found.parse().unwrap_or_default();
            // The last one may have been done, and its acknowledgement lost.
            assert!(
                (*count..=count + 1).contains(&found),
                "{test}: {found} of {count}"
            );
            for number in 0..*count {
                let value = text(&url, &format!("/get/values/{writer}-{number}")).await;
                assert_eq!(value, format!("value-{number}"), "{test}");
            }
        }
        let sum: usize = written.iter().sum();
        // Three writes are one round, and each writer may be in the middle of one.
        assert!((sum + WRITERS) * 3 >= ENOUGH, "{sum}");
        let total = text(&url, "/get/counts/all").await;
        let total: usize = total.parse().unwrap();
        assert!(
            (sum..=sum + WRITERS).contains(&total),
            "{test}: {total} of {sum}"
        );
    }
}

/// Kills the process once enough is acknowledged; how much each writer knows to be there.
async fn kill(
    wash: Wash,
    enough: usize,
    acknowledged: &AtomicUsize,
    writers: Vec<JoinHandle<usize>>,
) -> Vec<usize> {
    let busy = async {
        // A writer that has ended says below what it found wrong.
        while acknowledged.load(Ordering::Relaxed) < enough
            && !writers.iter().any(JoinHandle::is_finished)
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(TIMEOUT, busy).await.expect("enough is written");
    wash.signal(Signal::KILL);
    wash.end().await;
    let mut done = Vec::new();
    for writer in writers {
        done.push(writer.await.unwrap());
    }
    done
}

/// Writes until nobody answers; how often all of a round was acknowledged.
async fn write(url: String, writer: usize, acknowledged: Arc<AtomicUsize>) -> usize {
    let mut client = Client::connect(&url).await.unwrap();
    for number in 0.. {
        for path in [
            format!("/set/values/{writer}-{number}/value-{number}"),
            "/add/counts/all/1".to_string(),
            format!("/add/counts/{writer}/1"),
        ] {
            match client.get(&path).await {
                Ok((_, answer)) if !answer.starts_with("error") => {
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Ok((_, answer)) => panic!("{path}: {answer}"),
                Err(_) => return number,
            }
        }
    }
    unreachable!("it ends when nobody answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_blob_is_lost_or_half_there_when_the_process_is_killed() {
    let projects = Projects::copy("kv-storm-blobs", &["blobby"]);
    let (wash, url) = Dev::on(&projects).serving().await;
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let uploaders: Vec<_> = (0..WRITERS)
        .map(|uploader| tokio::spawn(upload(url.clone(), uploader, acknowledged.clone())))
        .collect();
    let uploaded = kill(wash, ENOUGH / 3, &acknowledged, uploaders).await;

    let (_wash, url) = Dev::on(&projects).serving().await;
    for (uploader, count) in uploaded.into_iter().enumerate() {
        for number in 0..count {
            let found = text(&url, &format!("/files/{uploader}-{number}")).await;
            assert!(found == blob(uploader, number), "{uploader}-{number}");
        }
        // The one that was being uploaded is there as a whole, or not at all.
        let (status, found) = get(&url, &format!("/files/{uploader}-{count}")).await;
        let whole = found == blob(uploader, count);
        assert!(whole || status == StatusCode::NOT_FOUND, "{status}");
    }
}

/// Uploads until nobody answers; how many were acknowledged.
async fn upload(url: String, uploader: usize, acknowledged: Arc<AtomicUsize>) -> usize {
    for number in 0.. {
        match put(
            &url,
            &format!("/files/{uploader}-{number}"),
            &blob(uploader, number),
        )
        .await
        {
            Ok(answer) if answer.starts_with("HTTP/1.1 201") => {
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) if answer.is_empty() => return number,
            Ok(answer) => panic!("{answer}"),
            Err(_) => return number,
        }
    }
    unreachable!("it ends when nobody answers")
}

/// The answer as it comes over the wire.
async fn put(url: &str, path: &str, body: &str) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(authority(url)).await?;
    let length = body.len();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Some tens of KiB that nobody else uploads.
fn blob(uploader: usize, number: usize) -> String {
    format!("{uploader}-{number} ").repeat(16_000)
}
