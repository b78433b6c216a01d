//! A certificate of our own, for this machine's names, kept until it expires.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::pki_types::ServerName;
use wash_common::atomic::{Durability, FileMode, write_atomic_with};

use super::files::Read;
use super::{Files, TlsError};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Some clients refuse certificates that are valid for more than 398 days.
const VALID: Duration = Duration::from_secs(365 * 24 * 3600);

/// What is left of its time is not enough for a session.
const TOO_SHORT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The files of a certificate in `dir` for `localhost`, 127.0.0.1, ::1 and `host`. One that is there and good is kept,
/// so that those who trust it need not be told again.
pub fn self_signed(dir: &Path, host: IpAddr) -> Result<Files, TlsError> {
    let files = Files {
        certificate: dir.join("certificate.pem"),
        key: dir.join("key.pem"),
        client_authorities: None,
    };
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    if !host.is_unspecified() && !names.contains(&host.to_string()) {
        names.push(host.to_string());
    }
    if !is_good(&files, &names) {
        make(&files, names).map_err(|source| TlsError::Make {
            dir: dir.to_owned(),
            source,
        })?;
    }
    Ok(files)
}

fn is_good(files: &Files, names: &[String]) -> bool {
    let names: Option<Vec<ServerName<'_>>> = names
        .iter()
        .map(|name| ServerName::try_from(name.as_str()).ok())
        .collect();
    match (names, Read::new(files)) {
        (Some(names), Ok(read)) => {
            read.config(files).is_ok() && read.vouches_for(&names, TOO_SHORT)
        }
        _ => false,
    }
}

fn make(files: &Files, names: Vec<String>) -> io::Result<()> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "wash dev");
    // Clocks of other machines may be behind.
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + VALID).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    for (path, text, mode) in [
        (&files.key, key.serialize_pem(), FileMode::PRIVATE),
        (&files.certificate, certificate.pem(), FileMode::READABLE),
    ] {
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        write_atomic_with(path, text.as_bytes(), mode, Durability::Synced)?;
    }
    Ok(())
}
