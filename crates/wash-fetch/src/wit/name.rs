//! Names as people write them: packages (`wasi:http@0.2.0`) and what is in them (`wasi:http/types@0.2.0`).

use std::fmt;
use std::str::FromStr;

use semver::Version;
pub use wit_parser::PackageName;

/// A package, or an interface or a world of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub package: PackageName,
    pub item: Option<String>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not the name of a package: expected `namespace:name`, `namespace:name@version` or `namespace:name/interface@version`"
)]
pub struct NotAName(String);

impl Target {
    /// Whether this asks for `package` and, if it names one, `item` in it. Without a version it asks for any.
    pub fn covers(&self, package: &PackageName, item: Option<&str>) -> bool {
        let version = self.package.version.is_none() || self.package.version == package.version;
        let wanted = self.item.as_deref();
        is_same_package(&self.package, package)
            && version
            && (wanted.is_none() || item.is_none() || wanted == item)
    }
}

impl FromStr for Target {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let wrong = || NotAName(text.to_string());
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(version.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let (namespace, rest) = path.split_once(':').ok_or_else(wrong)?;
        let (name, item) = match rest.split_once('/') {
            Some((name, item)) => (name, Some(item)),
            None => (rest, None),
        };
        if [Some(namespace), Some(name), item]
            .into_iter()
            .flatten()
            .any(|part| !is_label(part))
        {
            return Err(wrong());
        }
        Ok(Self {
            package: package(namespace, name, version),
            item: item.map(str::to_string),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.item {
            Some(item) => f.write_str(&self.package.interface_id(item)),
            None => self.package.fmt(f),
        }
    }
}

pub fn package(namespace: &str, name: &str, version: Option<Version>) -> PackageName {
    PackageName {
        namespace: namespace.to_string(),
        name: name.to_string(),
        version,
    }
}

/// The name without its version, as lock files and overrides have it.
pub fn unversioned(package: &PackageName) -> String {
    format!("{}:{}", package.namespace, package.name)
}

pub fn is_same_package(a: &PackageName, b: &PackageName) -> bool {
    a.namespace == b.namespace && a.name == b.name
}

/// The directory in `deps` that `wkg` keeps a package in.
pub fn directory(package: &PackageName) -> String {
    package.to_string().replace([':', '@'], "-")
}

/// Words of letters and digits, each beginning with a letter, with `-` between them.
fn is_label(text: &str) -> bool {
    text.split('-').all(|word| {
        word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word.chars().all(|char| char.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in [
            "wasi:http",
            "wasi:http@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft",
            "a:b/c-d2",
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in [
            "http",
            "wasi:",
            "wasi:http@",
            "wasi:http@x",
            "wasi:/types",
            "a:b/",
            "A_b:c",
            "../x:y",
            "",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn directories_are_those_of_wkg() {
        let target: Target = "wasi:keyvalue@0.2.0-draft".parse().unwrap();
        assert_eq!(directory(&target.package), "wasi-keyvalue-0.2.0-draft");
    }
}
