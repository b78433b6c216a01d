//! What a manifest says: which of its parts is WebAssembly.

use oci_client::manifest::{ImageIndexEntry, OciDescriptor, OciManifest};
use oci_wasm::{WASM_ARCHITECTURE, WASM_LAYER_MEDIA_TYPE};

use super::digest::Digest;
use super::failure::Failure;

/// The types of layers that have WebAssembly: the standard's first, then those from before it.
const LAYERS: [&str; 4] = [
    WASM_LAYER_MEDIA_TYPE,
    "application/vnd.wasm.content.layer.v1+wasm",
    "application/vnd.module.wasm.content.layer.v1+wasm",
    "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
];

/// The standard's name for WebAssembly, and those that other tools write.
const ARCHITECTURES: [&str; 3] = [WASM_ARCHITECTURE, "wasm32", "wasm64"];

/// Where a manifest leads.
#[derive(Debug)]
pub(super) enum Leads {
    Layer(Layer),
    /// An index names other manifests.
    Manifest(Digest),
}

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

pub(super) fn read(manifest: &[u8]) -> Result<Leads, Failure> {
    let wrong = |reason: &dyn std::fmt::Display| Failure::Manifest(reason.to_string());
    let manifest: OciManifest = serde_json::from_slice(manifest).map_err(|_| {
        let text: Result<serde_json::Value, _> = serde_json::from_slice(manifest);
        match text {
            Ok(_) => wrong(&"it is neither an image manifest nor an image index"),
            Err(error) => wrong(&error),
        }
    })?;
    let descriptor = match manifest {
        OciManifest::Image(image) => one_layer(image.layers)?,
        OciManifest::ImageIndex(index) => {
            let entry = one_manifest(&index.manifests)?;
            return entry
                .digest
                .parse()
                .map(Leads::Manifest)
                .map_err(|error| wrong(&error));
        }
    };
    Ok(Leads::Layer(Layer {
        digest: descriptor.digest.parse().map_err(|error| wrong(&error))?,
        size: u64::try_from(descriptor.size)
            .map_err(|_| wrong(&format!("a size of {} bytes", descriptor.size)))?,
    }))
}

fn one_layer(layers: Vec<OciDescriptor>) -> Result<OciDescriptor, Failure> {
    let found: Vec<String> = layers
        .iter()
        .map(|layer| layer.media_type.clone())
        .collect();
    let is_wasm = |layer: &OciDescriptor| {
        let title = layer.annotations.as_ref();
        let title = title.and_then(|a| a.get("org.opencontainers.image.title"));
        LAYERS.contains(&layer.media_type.as_str())
            || title.is_some_and(|title| title.ends_with(".wasm"))
    };
    let mut wasm: Vec<_> = layers.into_iter().filter(is_wasm).collect();
    match (wasm.pop(), wasm.len()) {
        (Some(layer), 0) => Ok(layer),
        (None, _) if found.is_empty() => Err(Failure::Manifest("it has no layers".to_string())),
        (None, _) => Err(Failure::NoWasm { found }),
        (Some(_), others) => Err(Failure::SeveralComponents(others + 1)),
    }
}

