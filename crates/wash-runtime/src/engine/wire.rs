//! From a request on the wire to one for a guest, and from a guest's answer to a response on the wire.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderValue, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use wash_common::advice::causes;
use wash_common::sanitize;
use wasmtime_wasi_http::Error as HttpError;

use super::body::{Link, ResponseBody};
use super::handler::Guest;
use super::serve;
use super::serve::Outcome;
use crate::activity::InFlightGuard;
use crate::http::{Body, Request, RequestBodyError};

/// Turns a request from the wire into one for a guest, which wants to know the host it was sent to.
pub(super) fn accept(request: Request) -> Result<serve::Request, &'static str> {
    let (mut parts, body) = request.into_parts();
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    if uri.authority.is_none() {
        let host = parts
            .headers
            .get(header::HOST)
            .ok_or("the request has no `host` header")?;
        let host = host
            .as_bytes()
            .try_into()
            .map_err(|_| "the `host` header is not a host")?;
        uri.authority = Some(host);
    }
    // The server says what the connection was; what an HTTP/2 client wrote into `:scheme` proves nothing.
    let scheme = parts.extensions.remove::<Scheme>();
    uri.scheme = Some(scheme.unwrap_or(Scheme::HTTP));
    if uri.path_and_query.is_none() {
        uri.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    }
    parts.uri = Uri::from_parts(uri).map_err(|_| "the request's target is not a URI")?;
    Ok(serve::Request::from_parts(
        parts,
        body.map_err(|error| body_error(&error)).boxed_unsync(),
    ))
}

/// What a guest is told when the rest of a request does not come.
fn body_error(error: &RequestBodyError) -> HttpError {
    match error {
        RequestBodyError::Silent(_) => HttpError::ConnectionReadTimeout,
        RequestBodyError::Client(error) if is_broken_off(error) => HttpError::ConnectionTerminated,
        RequestBodyError::Client(_) => HttpError::HttpProtocolError,
    }
}

/// Whether a client went away before the end.
fn is_broken_off(error: &hyper::Error) -> bool {
    use std::io::{self, ErrorKind};
    let is_end = |cause: &io::Error| {
        matches!(
            cause.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
        )
    };
    error.is_incomplete_message()
        || error.is_canceled()
        || error.is_closed()
        || causes(error)
            .filter_map(|cause| cause.downcast_ref())
            .any(is_end)
}

/// The response to a request, or why what the guest answered is none.
pub(super) fn respond(
    outcome: Outcome,
    bodiless: bool,
    link: Link,
    guest: Guest,
    flight: Arc<InFlightGuard>,
) -> Result<http::Response<Body>, String> {
    match outcome {
        Ok(response) if response.status().is_informational() => {
            let status = response.status().as_u16();
            Err(format!(
                "the component answered with status {status}, which cannot be the last answer to a request"
            ))
        }
        Ok(response) => {
            let bodiless = bodiless
                || matches!(
                    response.status(),
                    StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
                );
            let promised = response.headers().get(header::CONTENT_LENGTH);
            let promised = promised.and_then(|length| length.to_str().ok()?.parse().ok());
            Ok(response.map(|body| {
                ResponseBody::new(body, link, promised, bodiless, guest, flight).boxed_unsync()
            }))
        }
        // The guest ended the request itself; it may still have things to do.
        Err(code) => {
            guest.detach();
            link.ended.cancel();
            let code = code.to_string();
            let code = sanitize::guest_line(&sanitize::strip_ansi(&code)).into_owned();
            Err(format!("the component answered with an error: {code}"))
        }
    }
}

pub(super) fn plain(status: StatusCode, text: &str) -> http::Response<Body> {
    let body = Full::new(Bytes::from(format!("{text}\n"))).map_err(|never| match never {});
    let mut response = http::Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
