//! From PEM files to TLS settings.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, RootCertStore, ServerConfig};
use wash_common::pem::PemError;

use super::error::Role;
use super::{Files, TlsError, provider};

/// What the files hold.
#[derive(PartialEq)]
pub(super) struct Read {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    client_authorities: Option<Vec<CertificateDer<'static>>>,
}

impl Read {
    pub(super) fn new(files: &Files) -> Result<Self, TlsError> {
        let authorities = files.client_authorities.as_deref();
        Ok(Self {
            chain: certificates(&files.certificate, Role::Certificate)?,
            key: key(&files.key)?,
            client_authorities: authorities
                .map(|path| certificates(path, Role::Authorities))
                .transpose()?,
        })
    }

    /// TLS 1.2 and 1.3, for HTTP/2 and HTTP/1.1. `files` is for the messages.
    pub(super) fn config(&self, files: &Files) -> Result<ServerConfig, TlsError> {
        let provider = provider();
        let own = CertifiedKey::from_der(self.chain.clone(), self.key.clone_key(), &provider);
        let own = own.map_err(|error| match error {
            Error::InconsistentKeys(_) => TlsError::Mismatch {
                files: files.clone(),
            },
            Error::InvalidCertificate(_) => unusable(Role::Certificate, &files.certificate, &error),
            _ => unusable(Role::Key, &files.key, &error),
        })?;
        check_dates(&self.chain[0], &files.certificate)?;

        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider serves the default versions");
        let builder = match (&self.client_authorities, &files.client_authorities) {
            (Some(authorities), Some(path)) => {
                let wrong =
                    |reason: &dyn std::fmt::Display| unusable(Role::Authorities, path, reason);
                let mut roots = RootCertStore::empty();
                for authority in authorities {
                    roots
                        .add(authority.clone())
                        .map_err(|error| wrong(&error))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(&error))?)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config =
            builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(own)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Whether the certificate vouches for all the names for a while, by its own signature.
    pub(super) fn vouches_for(&self, names: &[ServerName<'_>], at_least: Duration) -> bool {
        let end = UnixTime::since_unix_epoch(now() + at_least);
        let mut roots = RootCertStore::empty();
        if roots.add(self.chain[0].clone()).is_err() {
            return false;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots.into(), provider()).build();
        verifier.is_ok_and(|verifier| {
            names.iter().all(|name| {
                verifier
                    .verify_server_cert(&self.chain[0], &[], name, &[], end)
                    .is_ok()
            })
        })
    }
}

fn certificates(path: &Path, role: Role) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    wash_common::pem::certificates(path).map_err(|error| match error {
        PemError::Read(source) => unreadable(role, path, source),
        PemError::Syntax(error) => unusable(role, path, &error),
        PemError::NoCertificate => TlsError::Nothing {
            role,
            path: path.to_owned(),
        },
    })
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text =
        wash_common::files::read(path).map_err(|source| unreadable(Role::Key, path, source))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let path = path.to_owned();
        let protected = String::from_utf8_lossy(&text).contains("ENCRYPTED");
        match error {
            _ if protected => TlsError::Encrypted { path },
            pem::Error::NoItemsFound => TlsError::Nothing {
                role: Role::Key,
                path,
            },
            error => unusable(Role::Key, &path, &error),
        }
    })
}

fn unreadable(role: Role, path: &Path, source: io::Error) -> TlsError {
    TlsError::Read {
        role,
        path: path.to_owned(),
        source,
    }
}

/// A server that shows a certificate out of its time is refused by every client.
fn check_dates(certificate: &CertificateDer<'_>, path: &Path) -> Result<(), TlsError> {
    // Its dates are looked at first of all, so it does not matter by whom it is signed and for which name.
    let anybody = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.into(),
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(anybody.into(), provider())
        .build()
        .expect("there are roots");
    let name = ServerName::try_from("localhost").expect("a name");
    let now = now();
    let outcome = verifier.verify_server_cert(
        certificate,
        &[],
        &name,
        &[],
        UnixTime::since_unix_epoch(now),
    );
    let since = |time: UnixTime| Duration::from_secs(time.as_secs());
    let path = path.to_owned();
    match outcome {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            let ago = now.saturating_sub(since(not_after));
            Err(TlsError::Expired { path, ago })
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before, ..
        })) => {
            let left = since(not_before).saturating_sub(now);
            Err(TlsError::NotYet { path, left })
        }
        _ => Ok(()),
    }
}

fn now() -> Duration {
    Duration::from_secs(UnixTime::now().as_secs())
}

fn unusable(role: Role, path: &Path, reason: &(impl std::fmt::Display + ?Sized)) -> TlsError {
    TlsError::Unusable {
        role,
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
