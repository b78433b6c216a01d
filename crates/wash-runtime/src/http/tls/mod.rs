//! TLS for the server: the certificate it shows, and the authorities whose clients it lets in.
//!
//! What a server shows can be replaced while it runs; connections that are there keep what they began with. The files
//! are the user's ([`Files`]) or made by [`self_signed()`].

mod accept;
mod error;
mod files;
mod self_signed;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;

pub(super) use accept::{HANDSHAKE, Opening, open};
pub use error::TlsError;
pub use self_signed::self_signed;

/// The files that a server's TLS is made of, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The server's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// When given, a client must show a certificate that one of these authorities has signed.
    pub client_authorities: Option<PathBuf>,
}

/// What a server shows and asks for. A clone is the same.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Loaded>>);

/// TLS settings, and the bytes they were read from.
struct Loaded {
    config: Arc<ServerConfig>,
    read: files::Read,
}

impl Tls {
    pub fn load(files: &Files) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(RwLock::new(Loaded::new(files)?))))
    }

    /// Reads the files again, which may be others. Returns whether they say something new; when they cannot be used,
    /// what was there before stays.
    pub fn reload(&self, files: &Files) -> Result<bool, TlsError> {
        let loaded = Loaded::new(files)?;
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.read != loaded.read;
        if changed {
            *current = loaded;
        }
        Ok(changed)
    }

    fn config(&self) -> Arc<ServerConfig> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.config)
    }
}

impl Loaded {
    fn new(files: &Files) -> Result<Self, TlsError> {
        let read = files::Read::new(files)?;
        Ok(Self {
            config: Arc::new(read.config(files)?),
            read,
        })
    }
}

/// Named wherever TLS is set up: of all crates in the tree, each may bring its own idea of a default.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
