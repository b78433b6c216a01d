//! What can go wrong between us and a registry: told apart, with what may be tried again and what to do about it.

use std::error::Error;
use std::io;

use oci_client::errors::{DigestError, OciDistributionError, OciEnvelope, OciErrorCode};

use crate::report::Fault;

/// How a request ended that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the registry asks for other credentials (401){}", said(.0))]
    Unauthorized(String),
    #[error("the registry does not allow it (403){}", said(.0))]
    Forbidden(String),
    #[error("the registry has no such repository, tag or digest (404)")]
    NotFound,
    #[error("the registry gets too many requests (429){}", said(.0))]
    TooMany(String),
    #[error("the registry failed ({code}){}", said(.message))]
    Server { code: u16, message: String },
    #[error("the registry rejects the request{}", said(.0))]
    Rejected(String),
    #[error("nobody listens there (connection refused)")]
    Refused,
    #[error("the host cannot be reached: {0}")]
    Unreachable(String),
    #[error("the registry does not speak TLS")]
    NoTls,
    #[error("the registry speaks TLS, and was asked without")]
    OnlyTls,
    #[error("its certificate is not trusted: {0}")]
    Certificate(String),
    #[error("no answer in time")]
    TimedOut,
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("{what} is not what its digest says: expected `{expected}`, received `{found}`")]
    Digest {
        what: &'static str,
        expected: String,
        found: String,
    },
    #[error(
        "the component has another size than its manifest says: expected {expected} bytes, received {found}"
    )]
    Size { expected: u64, found: String },
    #[error("its manifest makes no sense: {0}")]
    Manifest(String),
    #[error("there is no WebAssembly in it: {}", .found.join(", "))]
    NoWasm {
        /// The media types of what there is.
        found: Vec<String>,
    },
    #[error("the registry keeps to no standard: {0}")]
    Protocol(String),
}

fn said(message: &str) -> String {
    match message.trim() {
        "" => String::new(),
        message => format!(": {message}"),
    }
}

impl Failure {
    /// A name that is wrong is the user's; everything else lies between the registry and us.
    pub(super) fn fault(&self) -> Fault {
        match self {
            Failure::NotFound | Failure::NoWasm { .. } => Fault::Input,
            _ => Fault::Environment,
        }
    }

    /// Whether the same request may succeed in a moment.
    pub(super) fn passes(&self) -> bool {
        match self {
            Failure::TooMany(_) | Failure::Broken(_) => true,
            // 501 and 505 are final.
            Failure::Server { code, .. } => !matches!(code, 501 | 505),
            _ => false,
        }
    }
}

impl From<OciDistributionError> for Failure {
    fn from(error: OciDistributionError) -> Self {
        use OciDistributionError as E;
        match error {
            E::UnauthorizedError { .. } => Failure::Unauthorized(String::new()),
            E::AuthenticationFailure(message) => Failure::Unauthorized(words(&message)),
            E::ImageManifestNotFoundError(_) => Failure::NotFound,
            E::RegistryError { envelope, .. } => of_envelope(&envelope),
            E::ServerError { code, message, .. } => of_status(code, &message),
            E::DigestError(error) => of_digest(error, "the manifest"),
            E::IoError(error) => of_chain(&error),
            E::RequestError(error) => match error.status() {
                Some(status) => of_status(status.as_u16(), ""),
                None if error.is_timeout() => Failure::TimedOut,
                None => match of_chain(&error) {
                    // Nobody has heard what was to be said.
                    Failure::Broken(reason) if error.is_connect() => Failure::Unreachable(reason),
                    failure => failure,
                },
            },
            other => Failure::Protocol(other.to_string()),
        }
    }
}

/// What the client library found out while it verified what it read.
fn of_digest(error: DigestError, what: &'static str) -> Failure {
    match error {
        DigestError::VerificationError { expected, actual } => Failure::Digest {
            what,
            expected,
            found: actual,
        },
        other => Failure::Protocol(other.to_string()),
    }
}

fn of_status(code: u16, body: &str) -> Failure {
    let message = words(body);
    match code {
        400 if body.contains("HTTP request to an HTTPS server") => Failure::OnlyTls,
        401 => Failure::Unauthorized(message),
        403 => Failure::Forbidden(message),
        404 => Failure::NotFound,
        429 => Failure::TooMany(message),
        408 | 500.. => Failure::Server { code, message },
        _ => Failure::Rejected(format!("{code} {message}").trim().to_string()),
    }
}

