//! What is pushed: the config that describes a component or a WIT package, its layer, and annotations.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use oci_client::annotations as names;
use oci_client::client::ImageLayer;
use oci_client::manifest::OciImageManifest;
use oci_wasm::{
    COMPONENT_OS, Component, ToConfig as _, WASM_ARCHITECTURE, WASM_LAYER_MEDIA_TYPE,
    WASM_MANIFEST_MEDIA_TYPE, WasmConfig,
};
use wash_component::{Shape, ShapeError};
use wasm_metadata::Payload;

use super::digest::Digest;
use super::error::OciError;

/// Ready to be pushed.
#[derive(Debug)]
pub struct Artifact {
    pub(super) layer: ImageLayer,
    pub(super) content: Digest,
    /// JSON.
    pub(super) config: Bytes,
    pub(super) config_digest: Digest,
    /// JSON, as it is pushed.
    pub(super) manifest: Vec<u8>,
    pub digest: Digest,
    pub annotations: BTreeMap<String, String>,
}

impl Artifact {
    /// Describes a component or a WIT package. `name` is what it is called where its metadata has no name, and the name of the
    /// file that other clients save. Of `annotations`, an empty value leaves one out.
    pub fn new(
        bytes: Vec<u8>,
        name: &str,
        annotations: &BTreeMap<String, String>,
    ) -> Result<Self, OciError> {
        let component = describe(&bytes).map_err(|reason| OciError::NotPushable {
            name: name.to_string(),
            reason,
        })?;
        let created = created();
        let mut all = of_metadata(&bytes).map_err(|reason| OciError::Metadata {
            name: name.to_string(),
            reason,
        })?;
        all.entry(names::ORG_OPENCONTAINERS_IMAGE_TITLE)
            .or_insert_with(|| name.to_string());
        all.insert(
            names::ORG_OPENCONTAINERS_IMAGE_CREATED,
            created.to_rfc3339_opts(SecondsFormat::Secs, true),
        );
        let author = all.get(names::ORG_OPENCONTAINERS_IMAGE_AUTHORS).cloned();
        let mut all: BTreeMap<String, String> = all
            .into_iter()
            .map(|(key, value)| (key.to_string(), value))
            .collect();
        all.extend(annotations.clone());
        all.retain(|_, value| !value.is_empty());

        let content = Digest::sha256(&bytes);
        let config = WasmConfig {
            created,
            author,
            architecture: WASM_ARCHITECTURE.to_string(),
            os: COMPONENT_OS.to_string(),
            layer_digests: vec![content.to_string()],
            component: Some(component),
        };
        let config = config.to_config().expect("a config is JSON");
        let file = BTreeMap::from([(
            names::ORG_OPENCONTAINERS_IMAGE_TITLE.to_string(),
            format!("{name}.wasm"),
        )]);
        let layer = ImageLayer::new(bytes, WASM_LAYER_MEDIA_TYPE.to_string(), Some(file));
        let layers = [layer];
        let mut manifest = OciImageManifest::build(&layers, &config, Some(all.clone()));
        manifest.media_type = Some(WASM_MANIFEST_MEDIA_TYPE.to_string());
        let manifest = serde_json::to_vec(&manifest).expect("a manifest is JSON");
        let [layer] = layers;
        Ok(Self {
            layer,
            content,
            config_digest: Digest::sha256(&config.data),
            config: config.data,
            digest: Digest::sha256(&manifest),
            manifest,
            annotations: all,
        })
    }

    pub fn size(&self) -> usize {
        self.layer.data.len()
    }
}

/// What it imports and exports, in an order that does not change.
fn describe(bytes: &[u8]) -> Result<Component, ShapeError> {
    match Shape::parse(bytes) {
        Ok(shape) => Ok(Component {
            imports: shape.imports.keys().cloned().collect(),
            exports: shape.exports.keys().cloned().collect(),
            target: None,
        }),
        Err(ShapeError::WitPackage) => {
            let package = Component::from_raw_component(bytes).map_err(|error| {
                let reason = error.root_cause().to_string();
                ShapeError::Invalid { reason, offset: 0 }
            })?;
            let exports: BTreeSet<String> = package.exports.into_iter().collect();
            Ok(Component {
                exports: exports.into_iter().collect(),
                ..package
            })
        }
        Err(error) => Err(error),
    }
}

