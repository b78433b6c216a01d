//! From a reference to verified bytes: out of the cache where that is enough, else from the registry.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

use futures::FutureExt as _;
use wash_common::atomic::AtomicFile;

use super::access::Access;
use super::cache::Cache;
use super::digest::Digest;
use super::error::{Doing, OciError};
use super::failure::Failure;
use super::layout::{Layer, Leads};
use super::reference::Reference;
use super::session::Session;
use super::{Progress, layout};

/// An index may name a manifest; more than that is a riddle.
const DEEPEST: usize = 2;

/// The layer of an artifact, in messages.
pub(super) const LAYER: &str = "the component";

/// When the registry is asked. What a digest names never changes, so that is taken from the cache by every policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicy {
    /// What the tag names now.
    Always,
    /// What the tag named when it was last pulled or pushed, if that is in the cache.
    #[default]
    IfNotPresent,
    /// Only what is in the cache.
    Never,
}

impl FromStr for PullPolicy {
    type Err = String;

    /// However it is written: `ifNotPresent`, `IfNotPresent`, `if-not-present`, `if_not_present`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word: String = text.chars().filter(|c| !matches!(c, '-' | '_')).collect();
        match word.to_ascii_lowercase().as_str() {
            "always" => Ok(PullPolicy::Always),
            "ifnotpresent" => Ok(PullPolicy::IfNotPresent),
            "never" => Ok(PullPolicy::Never),
            _ => Err(format!(
                "expected `always`, `ifNotPresent` or `never`, found `{text}`"
            )),
        }
    }
}

/// What a reference named.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// Of the manifest: what a reference is pinned with.
    pub digest: Digest,
    /// Of `bytes`, which are in the cache under this name.
    pub content: Digest,
    pub bytes: Vec<u8>,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Cache,
    Registry,
}

