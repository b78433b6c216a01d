//! What files may hold, and what becomes of it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn local() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

/// Writes a certificate that is valid for so long, and its key.
fn written(dir: &Path, from: SystemTime, to: SystemTime) -> Files {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.not_before = from.into();
    params.not_after = to.into();
    let files = Files {
        certificate: dir.join("cert.pem"),
        key: dir.join("key.pem"),
        client_authorities: None,
    };
    let certificate = params.self_signed(&key).expect("a certificate");
    fs::write(&files.certificate, certificate.pem()).expect("a file");
    fs::write(&files.key, key.serialize_pem()).expect("a file");
    files
}

#[track_caller]
fn refused(files: &Files, expected: &str) {
    let Err(error) = Tls::load(files) else {
        panic!("it must not load")
    };
    let said = error.to_string();
    assert!(said.contains(expected), "`{said}` has no `{expected}`");
}

#[test]
fn what_cannot_be_used_is_told_with_file_and_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let now = SystemTime::now();
    let good = written(dir, now - HOUR, now + HOUR);
    Tls::load(&good).expect("it is good");

    let with = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let missing = Files {
        certificate: dir.join("none.pem"),
        ..good.clone()
    };
    refused(&missing, "`dev.tls_cert_path`: cannot read");
    let empty = Files {
        certificate: with("empty.pem", "no PEM"),
        ..good.clone()
    };
    refused(&empty, "no certificate in PEM in");
    let no_key = Files {
        key: good.certificate.clone(),
        ..good.clone()
    };
    refused(&no_key, "`dev.tls_key_path`: no private key in PEM in");
    let protected =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let encrypted = Files {
        key: with("encrypted.pem", protected),
        ..good.clone()
    };
    refused(&encrypted, "passphrase");
    let other = KeyPair::generate().expect("a key").serialize_pem();
    let mismatch = Files {
        key: with("other.pem", &other),
        ..good.clone()
    };
    refused(&mismatch, "does not belong to the certificate");
    let authorities = Files {
        client_authorities: Some(with("ca.pem", "")),
        ..good.clone()
    };
    refused(&authorities, "`dev.tls_ca_path`: no certificate");
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let now = SystemTime::now();
    let past = written(dir.path(), now - 100 * HOUR, now - 49 * HOUR);
    refused(&past, "expired 2 days ago");
    let future = written(dir.path(), now + 3 * HOUR, now + 100 * HOUR);
    refused(&future, "is not valid yet, for another");
}

#[test]
fn a_certificate_of_our_own_is_kept_as_long_as_it_is_good() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path().join("tls");
    let files = self_signed(&dir, local()).expect("it is made");
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&files.key), 0o600);
    Tls::load(&files).expect("it is good");
    let read = || fs::read(&files.certificate).expect("a file");

    let first = read();
    self_signed(&dir, local()).expect("it is kept");
    assert_eq!(read(), first, "kept");
    self_signed(&dir, [192, 0, 2, 7].into()).expect("it is made");
    let second = read();
    assert_ne!(second, first, "another name");

    let now = SystemTime::now();
    let short = written(&dir, now - HOUR, now + 24 * HOUR);
    fs::rename(&short.certificate, &files.certificate).expect("a file");
    self_signed(&dir, local()).expect("it is made");
    assert_ne!(read(), second, "it had another key, and not much time left");
    Tls::load(&files).expect("it is good");
}

#[test]
fn a_reload_that_fails_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let now = SystemTime::now();
    let files = written(dir.path(), now - HOUR, now + HOUR);
    let tls = Tls::load(&files).expect("it is good");
    let before = tls.config();
    assert!(!tls.reload(&files).expect("the same"));
    fs::write(&files.key, "half").expect("a file");
    tls.reload(&files).expect_err("no key");
    assert!(Arc::ptr_eq(&before, &tls.config()));
    written(dir.path(), now - HOUR, now + 2 * HOUR);
    assert!(tls.reload(&files).expect("a new one"));
    assert!(!Arc::ptr_eq(&before, &tls.config()));
}
