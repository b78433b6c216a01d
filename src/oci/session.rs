//! Requests to one registry about one reference, tried again when that may help.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use oci_client::client::SizedStream;
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE};
use oci_client::manifest::{OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor};
use oci_client::{Client, RegistryOperation};

use super::access::Access;
use super::credentials::{self, Credentials};
use super::digest::Digest;
use super::error::{Doing, OciError, Refusal};
use super::failure::Failure;
use super::reference::Reference;

/// How long to wait before each further attempt.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_millis(1_200),
    Duration::from_millis(5_000),
];

const MANIFESTS: &[&str] = &[
    OCI_IMAGE_MEDIA_TYPE,
    OCI_IMAGE_INDEX_MEDIA_TYPE,
    IMAGE_MANIFEST_MEDIA_TYPE,
    IMAGE_MANIFEST_LIST_MEDIA_TYPE,
];

pub(super) struct Session {
    pub(super) client: Client,
    reference: Reference,
    credentials: Credentials,
    doing: Doing,
}

impl Session {
    pub(super) async fn open(
        access: &Access,
        reference: &Reference,
        doing: Doing,
    ) -> Result<Self, OciError> {
        let (access, registry) = (access.clone(), reference.registry.clone());
        // Reads files, and runs docker's helpers.
        let prepare = move || {
            let credentials = credentials::find(&registry, access.login(&registry))?;
            Ok((access.client()?, credentials))
        };
        let prepared = tokio::task::spawn_blocking(prepare).await;
        let (client, credentials) = prepared.expect("preparing does not panic")?;
        Ok(Self {
            client,
            reference: reference.clone(),
            credentials,
            doing,
        })
    }

    /// Proves who we are. The client library would leave out what was wrong with that.
    async fn authenticate(&self) -> Result<(), Failure> {
        let operation = match self.doing {
            Doing::Push => RegistryOperation::Push,
            Doing::Pull => RegistryOperation::Pull,
        };
        let reference = self.reference.to_client();
        let outcome = self
            .client
            .auth(&reference, &self.credentials.auth, operation)
            .await;
        outcome.map(drop).map_err(Failure::from)
    }

    /// Tries until it succeeds, or fails for good.
    pub(super) async fn attempt<'a, T>(
        &'a self,
        request: impl Fn() -> BoxFuture<'a, Result<T, Failure>> + Send,
    ) -> Result<T, OciError> {
        let mut pauses = PAUSES.iter();
        loop {
            let outcome = async {
                self.authenticate().await?;
                request().await
            };
            let failure = match outcome.await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            match pauses.next() {
                Some(pause) if failure.passes() => {
                    tracing::debug!("trying again in {pause:?}: {failure}");
                    tokio::time::sleep(*pause).await;
                }
                _ => return Err(self.refusal(failure)),
            }
        }
    }

    pub(super) fn refusal(&self, failure: Failure) -> OciError {
        OciError::Registry(Box::new(Refusal {
            doing: self.doing,
            reference: self.reference.clone(),
            source: self.credentials.source.clone(),
            failure,
            cached: None,
        }))
    }

    /// A manifest, by the reference or by the digest of one of its parts, and its digest.
    pub(super) async fn manifest(
        &self,
        digest: Option<&Digest>,
    ) -> Result<(Vec<u8>, Digest), OciError> {
        let reference = match digest {
            Some(digest) => self.reference.pinned(digest),
            None => self.reference.clone(),
        };
        let of_client = reference.to_client();
        let request = || {
            let auth = &self.credentials.auth;
            let pulled = self.client.pull_manifest_raw(&of_client, auth, MANIFESTS);
            pulled.map(|answer| answer.map_err(Failure::from)).boxed()
        };
        let (bytes, said) = self.attempt(request).await?;
        let digest = match said.parse::<Digest>() {
            Ok(digest) if digest.matches(&bytes) => digest,
            _ => Digest::sha256(&bytes),
        };
        Ok((bytes.to_vec(), digest))
    }

    pub(super) async fn blob(&self, layer: &OciDescriptor) -> Result<SizedStream, Failure> {
        let reference = self.reference.to_client();
        let answer = self.client.pull_blob_stream(&reference, layer).await;
        answer.map_err(|error| match error {
            OciDistributionError::DigestError(error) => Failure::Protocol(error.to_string()),
            error => error.into(),
        })
    }
}
