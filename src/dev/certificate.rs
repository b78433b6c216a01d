//! The certificate that a session's server shows.

use std::net::SocketAddr;

use wash_runtime::http::tls;
use wash_runtime::http::tls::{Files, Tls, TlsError};

use super::storage::Storage;
use crate::project::{Certificate, Project};

/// The files that the project asks for, made if need be; `None` when it asks for plain HTTP.
pub fn files(
    project: &Project,
    storage: &Storage,
    address: SocketAddr,
) -> Result<Option<Files>, TlsError> {
    let Some(wanted) = &project.dev.tls else {
        return Ok(None);
    };
    let files = match &wanted.certificate {
        Certificate::SelfSigned => {
            let dir = storage.directory().join("tls");
            storage.make().map_err(|source| TlsError::Make {
                dir: dir.clone(),
                source,
            })?;
            tls::self_signed(&dir, address.ip())?
        }
        Certificate::Files { certificate, key } => Files {
            certificate: certificate.clone(),
            key: key.clone(),
            client_authorities: None,
        },
    };
    Ok(Some(Files {
        client_authorities: wanted.client_authorities.clone(),
        ..files
    }))
}

/// Reads the certificate again, after an edit of the config or of its files. Returns whether there is a new one.
/// Whether there is TLS at all is decided when the server starts.
pub(super) fn reload(
    tls: &Tls,
    project: &Project,
    storage: &Storage,
    address: SocketAddr,
) -> Result<bool, TlsError> {
    match files(project, storage, address)? {
        Some(files) => tls.reload(&files),
        None => Ok(false),
    }
}

/// How to have a certificate trusted that nobody knows: for the terminal.
pub fn advice(project: &Project, files: &Files, url: &str) -> Option<String> {
    match project.dev.tls.as_ref()?.certificate {
        Certificate::Files { .. } => None,
        Certificate::SelfSigned => {
            let path = files.certificate.display();
            Some(format!(
                "the certificate is self-signed; to trust it: `curl --cacert {path} {url}`, or import {path}"
            ))
        }
    }
}
