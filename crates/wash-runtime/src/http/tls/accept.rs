//! The beginning of a connection: the handshake, or an answer for those who did not know that there is one.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use http::header::HOST;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{AlertDescription, CertificateError};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use wash_common::units;

use super::Tls;
use crate::http::{Body, Page, Wants};

/// How long a client may take until the first request can come.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Every TLS connection begins with a record of this type, and no HTTP request does.
pub(in crate::http) const HANDSHAKE: u8 = 22;

/// How a connection begins.
pub(in crate::http) enum Opening {
    Open(Box<TlsStream<TcpStream>>),
    /// The client went away, or was answered already.
    Over,
    /// The reason, for the console.
    Failed(String),
}

pub(in crate::http) async fn open(stream: TcpStream, tls: &Tls) -> Opening {
    let opening = async {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1) if first[0] == HANDSHAKE => handshake(stream, tls).await,
            Ok(1) => {
                explain(stream).await;
                Opening::Over
            }
            _ => Opening::Over,
        }
    };
    match timeout(TIMEOUT, opening).await {
        Ok(opening) => opening,
        Err(_) => Opening::Failed(format!("no handshake within {}", units::duration(TIMEOUT))),
    }
}

async fn handshake(stream: TcpStream, tls: &Tls) -> Opening {
    match TlsAcceptor::from(tls.config()).accept(stream).await {
        Ok(stream) => Opening::Open(Box::new(stream)),
        Err(error) => Opening::Failed(reason(&error)),
    }
}

/// Tells a client that speaks plain HTTP where to go.
async fn explain(stream: TcpStream) {
    let service =
        service_fn(
            |request: Request<Incoming>| async move { Ok::<_, Infallible>(answer(&request)) },
        );
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // It is of no interest how the client takes it.
    let _ = connection.await;
}

fn answer(request: &Request<Incoming>) -> Response<Body> {
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let url = host.map(|host| format!("https://{host}{path}"));
    Page::speaks_https(url.as_deref()).response(Wants::of(request.headers()))
}

/// In one line.
fn reason(error: &io::Error) -> String {
    use rustls::Error;
    let tls = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<Error>());
    match tls {
        Some(Error::NoCertificatesPresented) => {
            "the client shows no certificate, and `dev.tls_ca_path` asks for one".to_owned()
        }
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "the client's certificate is not signed by an authority in `dev.tls_ca_path`".to_owned()
        }
        Some(Error::InvalidCertificate(error)) => format!("the client's certificate: {error}"),
        Some(Error::AlertReceived(
            alert @ (AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired),
        )) => format!("the client does not trust our certificate ({alert:?})"),
        Some(error) => error.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the client closed the connection".to_owned()
        }
        None => error.to_string(),
    }
}
