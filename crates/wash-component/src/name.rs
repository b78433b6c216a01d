//! The name of an interface, taken apart: `wasi:io/streams@0.2.3`.

use std::fmt;
use std::str::FromStr;

use semver::Version;

/// The name of an interface, with its version if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceName {
    /// Namespace and package: `wasi:io`.
    pub package: String,
    /// `streams`
    pub interface: String,
    pub version: Option<Version>,
}

/// The text is not of the form `namespace:package/interface[@version]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an interface, such as `wasi:io/streams@0.2.3`")]
pub struct NotAnInterface(pub String);

impl InterfaceName {
    /// The name without the version: `wasi:io/streams`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.package, self.interface)
    }

    /// Whether both name the same interface, whatever the version.
    pub fn same_path(&self, other: &Self) -> bool {
        self.package == other.package && self.interface == other.interface
    }

    /// Whether one may stand for the other by the rules of versions alone.
    pub fn compatible(&self, other: &Self) -> bool {
        self.same_path(other) && compatible(self.version.as_ref(), other.version.as_ref())
    }

    /// The name that all compatible ones share: `wasi:io/streams@0.2` of `wasi:io/streams@0.2.3`.
    pub fn family(&self) -> String {
        match self.version.as_ref().and_then(track) {
            Some((major, minor)) => format!("{}@{major}.{minor}", self.path()),
            None => self.to_string(),
        }
    }

    pub fn namespace(&self) -> &str {
        self.package.split(':').next().unwrap_or_default()
    }

    /// Whether this is an interface of WASI 0.3, release candidates included.
    pub fn is_wasi_p3(&self) -> bool {
        self.namespace() == "wasi"
            && matches!(
                self.package.as_str(),
                "wasi:cli"
                    | "wasi:clocks"
                    | "wasi:filesystem"
                    | "wasi:http"
                    | "wasi:random"
                    | "wasi:sockets"
            )
            && self
                .version
                .as_ref()
                .is_some_and(|v| (v.major, v.minor) == (0, 3))
    }
}

/// The part of a release version that compatible versions share: `1` of 1.2.3, `0.2` of 0.2.3. Pre-releases and 0.0.x
/// are compatible with nothing else and have none.
pub fn track(version: &Version) -> Option<(u64, u64)> {
    match (version.pre.is_empty(), version.major, version.minor) {
        (false, ..) | (_, 0, 0) => None,
        (_, 0, minor) => Some((0, minor)),
        (_, major, _) => Some((major, 0)),
    }
}

fn compatible(a: Option<&Version>, b: Option<&Version>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a == b || (track(a).is_some() && track(a) == track(b)),
        _ => false,
    }
}

impl FromStr for InterfaceName {
    type Err = NotAnInterface;

    fn from_str(text: &str) -> Result<Self, NotAnInterface> {
        let error = || NotAnInterface(text.to_string());
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(Version::parse(version).map_err(|_| error())?)),
            None => (text, None),
        };
        let (package, interface) = path.split_once('/').ok_or_else(error)?;
        let (namespace, rest) = package.split_once(':').ok_or_else(error)?;
        let words = [namespace, interface].into_iter().chain(rest.split(':'));
        if words.into_iter().all(is_kebab) {
            Ok(Self {
                package: package.to_string(),
                interface: interface.to_string(),
                version,
            })
        } else {
            Err(error())
        }
    }
}

fn is_kebab(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.package, self.interface)?;
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> InterfaceName {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_read_and_printed() {
        for text in [
            "wasi:io/streams@0.2.3",
            "wasi:logging/logging",
            "a:b/c@1.0.0-draft.2+build",
        ] {
            assert_eq!(name(text).to_string(), text);
        }
        for text in [
            "",
            "wasi",
            "wasi:io",
            "io/streams",
            "wasi:io/streams@",
            "wasi:io/streams@0.2",
            "a:b/c/d",
            "a b:c/d",
            ":/",
        ] {
            assert!(text.parse::<InterfaceName>().is_err(), "{text}");
        }
    }

    #[test]
    fn versions_follow_their_track() {
        for (a, b, expected) in [
            ("a:b/c@0.2.0", "a:b/c@0.2.9", true),
            ("a:b/c@0.2.9", "a:b/c@0.2.0", true),
            ("a:b/c@1.0.0", "a:b/c@1.7.2", true),
            ("a:b/c@0.2.0", "a:b/c@0.3.0", false),
            ("a:b/c@1.0.0", "a:b/c@2.0.0", false),
            ("a:b/c@0.0.1", "a:b/c@0.0.1", true),
            ("a:b/c@0.0.1", "a:b/c@0.0.2", false),
            ("a:b/c@0.2.0-draft", "a:b/c@0.2.0-draft", true),
            ("a:b/c@0.2.0-draft", "a:b/c@0.2.0", false),
            ("a:b/c@0.2.0-draft", "a:b/c@0.2.0-draft2", false),
            ("a:b/c", "a:b/c", true),
            ("a:b/c", "a:b/c@0.2.0", false),
            ("a:b/c@0.2.0", "a:b/d@0.2.0", false),
        ] {
            assert_eq!(name(a).compatible(&name(b)), expected, "{a} and {b}");
        }
    }
}