/// The one for WebAssembly, or the only one. Components go before core modules: a tool that publishes both names the
/// system `wasip2` or `wasip1`.
fn one_manifest(entries: &[ImageIndexEntry]) -> Result<&ImageIndexEntry, Failure> {
    if let [only] = entries {
        return Ok(only);
    }
    let system = |entry: &ImageIndexEntry| {
        let platform = entry.platform.as_ref()?;
        let architecture = platform.architecture.to_string();
        ARCHITECTURES
            .contains(&&*architecture)
            .then(|| platform.os.to_string())
    };
    let preference = |entry: &&ImageIndexEntry| match system(entry).as_deref() {
        Some("wasip2") => 0,
        Some("wasip3") => 1,
        Some("wasip1") => 3,
        _ => 2,
    };
    let wasm = entries.iter().filter(|entry| system(entry).is_some());
    wasm.min_by_key(preference).ok_or_else(|| {
        let found = entries.iter().map(|entry| match &entry.platform {
            Some(platform) => platform.architecture.to_string(),
            None => "an image without a platform".to_owned(),
        });
        Failure::NoWasm {
            found: match entries.is_empty() {
                true => vec!["an image index that names nothing".to_owned()],
                false => found.collect(),
            },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(layers: serde_json::Value) -> Result<Leads, Failure> {
        let config = serde_json::json!({ "mediaType": "x", "digest": Digest::sha256(b"{}").as_str(), "size": 2 });
        let manifest =
            serde_json::json!({ "schemaVersion": 2, "config": config, "layers": layers });
        read(manifest.to_string().as_bytes())
    }

    fn layer(media_type: &str) -> serde_json::Value {
        serde_json::json!({ "mediaType": media_type, "digest": Digest::sha256(b"").as_str(), "size": 3 })
    }

    #[test]
    fn every_type_there_was_is_read() {
        for media_type in LAYERS {
            let found = layers(serde_json::json!([layer("text/plain"), layer(media_type)]));
            assert!(
                matches!(found, Ok(Leads::Layer(Layer { size: 3, .. }))),
                "{media_type}"
            );
        }
    }

    #[test]
    fn what_is_no_component_is_said() {
        let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
        let bad_size = serde_json::json!({ "mediaType": LAYERS[0], "digest": Digest::sha256(b"").as_str(), "size": -1 });
        let bad_digest =
            serde_json::json!({ "mediaType": LAYERS[0], "digest": "sha256:../..", "size": 1 });
        for (found, why) in [
            (layers(serde_json::json!([layer(tar)])), tar),
            (layers(serde_json::json!([])), "no layers"),
            (
                layers(serde_json::json!([layer(LAYERS[0]), layer(LAYERS[1])])),
                "2 of its layers",
            ),
            (layers(serde_json::json!([bad_size])), "-1 bytes"),
            (
                layers(serde_json::json!([bad_digest])),
                "64 hexadecimal digits",
            ),
            (read(b"{}"), "neither an image manifest"),
            (read(b"{"), "EOF"),
        ] {
            let error = found.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn an_index_leads_to_wasm() {
        let on = |architecture: &str, os: &str, text: &[u8]| {
            let digest = Digest::sha256(text);
            let platform = serde_json::json!({ "architecture": architecture, "os": os });
            serde_json::json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": digest.as_str(), "size": 1, "platform": platform })
        };
        let entry = |architecture: &str, text: &[u8]| on(architecture, "wasip2", text);
        let index = |entries: serde_json::Value| {
            let index = serde_json::json!({ "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries });
            read(index.to_string().as_bytes())
        };
        let found = index(serde_json::json!([
            entry("amd64", b"a"),
            entry("wasm", b"w")
        ]));
        let Ok(Leads::Manifest(digest)) = found else {
            panic!("{found:?}");
        };
        assert_eq!(digest, Digest::sha256(b"w"));
        let found = index(serde_json::json!([
            entry("amd64", b"a"),
            entry("arm64", b"b")
        ]));
        assert!(found.unwrap_err().to_string().contains("amd64, arm64"));
        let found = index(serde_json::json!([
            on("wasm", "wasip1", b"module"),
            on("wasm", "wasip2", b"component")
        ]));
        let Ok(Leads::Manifest(digest)) = found else {
            panic!("{found:?}");
        };
        assert_eq!(digest, Digest::sha256(b"component"));
        for (entries, why) in [
            (serde_json::json!([]), "names nothing"),
            (
                serde_json::json!([
                    { "mediaType": "x", "digest": Digest::sha256(b"a").as_str(), "size": 1 },
                    { "mediaType": "x", "digest": Digest::sha256(b"b").as_str(), "size": 1 }
                ]),
                "without a platform",
            ),
        ] {
            let error = index(entries).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
