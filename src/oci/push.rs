//! An artifact into a registry: first its parts, and the manifest that names them last.

use bytes::Bytes;
use futures::{FutureExt as _, stream};
use http::HeaderValue;
use oci_client::errors::OciDistributionError;
use oci_wasm::WASM_MANIFEST_MEDIA_TYPE;

use super::Progress;
use super::access::Access;
use super::artifact::Artifact;
use super::cache::Cache;
use super::digest::Digest;
use super::error::{Doing, OciError};
use super::failure::Failure;
use super::reference::Reference;
use super::session::Session;

/// What some registries take at once, at most.
const PIECE: usize = 4 << 20;

/// What a registry has now.
#[derive(Debug)]
pub struct Pushed {
    pub digest: Digest,
    /// The component was there already.
    pub known: bool,
}

/// Pushes an artifact, and keeps it in the cache as if it had been pulled.
pub async fn push(
    reference: &Reference,
    artifact: &Artifact,
    access: &Access,
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<Pushed, OciError> {
    if reference.digest.is_some() {
        let reference = reference.clone();
        return Err(OciError::PushByDigest { reference });
    }
    let request = |access| async move { to_registry(reference, artifact, &access, progress).await };
    let pushed = access.ask(request).await?;
    cache.write(&artifact.content, &artifact.layer.data)?;
    cache.write(&artifact.digest, &artifact.manifest)?;
    cache.tag(reference, &artifact.digest);
    cache.remember(reference);
    Ok(pushed)
}

async fn to_registry(
    reference: &Reference,
    artifact: &Artifact,
    access: &Access,
    progress: &dyn Progress,
) -> Result<Pushed, OciError> {
    let session = Session::open(access, reference, Doing::Push).await?;
    let of_client = reference.to_client();
    let layer = || {
        let (digest, data) = (&artifact.content, &artifact.layer.data);
        blob(&session, &of_client, digest, data, progress).boxed()
    };
    let known = session.attempt(layer).await;
    progress.end();
    let known = known?;
    let config = || {
        let (digest, data) = (&artifact.config_digest, &artifact.config);
        blob(&session, &of_client, digest, data, &super::Silent).boxed()
    };
    session.attempt(config).await?;
    let manifest = || {
        let media_type = HeaderValue::from_static(WASM_MANIFEST_MEDIA_TYPE);
        let manifest = artifact.manifest.clone();
        let put = session
            .client
            .push_manifest_raw(&of_client, manifest, media_type);
        put.map(|answer| answer.map(drop).map_err(Failure::from))
            .boxed()
    };
    session.attempt(manifest).await?;
    Ok(Pushed {
        digest: artifact.digest.clone(),
        known,
    })
}

/// Whether the registry had it already.
async fn blob(
    session: &Session,
    reference: &oci_client::Reference,
    digest: &Digest,
    data: &Bytes,
    progress: &dyn Progress,
) -> Result<bool, Failure> {
    let there = session.client.blob_exists(reference, digest.as_str());
    match there.await.map_err(Failure::from) {
        Ok(true) => return Ok(true),
        // The answer to a question without a body says little: that to the upload says more.
        Ok(false) | Err(Failure::Rejected(_)) => {}
        Err(failure) => return Err(failure),
    }
    upload(session, reference, digest, data, progress).await?;
    Ok(false)
}

async fn upload(
    session: &Session,
    reference: &oci_client::Reference,
    digest: &Digest,
    data: &Bytes,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    progress.begin(data.len() as u64);
    let mut sent = 0;
    let pieces = (0..data.len()).step_by(PIECE).map(|start| {
        // Whoever asks for a piece has sent those before it.
        progress.advance((start - sent) as u64);
        sent = start;
        Ok(data.slice(start..data.len().min(start + PIECE)))
    });
    let pieces = stream::iter(pieces);
    let streamed = session
        .client
        .push_blob_stream(reference, pieces, digest.as_str());
    match streamed.await {
        Ok(_) => {}
        // It takes nothing in pieces: the client library knows how to go about that.
        Err(OciDistributionError::SpecViolationError(_)) => {
            let whole = session
                .client
                .push_blob(reference, data.clone(), digest.as_str());
            whole.await?;
        }
        Err(error) => return Err(error.into()),
    }
    progress.advance((data.len() - sent) as u64);
    Ok(())
}
