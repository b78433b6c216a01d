//! A component that is not built but pulled from a registry, through the cache.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use wash_common::process::Output;
use wash_common::units;
use wash_fetch::oci;
use wash_fetch::oci::{Access, Cache, Progress, Reference, Scheme};

use super::error::BuildError;
use super::{Built, wrap};
use crate::project::Image;

/// Credentials and authorities come from the environment and from docker's config.
pub(super) async fn pull(image: &Image, output: &Output) -> Result<Built, BuildError> {
    let started = Instant::now();
    let mut access = Access::from_env_for_files();
    if image.insecure {
        access.scheme = Scheme::Either;
    }
    let cache = Cache::open()?;
    let told = Told::new(&image.reference, output);
    let pulled = oci::pull(&image.reference, image.policy, &access, &cache, &told).await?;
    let name = image.reference.to_string();
    let (bytes, shape) = wrap::component(name.as_ref(), pulled.bytes)?;
    Ok(Built {
        inputs: BTreeSet::new(),
        path: cache.path(&pulled.content),
        bytes: bytes.into(),
        shape: shape.into(),
        elapsed: started.elapsed(),
    })
}

/// How often a transfer that takes long is told of.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Tells of a transfer among the lines of the tools: builds may run side by side, so there is no place for a bar.
struct Told<'t> {
    reference: &'t Reference,
    output: &'t Output,
    transfer: Mutex<Option<Transfer>>,
}

struct Transfer {
    total: u64,
    done: u64,
    told: Instant,
}

impl<'t> Told<'t> {
    fn new(reference: &'t Reference, output: &'t Output) -> Self {
        Self {
            reference,
            output,
            transfer: Mutex::default(),
        }
    }

    fn with(&self, act: impl FnOnce(&mut Option<Transfer>)) {
        if let Ok(mut transfer) = self.transfer.lock() {
            act(&mut transfer);
        }
    }
}

impl Progress for Told<'_> {
    fn begin(&self, bytes: u64) {
        let (reference, size) = (self.reference, units::size(bytes));
        super::say(self.output, &format!("pulling {reference} ({size})"));
        self.with(|transfer| {
            *transfer = Some(Transfer {
                total: bytes.max(1),
                done: 0,
                told: Instant::now(),
            });
        });
    }

    fn advance(&self, bytes: u64) {
        self.with(|transfer| {
            let Some(transfer) = transfer else { return };
            transfer.done += bytes;
            if transfer.told.elapsed() >= TIMEOUT {
                transfer.told = Instant::now();
                let percent = transfer.done * 100 / transfer.total;
                super::say(
                    self.output,
                    &format!("pulling {}: {percent} %", self.reference),
                );
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_transfer_that_takes_long_is_told_of() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let output = Output::Tee(Arc::new(move |line: &[u8]| {
            sink.lock()
                .unwrap()
                .push(String::from_utf8_lossy(line).into_owned());
        }));
        let reference = "ghcr.io/me/app:1".parse().unwrap();
        let told = Told::new(&reference, &output);
        told.begin(4_000_000);
        told.advance(1_000_000);
        told.with(|transfer| {
            let transfer = transfer.as_mut().unwrap();
            transfer.told = transfer.told.checked_sub(TIMEOUT).unwrap();
        });
        told.advance(1_000_000);
        told.advance(1_000_000);
        assert_eq!(
            *lines.lock().unwrap(),
            [
                "pulling ghcr.io/me/app:1 (4.0 MB)\n",
                "pulling ghcr.io/me/app:1: 50 %\n"
            ]
        );
    }
}