fn of_envelope(envelope: &OciEnvelope) -> Failure {
    let message = sentences(envelope);
    match envelope.errors.first().map(|error| &error.code) {
        Some(OciErrorCode::Unauthorized) => Failure::Unauthorized(message),
        Some(OciErrorCode::Denied) => Failure::Forbidden(message),
        Some(OciErrorCode::Toomanyrequests) => Failure::TooMany(message),
        Some(
            OciErrorCode::ManifestUnknown
            | OciErrorCode::NameUnknown
            | OciErrorCode::NotFound
            | OciErrorCode::BlobUnknown,
        ) => Failure::NotFound,
        _ => Failure::Rejected(message),
    }
}

fn sentences(envelope: &OciEnvelope) -> String {
    let messages = envelope.errors.iter().map(|error| error.message.trim());
    let messages: Vec<_> = messages.filter(|message| !message.is_empty()).collect();
    messages.join("; ")
}

/// What a body says, so far as it is meant for people: the messages of the standard's JSON, or a line of text.
fn words(body: &str) -> String {
    if let Ok(envelope) = serde_json::from_str::<OciEnvelope>(body) {
        return sentences(&envelope);
    }
    let line = body.lines().next().unwrap_or_default().trim();
    let is_markup = line.starts_with(['<', '{', '[']);
    match is_markup || line.chars().any(char::is_control) {
        true => String::new(),
        false => line.chars().take(200).collect(),
    }
}

/// The innermost reasons decide.
fn of_chain(error: &(dyn Error + 'static)) -> Failure {
    let mut reason = error.to_string();
    let mut next = Some(error);
    while let Some(error) = next {
        reason = error.to_string();
        if let Some(error) = error.downcast_ref::<DigestError>() {
            if let DigestError::VerificationError { expected, actual } = error {
                return Failure::Digest {
                    what: "the component",
                    expected: expected.clone(),
                    found: actual.clone(),
                };
            }
            return Failure::Protocol(reason);
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return of_tls(error);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::ConnectionRefused => return Failure::Refused,
                io::ErrorKind::TimedOut => return Failure::TimedOut,
                _ => {}
            }
            // The cause of an `io::Error` is the cause of what it wraps, which would be skipped.
            if let Some(inner) = error.get_ref() {
                next = Some(inner);
                continue;
            }
        }
        next = error.source();
    }
    Failure::Broken(reason)
}

fn of_tls(error: &rustls::Error) -> Failure {
    match error {
        rustls::Error::InvalidMessage(_) => Failure::NoTls,
        rustls::Error::InvalidCertificate(reason) => {
            use rustls::CertificateError as C;
            Failure::Certificate(match reason {
                C::UnknownIssuer => "it was signed by an unknown authority".to_string(),
                C::Expired | C::ExpiredContext { .. } => "it has expired".to_string(),
                C::NotValidForName | C::NotValidForNameContext { .. } => {
                    "it was made for another name".to_string()
                }
                other => other.to_string(),
            })
        }
        other => Failure::Broken(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16, message: &str) -> Failure {
        OciDistributionError::ServerError {
            code,
            url: "https://r.io/v2/".to_string(),
            message: message.to_string(),
        }
        .into()
    }

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(server(401, "<html>"), Failure::Unauthorized(String::new()));
        assert_eq!(server(404, ""), Failure::NotFound);
        assert_eq!(
            server(400, "Client sent an HTTP request to an HTTPS server.\n"),
            Failure::OnlyTls
        );
        let denied = r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#;
        assert_eq!(
            server(403, denied),
            Failure::Forbidden("not yours".to_string())
        );
        assert_eq!(
            server(429, "slow down").to_string(),
            "the registry gets too many requests (429): slow down"
        );
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in [500, 502, 503, 504, 429, 408] {
            assert!(server(code, "").passes(), "{code}");
        }
        for code in [400, 401, 403, 404, 413, 501] {
            assert!(!server(code, "").passes(), "{code}");
        }
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(Failure::from(OciDistributionError::IoError(reset)).passes());
        let wrong = io::Error::other(DigestError::VerificationError {
            expected: "sha256:a".to_string(),
            actual: "sha256:b".to_string(),
        });
        assert!(!Failure::from(OciDistributionError::IoError(wrong)).passes());
    }
}
