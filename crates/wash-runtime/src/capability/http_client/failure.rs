//! Why an outgoing request failed: the error code for the guest, and what the user should know.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use hyper_util::client::legacy;
use rustls::pki_types::InvalidDnsNameError;
use rustls::{AlertDescription, CertificateError};
use wasmtime_wasi_http::Error;

use super::connect::{Full, Local, Unresolved};

pub(super) struct Failure {
    pub(super) code: Error,
    pub(super) trouble: Option<Trouble>,
}

/// What a setting can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No TLS with the server, and why.
    Tls { reason: String, untrusted: bool },
    /// The host is this machine, or on its link, and only `*` or a suffix allows it.
    Local,
    /// As many connections as are allowed were open for as long as a request waits.
    Crowded,
}

impl From<Error> for Failure {
    fn from(code: Error) -> Self {
        Self {
            code,
            trouble: None,
        }
    }
}

/// Of a request that got no response.
pub(super) fn of_request(error: &legacy::Error) -> Failure {
    if let Some(tls) = find::<rustls::Error>(error) {
        return of_tls(tls);
    }
    if find::<Local>(error).is_some() {
        return Failure {
            code: Error::HttpRequestDenied,
            trouble: Some(Trouble::Local),
        };
    }
    if find::<Unresolved>(error).is_some() {
        // As wasmtime's own client says it.
        return dns("address not available").into();
    }
    if find::<InvalidDnsNameError>(error).is_some() {
        return dns("invalid dns name").into();
    }
    let code = match (find::<io::Error>(error), find::<hyper::Error>(error)) {
        (Some(io), _) if error.is_connect() => of_connect(io),
        (_, Some(hyper)) => of_exchange(hyper),
        (Some(_), None) => Error::ConnectionTerminated,
        (None, None) if error.is_connect() => Error::ConnectionRefused,
        (None, None) => Error::HttpProtocolError,
    };
    code.into()
}

/// Of a response that broke off.
pub(super) fn of_body(error: &hyper::Error) -> Error {
    match of_exchange(error) {
        Error::ConnectionTerminated => Error::HttpResponseIncomplete,
        code => code,
    }
}

/// Whether the server ended the connection before it answered.
pub(super) fn is_unanswered(error: &legacy::Error) -> bool {
    let code = find::<hyper::Error>(error).map(of_exchange);
    !error.is_connect() && matches!(code, Some(Error::ConnectionTerminated))
}

/// Whether there was no room for a connection: nothing was sent.
pub(super) fn is_full(error: &legacy::Error) -> bool {
    find::<Full>(error).is_some()
}

fn of_connect(error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::TimedOut => Error::ConnectionTimeout,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Error::DestinationIpUnroutable
        }
        ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => {
            Error::ConnectionTerminated
        }
        _ => Error::ConnectionRefused,
    }
}

fn of_exchange(error: &hyper::Error) -> Error {
    if error.is_timeout() {
        Error::HttpResponseTimeout
    } else if error.is_parse_too_large() {
        Error::HttpResponseHeaderSectionSize(None)
    } else if error.is_incomplete_message()
        || error.is_closed()
        || error.is_canceled()
        || find::<io::Error>(error).is_some()
    {
        Error::ConnectionTerminated
    } else {
        Error::HttpProtocolError
    }
}

fn of_tls(error: &rustls::Error) -> Failure {
    let (code, untrusted) = match error {
        rustls::Error::InvalidCertificate(reason) => (
            Error::TlsCertificateError,
            matches!(reason, CertificateError::UnknownIssuer),
        ),
        rustls::Error::AlertReceived(alert) => (
            Error::TlsAlertReceived {
                alert_id: Some(u8::from(*alert)),
                alert_message: Some(format!("{alert:?}")),
            },
            false,
        ),
        _ => (Error::TlsProtocolError, false),
    };
    let reason = match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by an authority that is not trusted".to_owned()
        }
        rustls::Error::InvalidCertificate(reason) => {
            format!("its certificate is not valid: {reason}")
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it requires a client certificate".to_owned()
        }
        rustls::Error::InvalidMessage(_) => "it does not speak TLS: is it `http://`?".to_owned(),
        other => other.to_string(),
    };
    Failure {
        code,
        trouble: Some(Trouble::Tls { reason, untrusted }),
    }
}

fn dns(rcode: &str) -> Error {
    Error::DnsError {
        rcode: Some(rcode.to_owned()),
        info_code: None,
    }
}

/// Looks through an error and what caused it. An I/O error wraps others without being their effect.
fn find<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().map(io::Error::get_ref) {
            Some(Some(wrapped)) => Some(wrapped),
            _ => error.source(),
        };
    }
    None
}
