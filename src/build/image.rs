//! A component that is not built but pulled from a registry, through the cache.

use std::path::PathBuf;
use std::time::Instant;

use super::error::BuildError;
use super::{Built, wrap};
use crate::component::{self, Kind, Shape};
use crate::oci::{self, Access, Cache, Scheme, Silent};
use crate::project::Image;

/// Credentials and authorities come from the environment and from docker's config.
pub(super) async fn pull(image: &Image) -> Result<Built, BuildError> {
    let started = Instant::now();
    let mut access = Access::from_env();
    if image.insecure {
        access.scheme = Scheme::Either;
    }
    let cache = Cache::open()?;
    let pulled = oci::pull(&image.reference, image.policy, &access, &cache, &Silent).await?;
    let not_a_component = |reason: String, hint: &str| BuildError::NotAComponent {
        path: PathBuf::from(image.reference.to_string()),
        reason,
        hint: Some(hint.to_string()),
    };
    let bytes = match component::kind(&pulled.bytes) {
        Ok(Kind::CoreModule) => wrap::of_module(&pulled.bytes)
            .map_err(|refusal| not_a_component(refusal.to_string(), refusal.hint()))?,
        _ => pulled.bytes,
    };
    Shape::parse(&bytes).map_err(|error| not_a_component(error.to_string(), error.hint()))?;
    Ok(Built {
        path: cache.path(&pulled.content),
        bytes: bytes.into(),
        elapsed: started.elapsed(),
    })
}
