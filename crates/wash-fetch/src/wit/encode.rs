//! A WIT package in its binary form, as `wkg wit build` writes it.

use wasm_metadata::{AddMetadata, AddMetadataField};
use wasm_pkg_core::manifest::Metadata;

use super::diagnose::Diagnostic;
use super::error::WitError;
use super::folder::Folder;

/// The package with everything that it refers to, and what `wkg.toml` says about it.
pub fn encode(folder: &Folder, about: &Metadata) -> Result<Vec<u8>, WitError> {
    let (resolve, package) = folder.resolve()?;
    let name = resolve.packages[package].name.clone();
    let failed = |error: &dyn std::fmt::Display| {
        WitError::from(Diagnostic {
            message: format!("package `{name}` has no binary form: {error:#}"),
            place: None,
            hint: None,
        })
    };
    let bytes = wit_component::encode(&resolve, package).map_err(|error| failed(&error))?;
    metadata(&name, about)
        .and_then(|add| add.to_wasm(&bytes))
        .map_err(|error: anyhow::Error| failed(&error))
}

fn metadata(name: &wit_parser::PackageName, about: &Metadata) -> anyhow::Result<AddMetadata> {
    let mut add = AddMetadata::default();
    add.name = AddMetadataField::Set(super::name::unversioned(name));
    add.processed_by = vec![("wash".to_string(), env!("CARGO_PKG_VERSION").to_string())];
    if let Some(version) = &name.version {
        add.version = AddMetadataField::Set(version.to_string().parse()?);
    }
    if let Some(authors) = &about.authors {
        add.authors = AddMetadataField::Set(authors.parse()?);
    }
    if let Some(description) = &about.description {
        add.description = AddMetadataField::Set(description.parse()?);
    }
    if let Some(licenses) = &about.licenses {
        add.licenses = AddMetadataField::Set(licenses.parse()?);
    }
    if let Some(source) = &about.source {
        add.source = AddMetadataField::Set(source.parse()?);
    }
    if let Some(homepage) = &about.homepage {
        add.homepage = AddMetadataField::Set(homepage.parse()?);
    }
    if let Some(revision) = &about.revision {
        add.revision = AddMetadataField::Set(revision.parse()?);
    }
    Ok(add)
}
