//! Names of content: the algorithm and what it makes of the bytes.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256, Sha512};

/// `sha256:…` or `sha512:…`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    #[error("expected `sha256:` and 64 hexadecimal digits, found `{0}`")]
    NoAlgorithm(String),
    #[error("digests by `{0}` are not supported: expected `sha256` or `sha512`")]
    Algorithm(String),
    #[error(
        "a `{algorithm}` digest has {expected} hexadecimal digits in lower case, found {found}"
    )]
    Digits {
        algorithm: String,
        expected: usize,
        found: String,
    },
}

impl Digest {
    pub fn sha256(bytes: &[u8]) -> Self {
        Self(format!("sha256:{:x}", Sha256::digest(bytes)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Algorithm and digits.
    pub fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').expect("a digest has an algorithm")
    }

    /// The digest that these bytes have, by the same algorithm.
    pub fn of_same_kind(&self, bytes: &[u8]) -> Self {
        match self.parts().0 {
            "sha512" => Self(format!("sha512:{:x}", Sha512::digest(bytes))),
            _ => Self::sha256(bytes),
        }
    }

    /// For bytes that come in pieces, by the same algorithm.
    pub(super) fn hasher(&self) -> Hasher {
        match self.parts().0 {
            "sha512" => Hasher::Sha512(Sha512::new()),
            _ => Hasher::Sha256(Sha256::new()),
        }
    }

    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.of_same_kind(bytes) == *self
    }
}

/// A digest in the making.
pub(super) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest(format!("sha256:{:x}", hasher.finalize())),
            Self::Sha512(hasher) => Digest(format!("sha512:{:x}", hasher.finalize())),
        }
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (algorithm, digits) = text
            .split_once(':')
            .ok_or_else(|| DigestError::NoAlgorithm(text.to_string()))?;
        let expected = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return Err(DigestError::Algorithm(algorithm.to_string())),
        };
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if !digits.bytes().all(is_digit) {
            let found = format!("`{digits}`");
            return Err(wrong(algorithm, expected, found));
        }
        if digits.len() != expected {
            return Err(wrong(algorithm, expected, digits.len().to_string()));
        }
        Ok(Self(text.to_string()))
    }
}

fn wrong(algorithm: &str, expected: usize, found: String) -> DigestError {
    DigestError::Digits {
        algorithm: algorithm.to_string(),
        expected,
        found,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_content() {
        let digest = Digest::sha256(b"");
        assert_eq!(
            digest.as_str(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(digest.as_str().parse(), Ok(digest.clone()));
        assert!(digest.matches(b"") && !digest.matches(b"x"));
        let upper = digest.as_str().replace("e3b0", "E3B0");
        for (text, why) in [
            (
                "abc",
                "expected `sha256:` and 64 hexadecimal digits, found `abc`",
            ),
            (
                "md5:abc",
                "digests by `md5` are not supported: expected `sha256` or `sha512`",
            ),
            (
                "sha256:abc",
                "a `sha256` digest has 64 hexadecimal digits in lower case, found 3",
            ),
            (
                "sha256:../x",
                "a `sha256` digest has 64 hexadecimal digits in lower case, found `../x`",
            ),
        ] {
            assert_eq!(text.parse::<Digest>().unwrap_err().to_string(), why);
        }
        assert!(upper.parse::<Digest>().is_err());
    }
}
