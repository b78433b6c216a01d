//! A blob into a registry, in one of the ways that the distribution specification has, and that registries accept.
//!
//! What is small goes in one request. What is large goes in pieces, which some registries limit in size, some do not take
//! at all, and some take without keeping more than the last: then it is sent whole.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use http::{HeaderValue, Method, StatusCode};
use reqwest::Response;
use url::Url;

use super::Progress;
use super::digest::Digest;
use super::failure::Failure;
use super::transport::{Call, Transport, successful};

/// What some registries take at once, at most.
const PIECE: usize = 4 << 20;

/// A registry that wants larger pieces says so.
const MIN_LENGTH: &str = "oci-chunk-min-length";

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The size of a blob that the registry has; `None` if it has none. A registry need not tell the size.
pub(super) async fn blob_size(
    transport: &Transport,
    digest: &Digest,
) -> Result<Option<Option<u64>>, Failure> {
    let url = transport.url(&format!("blobs/{digest}"));
    let answer = transport.send(&Call::new(Method::HEAD, url)).await?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let answer = successful(answer).await?;
    let size = answer.headers().get(CONTENT_LENGTH);
    let size = size.and_then(|size| size.to_str().ok()?.parse().ok());
    Ok(Some(size))
}

pub(super) async fn upload(
    transport: &Transport,
    digest: &Digest,
    data: &Bytes,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    if data.len() > PIECE {
        progress.begin(data.len() as u64);
        match in_pieces(transport, digest, data, progress).await {
            Ok(true) => return Ok(()),
            Ok(false) => tracing::debug!("the registry did not store all chunks"),
            // They say that they do not take pieces in many ways.
            Err(
                refusal @ (Failure::Rejected(_)
                | Failure::Protocol(_)
                | Failure::NotFound
                | Failure::Server { code: 501, .. }),
            ) => tracing::debug!("the registry does not accept uploads in chunks: {refusal}"),
            Err(failure) => return Err(failure),
        }
    }
    progress.begin(data.len() as u64);
    whole(transport, digest, data).await?;
    progress.advance(data.len() as u64);
    Ok(())
}

/// Opens an upload.
async fn begin(transport: &Transport) -> Result<Response, Failure> {
    let call = Call::new(Method::POST, transport.url("blobs/uploads/"));
    successful(transport.send(&call).await?).await
}

async fn whole(transport: &Transport, digest: &Digest, data: &Bytes) -> Result<(), Failure> {
    let begun = begin(transport).await?;
    let url = finish_at(transport.location(&begun)?, digest);
    let call = Call::new(Method::PUT, url).body(OCTETS, data.clone());
    successful(transport.send(&call).await?).await?;
    Ok(())
}

/// Whether the registry has all of it afterwards.
async fn in_pieces(
    transport: &Transport,
    digest: &Digest,
    data: &Bytes,
    progress: &dyn Progress,
) -> Result<bool, Failure> {
    let begun = begin(transport).await?;
    let at_least = begun.headers().get(MIN_LENGTH);
    let at_least = at_least.and_then(|length| length.to_str().ok()?.parse().ok());
    let piece = PIECE.max(at_least.unwrap_or(0));
    let mut url = transport.location(&begun)?;
    let mut sent = 0;
    while sent < data.len() {
        let end = data.len().min(sent + piece);
        let range = HeaderValue::try_from(format!("{sent}-{}", end - 1))
            .expect("numbers and a hyphen are a header");
        let call = Call::new(Method::PATCH, url)
            .body(OCTETS, data.slice(sent..end))
            .header(CONTENT_RANGE, range);
        let answer = successful(transport.send(&call).await?).await?;
        if kept(&answer).is_some_and(|kept| kept != end as u64) {
            return Ok(false);
        }
        url = transport.location(&answer)?;
        progress.advance((end - sent) as u64);
        sent = end;
    }
    let call = Call::new(Method::PUT, finish_at(url, digest));
    successful(transport.send(&call).await?).await?;
    let size = blob_size(transport, digest).await?;
    Ok(size.is_some_and(|size| size.is_none_or(|size| size == data.len() as u64)))
}

/// How many bytes a registry says that an upload has so far.
fn kept(answer: &Response) -> Option<u64> {
    let range = answer.headers().get(RANGE)?.to_str().ok()?;
    let range = range.trim_start_matches("bytes=");
    let (_, last) = range.split_once('-')?;
    last.trim().parse::<u64>().ok()?.checked_add(1)
}

fn finish_at(mut url: Url, digest: &Digest) -> Url {
    url.query_pairs_mut().append_pair("digest", digest.as_str());
    url
}
