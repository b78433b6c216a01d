//! Certificates in files of PEM text.

use std::io;
use std::path::Path;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject as _};

use crate::files;

/// Why a file has no certificates for us. The messages are parts of a sentence that names the file.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    #[error("{0}")]
    Read(io::Error),
    #[error("{0}")]
    Syntax(pem::Error),
    #[error("there is no certificate in it")]
    NoCertificate,
}

/// The certificates in a file, of which there is one at least. Keys and whatever else is in it are passed over.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let text = files::read(path).map_err(PemError::Read)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(PemError::NoCertificate),
        found => found.map_err(PemError::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_certificates_are_read() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("ca.pem");
        let section = |kind: &str| format!("-----BEGIN {kind}-----\nAAEC\n-----END {kind}-----\n");
        let [certificate, key] = ["CERTIFICATE", "PRIVATE KEY"].map(section);
        fs::write(&path, format!("# ours\n{certificate}{key}\n{certificate}")).unwrap();
        let found = certificates(&path).unwrap();
        assert_eq!(
            found,
            [CertificateDer::from(vec![0, 1, 2]), vec![0, 1, 2].into()]
        );

        fs::write(&path, key).unwrap();
        assert!(matches!(certificates(&path), Err(PemError::NoCertificate)));
        fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAEC\n").unwrap();
        assert!(matches!(certificates(&path), Err(PemError::Syntax(_))));
        assert!(matches!(certificates(root.path()), Err(PemError::Read(_))));
    }
}
