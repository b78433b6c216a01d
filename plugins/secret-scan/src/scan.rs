//! Secrets in a file, without those that somebody has looked at and allowed. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::patterns::Patterns;
use crate::place::Places;

/// Where a project says which findings are none.
pub const ALLOWED: &str = ".wash/secret-scan.allow";

/// A secret that was found. What it is stays untold: whoever reads this may not be meant to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: &'static str,
    pub place: String,
    pub position: usize,
    pub fingerprint: String,
}

/// What was allowed: fingerprints, one on each line, and comments after `#`.
#[derive(Debug, Clone, Default)]
pub struct Allowed(BTreeSet<String>);

impl Allowed {
    pub fn parse(text: &str) -> Self {
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let words = lines.map(str::trim).filter(|line| !line.is_empty());
        Self(words.map(str::to_ascii_lowercase).collect())
    }
}

pub fn scan(bytes: &[u8], allowed: &Allowed) -> Vec<Finding> {
    let patterns = Patterns::default();
    let found = patterns.find(bytes);
    if found.is_empty() {
        return Vec::new();
    }
    let places = Places::of(bytes);
    let findings = found.iter().map(|found| Finding {
        kind: found.kind,
        place: places.name_of(found.position),
        position: found.position,
        fingerprint: fingerprint(found.bytes),
    });
    findings
        .filter(|finding| !allowed.0.contains(&finding.fingerprint))
        .collect()
}

/// Stays the same wherever it is found.
fn fingerprint(secret: &[u8]) -> String {
    let digest = Sha256::digest(secret);
    digest[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A line for each, for people.
pub fn lines(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        format!(
            "{} in {} ({})",
            finding.kind, finding.place, finding.fingerprint
        )
    };
    let lines: Vec<String> = findings.iter().map(line).collect();
    lines.join("\n")
}

/// What to do about them.
pub fn advice() -> String {
    format!(
        "what is no secret after all is allowed by its fingerprint, in brackets, on a line of `{ALLOWED}`"
    )
}