fn of_metadata(bytes: &[u8]) -> Result<BTreeMap<&'static str, String>, String> {
    let payload = Payload::from_binary(bytes).map_err(|error| error.to_string())?;
    let about = payload.metadata();
    let text = |value: Option<&dyn ToString>| value.map(ToString::to_string);
    let all = [
        (names::ORG_OPENCONTAINERS_IMAGE_TITLE, about.name.clone()),
        (
            names::ORG_OPENCONTAINERS_IMAGE_DESCRIPTION,
            text(about.description.as_ref().map(|value| value as _)),
        ),
        (
            names::ORG_OPENCONTAINERS_IMAGE_AUTHORS,
            text(about.authors.as_ref().map(|value| value as _)),
        ),
        (
            names::ORG_OPENCONTAINERS_IMAGE_SOURCE,
            text(about.source.as_ref().map(|value| value as _)),
        ),
        (
            names::ORG_OPENCONTAINERS_IMAGE_URL,
            text(about.homepage.as_ref().map(|value| value as _)),
        ),
        (
            names::ORG_OPENCONTAINERS_IMAGE_VERSION,
            text(about.version.as_ref().map(|value| value as _)),
        ),
        (
            names::ORG_OPENCONTAINERS_IMAGE_REVISION,
            text(about.revision.as_ref().map(|value| value as _)),
        ),
        (
            names::ORG_OPENCONTAINERS_IMAGE_LICENSES,
            text(about.licenses.as_ref().map(|value| value as _)),
        ),
    ];
    let present = all
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)));
    Ok(present.collect())
}

/// Now, or what `SOURCE_DATE_EPOCH` says: then the same component makes the same artifact.
fn created() -> DateTime<Utc> {
    let epoch = env::var("SOURCE_DATE_EPOCH").ok();
    let seconds = epoch.and_then(|text| text.parse().ok());
    let fixed = seconds
        .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    fixed.unwrap_or_else(SystemTime::now).into()
}

#[cfg(test)]
mod tests {
    use wasm_metadata::AddMetadataField as Field;

    use super::*;

    fn push(wat: &str, annotations: &[(&str, &str)]) -> Result<Artifact, OciError> {
        let annotations = annotations
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect();
        Artifact::new(wat::parse_str(wat).unwrap(), "hello", &annotations)
    }

    #[test]
    fn the_layout_is_the_standard_one() {
        let artifact = push(
            r#"(component $named (import "a:b/c" (instance)) (component $d) (instance $i (instantiate $d)) (export "x:y/z" (instance $i)))"#,
            &[("k", "v")],
        )
        .unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&artifact.manifest).unwrap();
        assert_eq!(
            manifest["mediaType"],
            "application/vnd.oci.image.manifest.v1+json"
        );
        assert_eq!(
            manifest["config"]["mediaType"],
            "application/vnd.wasm.config.v0+json"
        );
        assert_eq!(
            manifest["config"]["digest"],
            artifact.config_digest.as_str()
        );
        assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
        assert_eq!(manifest["layers"][0]["digest"], artifact.content.as_str());
        assert_eq!(
            manifest["layers"][0]["annotations"]["org.opencontainers.image.title"],
            "hello.wasm"
        );
        assert_eq!(
            manifest["annotations"]["org.opencontainers.image.title"],
            "named"
        );
        assert_eq!(manifest["annotations"]["k"], "v");
        let config: serde_json::Value = serde_json::from_slice(&artifact.config).unwrap();
        assert_eq!(config["architecture"], "wasm");
        assert_eq!(config["os"], "wasip2");
        assert_eq!(config["layerDigests"][0], artifact.content.as_str());
        assert_eq!(config["component"]["imports"], serde_json::json!(["a:b/c"]));
        assert_eq!(config["component"]["exports"], serde_json::json!(["x:y/z"]));
    }

    #[test]
    fn metadata_is_annotated_and_may_be_overridden() {
        let component = wat::parse_str("(component)").unwrap();
        let mut metadata = wasm_metadata::AddMetadata::default();
        metadata.description = Field::Set(wasm_metadata::Description::new("says hello"));
        metadata.version = Field::Set(wasm_metadata::Version::new("1.2.3"));
        let bytes = metadata.to_wasm(&component).unwrap();
        let given = [("version", "2.0.0"), ("description", "")]
            .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_string()));
        let artifact = Artifact::new(bytes.clone(), "hello", &BTreeMap::new()).unwrap();
        let of = |artifact: &Artifact, key: &str| {
            artifact
                .annotations
                .get(&format!("org.opencontainers.image.{key}"))
                .cloned()
        };
        assert_eq!(of(&artifact, "description").as_deref(), Some("says hello"));
        assert_eq!(of(&artifact, "version").as_deref(), Some("1.2.3"));
        let artifact = Artifact::new(bytes, "hello", &given.into()).unwrap();
        assert_eq!(of(&artifact, "version").as_deref(), Some("2.0.0"));
        assert_eq!(of(&artifact, "description"), None);
    }

    #[test]
    fn only_components_and_wit_packages_are_pushed() {
        let error = push("(module)", &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`hello` cannot be pushed: this is a core module, not a component"
        );
        let error = Artifact::new(b"hello".to_vec(), "hello", &BTreeMap::new()).unwrap_err();
        assert!(
            error.to_string().contains("this is not WebAssembly"),
            "{error}"
        );
    }
}
