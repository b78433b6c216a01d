//! Why a server's TLS cannot be set up, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use wash_common::advice::Advice;

use super::Files;

const CERTIFICATE: &str = "dev.tls_cert_path";
const KEY: &str = "dev.tls_key_path";
const AUTHORITIES: &str = "dev.tls_ca_path";

/// Which of the [`Files`] it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Certificate,
    Key,
    Authorities,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("`{}`: cannot read `{}`: {source}", .role.setting(), .path.display())]
    Read {
        role: Role,
        path: PathBuf,
        source: io::Error,
    },
    #[error("`{}`: no {} in `{}`", .role.setting(), .role.wanted(), .path.display())]
    Nothing { role: Role, path: PathBuf },
    #[error("`{KEY}`: the key in `{}` is protected by a passphrase", .path.display())]
    Encrypted { path: PathBuf },
    #[error("`{}`: `{}` cannot be used: {reason}", .role.setting(), .path.display())]
    Unusable {
        role: Role,
        path: PathBuf,
        reason: String,
    },
    #[error(
        "`{KEY}`: the key in `{}` does not belong to the certificate in `{}`",
        .files.key.display(), .files.certificate.display()
    )]
    Mismatch { files: Files },
    #[error("`{CERTIFICATE}`: the certificate in `{}` expired {} ago", .path.display(), days(.ago))]
    Expired { path: PathBuf, ago: Duration },
    #[error(
        "`{CERTIFICATE}`: the certificate in `{}` is not valid yet, for another {}",
        .path.display(), days(.left)
    )]
    NotYet { path: PathBuf, left: Duration },
    #[error("cannot make a certificate in `{}`", .dir.display())]
    Make { dir: PathBuf, source: io::Error },
}

impl Role {
    /// The key of the config.
    fn setting(self) -> &'static str {
        match self {
            Self::Certificate => CERTIFICATE,
            Self::Key => KEY,
            Self::Authorities => AUTHORITIES,
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Certificate | Self::Authorities => "certificate in PEM",
            Self::Key => "private key in PEM",
        }
    }
}

impl Advice for TlsError {
    fn hints(&self) -> Vec<String> {
        self.hint().into_iter().collect()
    }
}

impl TlsError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Encrypted { path } => format!(
                "write it without one: `openssl pkey -in {0} -out {0}.plain`",
                path.display()
            ),
            Self::Mismatch { .. } => format!(
                "name the key that the certificate was made with in `{KEY}`; the server's own certificate comes first \
                 in `{CERTIFICATE}`"
            ),
            Self::Expired { .. } => {
                "have a new one made, or let `wash` make one: `dev.tls: self-signed`".to_owned()
            }
            Self::NotYet { .. } => "check the clock of this machine".to_owned(),
            Self::Nothing {
                role: Role::Authorities,
                ..
            } => {
                format!(
                    "`{AUTHORITIES}` names the authorities that sign the certificates of clients"
                )
            }
            Self::Nothing { .. } | Self::Unusable { .. } => {
                "let `wash` make certificate and key: `dev.tls: self-signed`".to_owned()
            }
            Self::Read { .. } | Self::Make { .. } => return None,
        })
    }
}

fn days(time: &Duration) -> String {
    let hours = time.as_secs() / 3600;
    match (hours / 24, hours) {
        (0, 0) => "less than an hour".to_owned(),
        (0, 1) => "1 hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, _) => "1 day".to_owned(),
        (days, _) => format!("{days} days"),
    }
}
