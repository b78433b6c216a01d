//! How to reach registries: with or without TLS, whom to trust, as whom, how long to wait.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::credentials::{Login, Source};
use super::error::OciError;

const CONNECT: Duration = Duration::from_secs(10);

const USER: &str = "WASH_OCI_USER";
const PASSWORD: &str = "WASH_OCI_PASSWORD";
/// Limits [`USER`] and [`PASSWORD`] to one registry.
const REGISTRY: &str = "WASH_OCI_REGISTRY";
const CA_PATHS: &str = "WASH_OCI_CA_PATHS";

#[derive(Debug, Clone)]
pub struct Access {
    pub scheme: Scheme,
    /// Files with certificates of authorities to trust besides the system's.
    pub ca_paths: Vec<PathBuf>,
    /// `None`: what docker has.
    pub login: Option<Login>,
    /// `login` is for this registry alone.
    pub login_for: Option<String>,
    /// Without a byte for so long, a request has failed.
    pub timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    #[default]
    Https,
    Http,
    /// HTTPS, and HTTP from registries that do not know it.
    Either,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            scheme: Scheme::Https,
            ca_paths: Vec::new(),
            login: None,
            login_for: None,
            timeout: Duration::from_secs(30),
        }
    }
}

impl Access {
    /// What the environment says.
    pub fn from_env() -> Self {
        let text = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let login = text(USER)
            .zip(text(PASSWORD))
            .map(|(user, password)| Login {
                user,
                password,
                source: Source::Environment,
            });
        let paths = env::var_os(CA_PATHS).unwrap_or_default();
        let paths = paths.to_string_lossy();
        let paths = paths
            .split(',')
            .map(str::trim)
            .filter(|path| !path.is_empty());
        Self {
            ca_paths: paths.map(PathBuf::from).collect(),
            login,
            login_for: text(REGISTRY),
            ..Self::default()
        }
    }

    pub(super) fn login(&self, registry: &str) -> Option<&Login> {
        let login = self.login.as_ref();
        login.filter(|_| {
            self.login_for
                .as_deref()
                .is_none_or(|only| only == registry)
        })
    }

    /// Asks with this access; with [`Scheme::Either`] once more without TLS, where the registry does not know it.
    pub(super) async fn ask<T, F>(&self, request: impl Fn(Access) -> F) -> Result<T, OciError>
    where
        F: Future<Output = Result<T, OciError>>,
    {
        match request(self.clone()).await {
            Err(error) if self.scheme == Scheme::Either && error.suggests_plain_http() => {
                request(Access {
                    scheme: Scheme::Http,
                    ..self.clone()
                })
                .await
            }
            outcome => outcome,
        }
    }

    pub(super) fn client(&self) -> Result<oci_client::Client, OciError> {
        let mut certificates = Vec::new();
        for path in &self.ca_paths {
            certificates.extend(authorities(path)?);
        }
        if rustls_native_certs::load_native_certs().certs.is_empty() {
            // A bare machine has none, and then the client refuses to be made, even to do without TLS.
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            certificates.extend(roots.map(certificate));
        }
        let config = ClientConfig {
            protocol: match self.scheme {
                Scheme::Http => ClientProtocol::Http,
                Scheme::Https | Scheme::Either => ClientProtocol::Https,
            },
            extra_root_certificates: certificates,
            connect_timeout: Some(CONNECT.min(self.timeout)),
            read_timeout: Some(self.timeout),
            user_agent: concat!("wash/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        oci_client::Client::try_from(config)
            .map_err(|error| OciError::Connection(error.to_string()))
    }
}

fn authorities(path: &std::path::Path) -> Result<Vec<Certificate>, OciError> {
    let wrong = |reason: String| OciError::Authorities {
        path: path.to_path_buf(),
        reason,
    };
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let read = read.map_err(|error| wrong(error.to_string()))?;
    match read.is_empty() {
        true => Err(wrong("there is no certificate in it".to_string())),
        false => Ok(read.iter().map(certificate).collect()),
    }
}

fn certificate(der: &CertificateDer<'_>) -> Certificate {
    Certificate {
        encoding: CertificateEncoding::Der,
        data: der.to_vec(),
    }
}
