//! An artifact into a registry: first its parts, and the manifest that names them last.

use bytes::Bytes;
use futures::FutureExt as _;
use oci_wasm::WASM_MANIFEST_MEDIA_TYPE;

use super::access::Access;
use super::artifact::Artifact;
use super::cache::Cache;
use super::digest::Digest;
use super::error::{Doing, OciError};
use super::failure::Failure;
use super::reference::Reference;
use super::session::Session;
use super::{Progress, upload};

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
    let layer = || {
        let (digest, data) = (&artifact.content, &artifact.layer.data);
        blob(&session, digest, data, progress).boxed()
    };
    let known = session.attempt(layer).await;
    progress.end();
    let known = known?;
    let config = || {
        let (digest, data) = (&artifact.config_digest, &artifact.config);
        blob(&session, digest, data, &super::Silent).boxed()
    };
    session.attempt(config).await?;
    let manifest = || {
        let manifest = artifact.manifest.clone().into();
        session
            .put_manifest(WASM_MANIFEST_MEDIA_TYPE, manifest)
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
    digest: &Digest,
    data: &Bytes,
    progress: &dyn Progress,
) -> Result<bool, Failure> {
    match upload::blob_size(&session.transport, digest).await {
        Ok(Some(_)) => return Ok(true),
        // The answer to a question without a body says little: that to the upload says more.
        Ok(None) | Err(Failure::Rejected(_)) => {}
        Err(failure) => return Err(failure),
    }
    upload::upload(&session.transport, digest, data, progress).await?;
    Ok(false)
}
