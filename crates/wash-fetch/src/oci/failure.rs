//! What can go wrong between us and a registry: told apart, with what may be tried again and what to do about it.

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use oci_client::errors::{OciEnvelope, OciErrorCode};
use wash_common::advice;
use wash_common::advice::ErrorClass;

/// How a request ended that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the registry requires other credentials (401){}", said(.0))]
    Unauthorized(String),
    #[error("the registry denies access (403){}", said(.0))]
    Forbidden(String),
    #[error("the registry has no such repository, tag or digest (404)")]
    NotFound,
    #[error("too many requests to the registry (429){}", said(.message))]
    TooMany {
        message: String,
        /// How long the registry wants to be left alone.
        retry_after: Option<Duration>,
    },
    #[error("the registry failed ({code}){}", said(.message))]
    Server {
        code: u16,
        message: String,
        retry_after: Option<Duration>,
    },
    #[error("the registry rejects the request{}", said(.0))]
    Rejected(String),
    #[error("nothing listens there (connection refused)")]
    Refused,
    #[error("the proxy `{0}` refuses the connection")]
    Proxy(String),
    #[error("the host cannot be reached: {0}")]
    Unreachable(String),
    #[error("the registry does not speak TLS")]
    NoTls,
    #[error("the registry requires TLS")]
    OnlyTls,
    #[error("its certificate is not trusted: {0}")]
    Certificate(String),
    #[error("no answer in time")]
    TimedOut,
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("{what} does not match its digest: expected `{expected}`, received `{found}`")]
    Digest {
        what: &'static str,
        expected: String,
        found: String,
    },
    #[error(
        "the size of the component does not match its manifest: expected {expected} bytes, received {found}"
    )]
    Size { expected: u64, found: String },
    #[error("{what} is larger than {limit} bytes")]
    TooLarge { what: &'static str, limit: u64 },
    #[error("its manifest is not valid: {0}")]
    Manifest(String),
    #[error("it contains no WebAssembly{}", said(&.found.join(", ")))]
    NoWasm {
        /// The media types of what there is.
        found: Vec<String>,
    },
    #[error("{0} of its layers are WebAssembly, expected one")]
    SeveralComponents(usize),
    #[error("the registry does not follow the OCI specification: {0}")]
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
    pub(super) fn fault(&self) -> ErrorClass {
        match self {
            Failure::NotFound | Failure::NoWasm { .. } | Failure::SeveralComponents(_) => {
                ErrorClass::Input
            }
            _ => ErrorClass::Environment,
        }
    }

    /// How long the registry wants to be left alone, if it said so.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::TooMany { retry_after, .. } | Failure::Server { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// What an answer means that is no success.
    pub(super) fn of_status(code: u16, body: &str, retry_after: Option<Duration>) -> Self {
        let message = words(body);
        match code {
            400 if PLAIN_HTTP_TO_TLS.iter().any(|text| body.contains(text)) => Failure::OnlyTls,
            401 => Failure::Unauthorized(message),
            403 => Failure::Forbidden(message),
            404 => Failure::NotFound,
            429 => Failure::TooMany {
                message,
                retry_after,
            },
            408 | 500.. => Failure::Server {
                code,
                message,
                retry_after,
            },
            _ => match serde_json::from_str::<OciEnvelope>(body) {
                Ok(envelope) if !envelope.errors.is_empty() => of_envelope(&envelope),
                _ => Failure::Rejected(format!("{code} {message}").trim().to_string()),
            },
        }
    }

    /// Whether the same request may succeed in a moment.
    pub(super) fn passes(&self) -> bool {
        match self {
            Failure::TooMany { .. } | Failure::Broken(_) => true,
            // 501 and 505 are final.
            Failure::Server { code, .. } => !matches!(code, 501 | 505),
            _ => false,
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Failure::TimedOut;
        }
        if error.is_redirect() {
            let cause = advice::causes(&error).last();
            let reason = cause.map_or_else(|| error.to_string(), ToString::to_string);
            return Failure::Protocol(reason);
        }
        match of_chain(&error) {
            // Nobody has heard what was to be said.
            Failure::Broken(reason) if error.is_connect() => Failure::Unreachable(reason),
            failure => failure,
        }
    }
}

/// How long an answer asks to wait before the next request: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    let date = SystemTime::from(date);
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// What web servers say to plain HTTP on a port that speaks TLS: Go's and nginx's.
const PLAIN_HTTP_TO_TLS: [&str; 2] = [
    "HTTP request to an HTTPS server",
    "plain HTTP request was sent to HTTPS port",
];

fn of_envelope(envelope: &OciEnvelope) -> Failure {
    let message = sentences(envelope);
    match envelope.errors.first().map(|error| &error.code) {
        Some(OciErrorCode::Unauthorized) => Failure::Unauthorized(message),
        Some(OciErrorCode::Denied) => Failure::Forbidden(message),
        Some(OciErrorCode::Toomanyrequests) => Failure::TooMany {
            message,
            retry_after: None,
        },
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
    // Each in one line: what follows in another would look like ours.
    let in_one_line = |message: &str| message.split_whitespace().collect::<Vec<_>>().join(" ");
    let messages: Vec<_> = messages
        .filter(|message| !message.is_empty())
        .map(in_one_line)
        .collect();
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
        Failure::of_status(code, message, None)
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
        let lines = r#"{"errors":[{"code":"DENIED","message":"no\n\nhint: run this"}]}"#;
        assert_eq!(
            server(403, lines),
            Failure::Forbidden("no hint: run this".to_string())
        );
        assert_eq!(
            server(429, "slow down").to_string(),
            "too many requests to the registry (429): slow down"
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
        assert!(of_chain(&reset).passes());
    }

    #[test]
    fn plain_http_is_recognized_by_what_servers_say() {
        for body in [
            "Client sent an HTTP request to an HTTPS server.\n",
            "<html>\n<title>400 The plain HTTP request was sent to HTTPS port</title>",
        ] {
            assert_eq!(server(400, body), Failure::OnlyTls);
        }
        let rejected = Failure::Rejected("400 no".to_string());
        assert_eq!(server(400, "no"), rejected);
    }

    #[test]
    fn the_time_to_wait_is_read() {
        let wait = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(wait("4"), Some(Duration::from_secs(4)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }
}
