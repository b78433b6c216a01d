//! Requests to one registry about one reference, tried again when that may help.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::{ACCEPT, HeaderValue};
use http::{HeaderName, Method};
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
};
use reqwest::Response;

use super::access::Access;
use super::credentials;
use super::credentials::Source;
use super::digest::Digest;
use super::error::{Doing, OciError, Refusal};
use super::failure::Failure;
use super::reference::Reference;
use super::transport::{Call, MAX_MANIFEST_SIZE, Transport, body, successful};

/// How long to wait before each further attempt, unless the registry says how long.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_millis(1_200),
    Duration::from_millis(5_000),
];

/// A registry that wants to be left alone for longer is not waited for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

const MANIFESTS: [&str; 4] = [
    OCI_IMAGE_MEDIA_TYPE,
    OCI_IMAGE_INDEX_MEDIA_TYPE,
    IMAGE_MANIFEST_MEDIA_TYPE,
    IMAGE_MANIFEST_LIST_MEDIA_TYPE,
];

/// The digest of the manifest in an answer, as the registry has it.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

pub(super) struct Session {
    pub(super) transport: Transport,
    pub(super) max_size: u64,
    reference: Reference,
    source: Source,
    doing: Doing,
}

impl Session {
    pub(super) async fn open(
        access: &Access,
        reference: &Reference,
        doing: Doing,
    ) -> Result<Self, OciError> {
        let registry = &reference.registry;
        let credentials =
            credentials::find(registry, access.login(registry), access.timeout).await?;
        // Reads files.
        let (owned, host) = (access.clone(), registry.clone());
        let client = tokio::task::spawn_blocking(move || owned.client(&host)).await;
        let client = client.expect("making a client does not panic")?;
        let source = match credentials.source() {
            Source::Nobody if access.login_withheld => Source::Withheld,
            Source::Nobody if access.login.is_some() => {
                Source::ForAnother(access.login_for.clone().unwrap_or_default())
            }
            source => source,
        };
        let transport = Transport::new(client, access, reference, doing, credentials);
        let transport = transport.map_err(|failure| {
            let (reference, source) = (reference.clone(), source.clone());
            OciError::Registry(Box::new(Refusal {
                doing,
                reference,
                source,
                failure,
                cached: None,
            }))
        })?;
        Ok(Self {
            transport,
            max_size: access.max_size,
            reference: reference.clone(),
            source,
            doing,
        })
    }

    /// Tries until it succeeds, or fails for good.
    pub(super) async fn attempt<'a, T>(
        &'a self,
        request: impl Fn() -> BoxFuture<'a, Result<T, Failure>> + Send,
    ) -> Result<T, OciError> {
        let mut pauses = PAUSES.iter();
        let mut timed_out = false;
        loop {
            let outcome = async {
                self.transport.log_in().await?;
                request().await
            };
            let failure = match outcome.await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            // Whoever said nothing for the whole time is asked once more.
            let may_pass = failure.passes() || failure == Failure::TimedOut && !timed_out;
            timed_out |= failure == Failure::TimedOut;
            let pause = pauses
                .next()
                .map(|pause| failure.retry_after().unwrap_or(*pause));
            match pause {
                Some(pause) if may_pass && pause <= MAX_PAUSE => {
                    tracing::debug!("trying again in {pause:?}: {failure}");
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(self.refusal(failure)),
            }
        }
    }

    pub(super) fn refusal(&self, failure: Failure) -> OciError {
        OciError::Registry(Box::new(Refusal {
            doing: self.doing,
            reference: self.reference.clone(),
            source: self.source.clone(),
            failure,
            cached: None,
        }))
    }

    /// A manifest, by the reference or by the digest of one of its parts, and its digest.
    pub(super) async fn manifest(
        &self,
        digest: Option<&Digest>,
    ) -> Result<(Vec<u8>, Digest), OciError> {
        let pinned = digest.or(self.reference.digest.as_ref());
        let request = || self.read_manifest(pinned).boxed();
        let (bytes, digest) = self.attempt(request).await?;
        Ok((bytes.to_vec(), digest))
    }

    async fn read_manifest(&self, pinned: Option<&Digest>) -> Result<(Bytes, Digest), Failure> {
        let accept = HeaderValue::try_from(MANIFESTS.join(", ")).expect("media types are a header");
        let url = self.transport.url(&format!(
            "manifests/{}",
            match pinned {
                Some(digest) => digest.as_str(),
                None => self.reference.tag(),
            }
        ));
        let call = Call::new(Method::GET, url).header(ACCEPT, accept);
        let answer = successful(self.transport.send(&call).await?).await?;
        let claimed = answer.headers().get(CONTENT_DIGEST);
        let claimed = claimed.and_then(|digest| digest.to_str().ok()?.parse::<Digest>().ok());
        let bytes = body(answer, MAX_MANIFEST_SIZE, "its manifest").await?;
        let expected = pinned.cloned().or(claimed);
        let expected = expected.unwrap_or_else(|| Digest::sha256(&bytes));
        match expected.matches(&bytes) {
            true => Ok((bytes, expected)),
            false => Err(Failure::Digest {
                what: "the manifest",
                found: expected.of_same_kind(&bytes).to_string(),
                expected: expected.to_string(),
            }),
        }
    }

    /// The content of a layer, not verified.
    pub(super) async fn blob(&self, digest: &Digest) -> Result<Response, Failure> {
        let url = self.transport.url(&format!("blobs/{digest}"));
        let answer = self.transport.send(&Call::new(Method::GET, url)).await?;
        successful(answer).await
    }

    pub(super) async fn put_manifest(
        &self,
        media_type: &'static str,
        manifest: Bytes,
    ) -> Result<(), Failure> {
        let url = self
            .transport
            .url(&format!("manifests/{}", self.reference.tag()));
        let media_type = HeaderValue::from_static(media_type);
        let call = Call::new(Method::PUT, url).body(media_type, manifest);
        successful(self.transport.send(&call).await?).await?;
        Ok(())
    }
}
