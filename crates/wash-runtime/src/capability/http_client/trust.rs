//! Whom a member's outgoing HTTPS trusts.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use wash_common::pem;
use wash_common::pem::PemError;

use crate::capability::SettingsError;
use crate::capability::http_client::{HttpClient, TrustRoots};

/// Two that are equal trust the same servers, and may share connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Trust {
    roots: TrustRoots,
    authorities: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Reads the files of the authorities.
    pub(super) fn read(settings: &HttpClient) -> Result<Self, SettingsError> {
        let mut authorities = Vec::new();
        for path in &settings.authorities {
            authorities.extend(certificates(path)?);
        }
        if authorities.is_empty() && settings.roots == TrustRoots::ExtraOnly {
            return Err(SettingsError {
                message: "`http_client_trust_roots: extra-only` trusts no authority without `http_client_ca_paths`".to_owned(),
                hint: Some("name the PEM files of the authorities to trust: `http_client_ca_paths: [ca.pem]`".to_owned()),
            });
        }
        Ok(Self {
            roots: settings.roots,
            authorities,
        })
    }

    pub(super) fn config(&self) -> Result<ClientConfig, SettingsError> {
        let mut store = RootCertStore::empty();
        if matches!(self.roots, TrustRoots::Webpki | TrustRoots::WebpkiAndNative) {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        if matches!(self.roots, TrustRoots::Native | TrustRoots::WebpkiAndNative) {
            let added = add_native(&mut store);
            // Beside others, they are a bonus.
            if self.roots == TrustRoots::Native {
                added?;
            }
        }
        // They were found to be certificates when they were read.
        store.add_parsable_certificates(self.authorities.iter().cloned());
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider serves the default versions");
        Ok(config.with_root_certificates(store).with_no_client_auth())
    }
}

/// The authorities of this machine, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead.
fn add_native(store: &mut RootCertStore) -> Result<(), SettingsError> {
    let native = rustls_native_certs::load_native_certs();
    let (added, _) = store.add_parsable_certificates(native.certs);
    match native.errors.first() {
        _ if added > 0 => Ok(()),
        Some(error) => Err(SettingsError {
            message: format!("`http_client_trust_roots`: the authorities of this machine cannot be read: {error}"),
            hint: Some("`SSL_CERT_FILE` names the file they are in".to_owned()),
        }),
        None => Err(SettingsError {
            message: "`http_client_trust_roots`: this machine has no authorities of its own".to_owned(),
            hint: Some(
                "install them (often the package `ca-certificates`), name their file in `SSL_CERT_FILE`, or use `webpki`"
                    .to_owned(),
            ),
        }),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let fault = |what: String| SettingsError {
        message: format!("`http_client_ca_paths`: {what}"),
        hint: None,
    };
    let path_shown = path.display();
    let found = pem::certificates(path).map_err(|error| {
        fault(match error {
            PemError::Read(error) => format!("cannot read `{path_shown}`: {error}"),
            PemError::Syntax(error) => format!("`{path_shown}` is not PEM: {error}"),
            PemError::NoCertificate => {
                format!("there is no certificate in PEM format in `{path_shown}`")
            }
        })
    })?;
    let mut store = RootCertStore::empty();
    for certificate in &found {
        store.add(certificate.clone()).map_err(|error| {
            fault(format!(
                "a certificate in `{path_shown}` cannot be used: {error}"
            ))
        })?;
    }
    Ok(found)
}
