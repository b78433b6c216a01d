//! A WIT package as it lies somewhere: texts that are parsed together.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wash_common::contain::contain;
use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{PackageId, PackageName, Resolve, SourceMap, UnresolvedPackageGroup};

use super::diagnose::{Diagnostic, Place, parse_error};
use super::error::WitError;
use super::name::Target;
use super::scan;
use super::scan::{Keyword, Outline, Statement};

/// A file.
#[derive(Debug, Clone)]
pub struct Text {
    /// What messages call it, such as `wit/world.wit`.
    pub label: String,
    pub text: String,
    pub outline: Outline,
}

impl Text {
    pub fn new(label: &str, text: &str) -> Self {
        Self {
            label: label.to_string(),
            outline: Outline::of(text),
            text: text.to_string(),
        }
    }

    fn needs(&self) -> impl Iterator<Item = Need> {
        let statements = self.outline.statements.iter();
        statements.flat_map(|statement| {
            let path = statement.path.as_ref();
            path.map(|path| self.need(path, statement))
        })
    }

    fn need(&self, path: &scan::Path, statement: &Statement) -> Need {
        let names_it_only = statement.keyword == Keyword::Use;
        Need {
            package: path.package.clone(),
            item: path.item.clone(),
            types: statement.types.clone(),
            whole: !names_it_only,
            place: Place::of(&self.label, &self.text, path.span.clone()),
        }
    }

    /// What a statement needs of an interface to which the file gives a name of its own.
    fn by_alias(&self, statement: &Statement) -> Option<Need> {
        let local = statement.local.as_ref()?;
        let mut aliases = self.outline.statements.iter().filter(|other| {
            let of_file = other.block.is_none() && other.keyword == Keyword::Use;
            of_file && other.alias.as_ref() == Some(local)
        });
        let path = aliases.next()?.path.as_ref()?;
        Some(self.need(path, statement))
    }
}

/// A package with its nested packages.
#[derive(Debug, Clone)]
pub struct Source {
    /// The directory or the file.
    pub at: PathBuf,
    pub texts: Vec<Text>,
}

/// What a text refers to.
#[derive(Debug, Clone)]
pub struct Need {
    pub package: PackageName,
    pub item: String,
    /// The types that are used of the item.
    pub types: Vec<String>,
    /// The item itself is imported, exported or included, with all that is in it.
    pub whole: bool,
    pub place: Place,
}

impl Source {
    /// What messages call it: the directory of several files, or the file.
    pub fn label(&self) -> &str {
        let first = self.texts.first().map_or("", |text| text.label.as_str());
        match self.texts.len() {
            1 => first,
            _ => first.rsplit_once('/').map_or(first, |(dir, _)| dir),
        }
    }

    /// The name of its directory or file.
    pub fn file_name(&self) -> String {
        self.at
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    pub fn new(at: PathBuf, texts: Vec<Text>) -> Self {
        Self { at, texts }
    }

    /// Reads a directory of `.wit` files, or one `.wit`, `.wasm` or `.wat` file. `label` is what messages call it.
    /// `None` when there is no WIT in it.
    pub fn read(at: &Path, label: &str) -> Result<Option<Self>, WitError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| WitError::Read { path, source }
        };
        let kind = fs::metadata(at).map_err(failed(at))?;
        if !kind.is_dir() {
            return Ok(read_file(at, label)?.map(|text| Self::new(at.to_path_buf(), vec![text])));
        }
        let mut texts = Vec::new();
        for path in entries(at).map_err(failed(at))? {
            if is_wit(&path) && path.is_file() {
                texts.extend(read_file(&path, &below(label, &path))?);
            }
        }
        Ok((!texts.is_empty()).then(|| Self::new(at.to_path_buf(), texts)))
    }

    /// The packages it defines, the outer one first.
    pub fn packages(&self) -> Vec<PackageName> {
        let outer = self
            .texts
            .iter()
            .find_map(|text| text.outline.package.clone());
        let blocks = self.texts.iter().flat_map(|text| &text.outline.blocks);
        let nested = blocks
            .filter(|block| block.keyword == "package")
            .filter_map(|block| {
                let target: Target = block.name.parse().ok()?;
                Some(target.package)
            });
        outer.into_iter().chain(nested).collect()
    }

    /// Every reference to another package.
    pub fn needs(&self) -> Vec<Need> {
        let own = self.packages();
        let needs = self.texts.iter().flat_map(Text::needs);
        needs.filter(|need| !own.contains(&need.package)).collect()
    }

    /// The same, and what is needed under names that the files give to interfaces of others.
    pub fn all_needs(&self) -> Vec<Need> {
        let by_alias = self.texts.iter().flat_map(|text| {
            let statements = text.outline.statements.iter();
            statements.filter_map(|statement| text.by_alias(statement))
        });
        let mut needs = self.needs();
        needs.extend(by_alias);
        needs
    }

    pub fn parse(&self) -> Result<UnresolvedPackageGroup, Diagnostic> {
        let mut map = SourceMap::new();
        for text in &self.texts {
            map.push_str(&text.label, text.text.clone());
        }
        map.parse()
            .map_err(|(map, error)| parse_error(&error, &map, &self.texts))
    }

    /// The names of the interfaces and worlds of its outer package.
    pub fn items(&self) -> Vec<&str> {
        self.texts
            .iter()
            .flat_map(|text| text.outline.items())
            .collect()
    }
}