/// Brings what a reference names.
pub async fn pull(
    reference: &Reference,
    policy: PullPolicy,
    access: &Access,
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<Pulled, OciError> {
    let remembered = || cache.tagged(reference);
    let known = match (&reference.digest, policy) {
        (Some(digest), _) => Some(digest.clone()),
        (None, PullPolicy::Always) => None,
        (None, _) => remembered(),
    };
    if let Some(pulled) = known.and_then(|digest| cached(cache, digest)) {
        cache.remember(reference);
        return Ok(pulled);
    }
    if policy == PullPolicy::Never {
        let reference = reference.clone();
        return Err(OciError::NotCached { reference });
    }
    let request = |access| async move { from_registry(reference, &access, cache, progress).await };
    match access.ask(request).await {
        Ok(pulled) => {
            cache.tag(reference, &pulled.digest);
            cache.remember(reference);
            Ok(pulled)
        }
        Err(OciError::Registry(mut refusal)) => {
            refusal.cached = remembered().filter(|digest| cached(cache, digest.clone()).is_some());
            Err(OciError::Registry(refusal))
        }
        Err(error) => Err(error),
    }
}

/// Asks the registry what a reference names, and brings nothing.
pub async fn ask(reference: &Reference, access: &Access) -> Result<Digest, OciError> {
    let request = |access| async move {
        let session = Session::open(&access, reference, Doing::Pull).await?;
        let (_, digest) = session.manifest(None).await?;
        Ok(digest)
    };
    access.ask(request).await
}

/// The file in the user's cache that a reference leads to, or led to when it was last used. For whoever guesses: nothing is
/// verified, nothing counts as used, and no cache is made.
pub fn peek(reference: &Reference) -> Option<PathBuf> {
    let cache = Cache::existing()?;
    let digest = reference.digest.clone();
    let digest = digest.or_else(|| cache.tagged(reference))?;
    let content = content(digest, |digest| fs::read(cache.path(digest)).ok())?;
    Some(cache.path(&content))
}

fn cached(cache: &Cache, digest: Digest) -> Option<Pulled> {
    let content = content(digest.clone(), |digest| cache.read(digest))?;
    Some(Pulled {
        bytes: cache.read(&content)?,
        content,
        origin: Origin::Cache,
        digest,
    })
}

/// The content that a manifest leads to.
fn content(mut manifest: Digest, read: impl Fn(&Digest) -> Option<Vec<u8>>) -> Option<Digest> {
    for _ in 0..DEEPEST {
        match layout::read(&read(&manifest)?).ok()? {
            Leads::Manifest(next) => manifest = next,
            Leads::Layer(layer) => return Some(layer.digest),
        }
    }
    None
}

async fn from_registry(
    reference: &Reference,
    access: &Access,
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<Pulled, OciError> {
    let session = Session::open(access, reference, Doing::Pull).await?;
    let mut manifests: Vec<(Digest, Vec<u8>)> = Vec::new();
    let layer = loop {
        let next = manifests.last().map(|(_, bytes)| layout::read(bytes));
        let wanted = match next
            .transpose()
            .map_err(|failure| session.refusal(failure))?
        {
            None => None,
            Some(Leads::Layer(layer)) => break layer,
            Some(Leads::Manifest(_)) if manifests.len() == DEEPEST => {
                let reason = "an image index that names an image index".to_string();
                return Err(session.refusal(Failure::Manifest(reason)));
            }
            Some(Leads::Manifest(digest)) => Some(digest),
        };
        let (bytes, digest) = session.manifest(wanted.as_ref()).await?;
        manifests.push((digest, bytes));
    };
    let bytes = match cache.read(&layer.digest) {
        Some(bytes) => bytes,
        None => {
            let download = || download(&session, &layer, cache, progress).boxed();
            let file = session.attempt(download).await;
            progress.end();
            cache.keep(file??, &layer.digest)?;
            let lost = || std::io::Error::other("the file just written is gone");
            let bytes = cache.read(&layer.digest);
            bytes.ok_or_else(|| cache.broken(lost()))?
        }
    };
    if !bytes.starts_with(b"\0asm") {
        let found = vec!["the layer does not begin as WebAssembly does".to_string()];
        return Err(session.refusal(Failure::NoWasm { found }));
    }
    // After the layer: where a manifest is, its content is too.
    for (digest, bytes) in manifests.iter().rev() {
        cache.write(digest, bytes)?;
    }
    let (digest, _) = manifests.swap_remove(0);
    Ok(Pulled {
        digest,
        content: layer.digest,
        bytes,
        origin: Origin::Registry,
    })
}

/// The content of a layer in a file, verified. An error of the disk is not one of the registry.
async fn download(
    session: &Session,
    layer: &Layer,
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<Result<AtomicFile, OciError>, Failure> {
    let mut file = match cache.incoming(&layer.digest) {
        Ok(file) => file,
        Err(error) => return Ok(Err(error)),
    };
    if layer.size > session.max_size {
        return Err(Failure::TooLarge {
            what: LAYER,
            limit: session.max_size,
        });
    }
    let mut answer = session.blob(&layer.digest).await?;
    progress.begin(layer.size);
    let mut received = 0;
    let mut hasher = layer.digest.hasher();
    while let Some(piece) = answer.chunk().await? {
        received += piece.len() as u64;
        hasher.update(&piece);
        if received > layer.size {
            return Err(Failure::Size {
                expected: layer.size,
                found: "more".to_string(),
            });
        }
        progress.advance(piece.len() as u64);
        if let Err(error) = file.write_all(&piece) {
            return Ok(Err(cache.broken(error)));
        }
    }
    if received < layer.size {
        return Err(Failure::Size {
            expected: layer.size,
            found: received.to_string(),
        });
    }
    let found = hasher.finish();
    if found != layer.digest {
        return Err(Failure::Digest {
            what: LAYER,
            expected: layer.digest.to_string(),
            found: found.to_string(),
        });
    }
    Ok(Ok(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_however_they_are_written() {
        for text in [
            "ifNotPresent",
            "IfNotPresent",
            "if-not-present",
            "IF_NOT_PRESENT",
        ] {
            assert_eq!(text.parse(), Ok(PullPolicy::IfNotPresent), "{text}");
        }
        assert_eq!("Always".parse(), Ok(PullPolicy::Always));
        assert_eq!(
            "sometimes".parse::<PullPolicy>(),
            Err("expected `always`, `ifNotPresent` or `never`, found `sometimes`".to_string())
        );
    }
}
