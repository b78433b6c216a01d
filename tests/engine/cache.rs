//! A second start compiles nothing, and whatever has become of the cache, the component runs.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wash_runtime::events::Recorder;
use wash_runtime::host::{Host, StartRequest};
use wash_runtime::local::{HostOptions, LocalHost};
use wash_runtime::workload::{MemberSettings, Workload};

use crate::stage::{Switch, alone, probe};

/// Starts a workload on a new host. Returns whether its code came from the cache, and what the host said.
pub(crate) async fn start(dir: &Path, workload: &Workload) -> (bool, Recorder) {
    let (events, output) = Recorder::new();
    let routes = Arc::new(Switch::default());
    let host = LocalHost::new(HostOptions {
        cache_dir: Some(dir.to_owned()),
        events,
        routes,
    });
    let started = host
        .start(StartRequest {
            workload: workload.clone(),
            replaces: None,
        })
        .await
        .unwrap();
    (started.timings.cached, output)
}

fn workload() -> Workload {
    alone(probe("probe"), MemberSettings::default())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

fn only_file(dir: &Path) -> PathBuf {
    let files = files(dir);
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_start_compiles_nothing() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a/b");
    assert!(!start(&dir, &workload()).await.0);
    assert!(start(&dir, &workload()).await.0);
    assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(only_file(&dir)).unwrap().mode() & 0o077, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_component_has_a_file_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    start(root.path(), &workload()).await;
    let other = alone(probe("probe-p3"), MemberSettings::default());
    assert!(!start(root.path(), &other).await.0);
    assert_eq!(files(root.path()).len(), 2);
    assert!(start(root.path(), &workload()).await.0);
    assert!(start(root.path(), &other).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_compiled_again_and_replaced() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("compiled");
    start(&dir, &workload()).await;
    let file = only_file(&dir);
    let good = fs::read(&file).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let mut longer = good.clone();
    longer.push(0);
    for (damage, bytes) in [
        ("empty", &[][..]),
        ("cut off", &good[..good.len() / 2]),
        ("without its seal", &good[..good.len() - 40]),
        ("a flipped bit", &flipped),
        ("something added", &longer),
        ("something else", b"#!/bin/sh\n"),
    ] {
        fs::write(&file, bytes).unwrap();
        assert!(!start(&dir, &workload()).await.0, "{damage}");
        assert!(start(&dir, &workload()).await.0, "{damage}: replaced");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_another_component_is_not_taken() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("compiled");
    start(&dir, &workload()).await;
    let ours = only_file(&dir);
    start(&dir, &alone(probe("probe-p3"), MemberSettings::default())).await;
    let other = files(&dir).into_iter().find(|file| *file != ours).unwrap();
    fs::copy(other, &ours).unwrap();
    assert!(!start(&dir, &workload()).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_others_may_write_is_not_trusted() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("compiled");
    start(&dir, &workload()).await;
    fs::set_permissions(only_file(&dir), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!start(&dir, &workload()).await.0);
    assert_eq!(fs::metadata(only_file(&dir)).unwrap().mode() & 0o022, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("compiled");
    start(&dir, &workload()).await;
    let file = only_file(&dir);
    let elsewhere = root.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert!(!start(&dir, &workload()).await.0);
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_folder_is_closed_to_others() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("compiled");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    start(&dir, &workload()).await;
    assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_another_user_is_refused_and_told() {
    if !rustix::process::geteuid().is_root() {
        // Only root can give a folder away; elsewhere the check has no other user to try it with.
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("compiled");
    fs::create_dir(&dir).unwrap();
    std::os::unix::fs::chown(&dir, Some(65534), None).unwrap();
    let (cached, output) = start(&dir, &workload()).await;
    assert!(!cached);
    assert!(
        output.text().contains("belongs to another user"),
        "{}",
        output.text()
    );
    assert!(files(&dir).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_file_is_compiled_again() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("compiled");
    start(&dir, &workload()).await;
    std::os::unix::fs::chown(only_file(&dir), Some(65534), None).unwrap();
    assert!(!start(&dir, &workload()).await.0);
    assert!(start(&dir, &workload()).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_made_is_told_and_done_without() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    let (cached, output) = start(&root.path().join("file/compiled"), &workload()).await;
    assert!(!cached);
    assert!(
        output.text().contains("compiled code will not be cached"),
        "{}",
        output.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_starts_at_once_do_not_disturb_each_other() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("compiled");
    let workload = workload();
    futures::future::join_all((0..8).map(|_| start(&dir, &workload))).await;
    only_file(&dir);
    assert!(start(&dir, &workload).await.0);
}