/// The entries of a directory, in the order of their names.
pub fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries: Vec<_> = entries.collect::<io::Result<_>>()?;
    entries.sort();
    Ok(entries)
}

pub fn below(label: &str, path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{label}/{name}")
}

fn is_wit(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wit")
}

/// `None` for a file that is not WIT.
fn read_file(path: &Path, label: &str) -> Result<Option<Text>, WitError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if !matches!(extension, Some("wit" | "wasm" | "wat")) {
        return Ok(None);
    }
    let bytes = wash_common::files::read(path).map_err(|source| WitError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let malformed = |reason| WitError::NotWit {
        name: label.to_string(),
        reason,
    };
    let text = match extension {
        Some("wit") => {
            String::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8".to_string()))?
        }
        _ => nested_text(&decode(&bytes).map_err(malformed)?).map_err(malformed)?,
    };
    Ok(Some(Text::new(label, &text)))
}

/// What reads and prints WIT in its binary form. It panics on some components that are valid.
const LIBRARY: &str = "wit-component";

/// Reads a WIT package in its binary form, or the world of a component.
pub fn decode_binary(bytes: &[u8]) -> anyhow::Result<DecodedWasm> {
    contain(LIBRARY, || wit_component::decode(bytes))?
}

/// Prints a package, and others in it as nested ones.
pub fn print_packages(
    resolve: &Resolve,
    package: PackageId,
    nested: &[PackageId],
) -> anyhow::Result<String> {
    contain(LIBRARY, || {
        let mut printer = WitPrinter::default();
        printer.print(resolve, package, nested)?;
        Ok(printer.output.to_string())
    })?
}

/// A package in its binary form, or a component, whose world's package is taken.
pub fn decode(bytes: &[u8]) -> Result<(Resolve, PackageId), String> {
    match decode_binary(bytes) {
        Ok(DecodedWasm::WitPackage(resolve, package)) => Ok((resolve, package)),
        Ok(DecodedWasm::Component(resolve, world)) => {
            let package = resolve.worlds[world].package;
            package
                .map(|package| (resolve, package))
                .ok_or_else(|| "its world has no package".to_string())
        }
        Err(error) => Err(format!("{error:#}")),
    }
}

/// One package of several.
pub fn print(resolve: &Resolve, package: PackageId) -> Result<String, String> {
    print_packages(resolve, package, &[]).map_err(|error| format!("{error:#}"))
}

/// A package, and those that it has in it as nested ones.
fn nested_text((resolve, package): &(Resolve, PackageId)) -> Result<String, String> {
    let others: Vec<_> = resolve
        .packages
        .iter()
        .map(|(id, _)| id)
        .filter(|id| id != package)
        .collect();
    print_packages(resolve, *package, &others).map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Valid components on which the library panics.
    const PANICS: [&str; 3] = [
        r#"(component (import "unlocked-dep=<a:b:c/d@*>" (func)))"#,
        r#"(component
            (import "base" (instance $b (export "r" (type (sub resource)))))
            (alias export $b "r" (type $r))
            (import "more" (instance (alias outer 1 $r (type $q)) (export "r" (type (eq $q))))))"#,
        r#"(component (import "a:b/c" (func)))"#,
    ];

    #[test]
    fn a_panic_of_the_library_is_an_error() {
        for text in PANICS {
            let bytes = wat::parse_str(text).unwrap();
            let read = decode(&bytes).and_then(|(resolve, id)| print(&resolve, id));
            assert!(read.is_err(), "{text}");
        }
    }

    #[test]
    fn the_library_still_panics() {
        let panics = PANICS.iter().filter(|text| {
            let bytes = wat::parse_str(text).unwrap();
            let read = contain(LIBRARY, || wit_component::decode(&bytes).map(drop));
            read.is_err()
        });
        assert!(
            panics.count() > 0,
            "{LIBRARY} reads all of these now: `contain` is no longer needed here"
        );
    }
}
