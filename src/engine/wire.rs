//! From a request on the wire to one for a guest, and from a guest's answer to a response on the wire.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderValue, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::Error as HttpError;

use crate::http::{Body, Request, RequestId};

use super::activity::Flight;
use super::body::{Link, ResponseBody};
use super::handler::Guest;
use super::serve::{self, Outcome};

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
        body.map_err(HttpError::from).boxed_unsync(),
    ))
}

pub(super) fn respond(
    outcome: Outcome,
    id: RequestId,
    bodiless: bool,
    link: Link,
    guest: Guest,
    flight: Arc<Flight>,
) -> http::Response<Body> {
    match outcome {
        Ok(response) => {
            let bodiless = bodiless
                || matches!(
                    response.status(),
                    StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
                )
                || response.status().is_informational();
            let promised = response.headers().get(header::CONTENT_LENGTH);
            let promised = promised.and_then(|length| length.to_str().ok()?.parse().ok());
            response.map(|body| {
                ResponseBody::new(body, link, promised, bodiless, guest, flight).boxed_unsync()
            })
        }
        // The guest ended the request itself; it may still have things to do.
        Err(code) => {
            guest.detach();
            link.ended.cancel();
            let reason =
                format!("request {id} failed: the component answered with an error: {code}");
            plain(StatusCode::INTERNAL_SERVER_ERROR, &reason)
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
