//! Artifacts exchanged with other clients: `oras` (its Python package), and the library that `wkg` is made of.

use std::fs;
use std::path::Path;
use std::process::Command;

use futures::TryStreamExt as _;
use wasm_pkg_client::{Client, Config, PublishOpts};

use crate::registry;
use crate::registry::Registry;
use crate::stage::{Stage, component, wit_package};

/// Runs the lines of a script with `client` and `target`.
fn oras(registry: &Registry, target: &str, dir: &Path, script: &str) -> String {
    let address = registry.address();
    let script = format!(
        "import json, oras.client\nclient = oras.client.OrasClient(hostname='{address}', insecure=True)\ntarget = '{address}/{target}'\n{script}"
    );
    let output = Command::new(registry::installed("oras/bin/python"))
        .args(["-c", &script])
        .env("HOME", dir)
        .env_remove("DOCKER_CONFIG")
        .current_dir(dir)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn oras_saves_what_we_push() {
    let registry = Registry::start();
    let stage = Stage::new();
    let reference = format!("{}/hello:1", registry.address());
    let pushed = stage.json(&["oci", "push", "--insecure", &reference, "hello.wasm"]);
    fs::create_dir(stage.path("saved")).unwrap();
    oras(
        &registry,
        "hello:1",
        &stage.path(""),
        "client.pull(target=target, outdir='saved')",
    );
    assert_eq!(stage.read("saved/hello.wasm"), component(0));

    let script = "print(json.dumps(client.get_manifest(client.get_container(target))))";
    let manifest = oras(&registry, "hello:1", &stage.path(""), script);
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.wasm.config.v0+json"
    );
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["annotations"], pushed["annotations"]);
}

#[test]
fn we_pull_what_oras_pushes() {
    let registry = Registry::start();
    let stage = Stage::new();
    for (tag, media_type) in [
        ("standard", "application/wasm"),
        ("old", "application/vnd.wasm.content.layer.v1+wasm"),
        ("older", "application/vnd.module.wasm.content.layer.v1+wasm"),
        ("none", "application/octet-stream"),
    ] {
        let script = format!("client.push(target=target, files=['hello.wasm:{media_type}'])");
        let target = format!("hello:{tag}");
        oras(&registry, &target, &stage.path(""), &script);
        let reference = format!("{}/{target}", registry.address());
        let out = format!("{tag}.wasm");
        stage.json(&["oci", "pull", "--insecure", &reference, &out]);
        assert_eq!(stage.read(&out), component(0), "{tag}");
    }
    stage.file("notes.txt", "notes");
    let script = "client.push(target=target, files=['notes.txt:text/plain'])";
    oras(&registry, "notes:1", &stage.path(""), script);
    let reference = format!("{}/notes:1", registry.address());
    let pull = stage.wash(&["oci", "pull", "--insecure", &reference]);
    pull.assert_failure(&["it contains no WebAssembly: text/plain"]);
}

fn wkg(registry: &Registry) -> Client {
    let address = registry.address();
    let config = format!(
        r#"
[namespace_registries]
demo = {{ registry = "{address}", metadata = {{ preferredProtocol = "oci", oci = {{ registry = "{address}" }} }} }}
[registry."{address}"]
type = "oci"
[registry."{address}".oci]
protocol = "http"
"#
    );
    Client::new(Config::from_toml(&config).unwrap())
}

async fn fetched(client: &Client, package: &str, version: &str) -> Vec<u8> {
    let package = package.parse().unwrap();
    let version = version.parse().unwrap();
    let release = client.get_release(&package, &version).await.unwrap();
    let stream = client.stream_content(&package, &release).await.unwrap();
    let pieces: Vec<_> = stream.try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn wkg_and_we_read_each_other() {
    let registry = Registry::start();
    let client = wkg(&registry);
    let stage = Stage::new();
    stage.file("words.wasm", wit_package());
    for (file, package) in [("hello.wasm", "demo:hello"), ("words.wasm", "demo:words")] {
        let repository = package.replace(':', "/");
        let ours = format!("{}/{repository}:1.0.0", registry.address());
        stage.json(&["oci", "push", "--insecure", &ours, file]);
        assert!(
            fetched(&client, package, "1.0.0").await == stage.read(file),
            "{file}"
        );

        // wkg publishes only what has the version of a package in it.
        if file == "hello.wasm" {
            continue;
        }
        let options = PublishOpts {
            skip_semver_check: true,
            package: Some((package.parse().unwrap(), "2.0.0".parse().unwrap())),
            ..PublishOpts::default()
        };
        client
            .publish_release_file(stage.path(file), options)
            .await
            .unwrap();
        let theirs = format!("{}/{repository}:2.0.0", registry.address());
        stage.json(&["oci", "pull", "--insecure", &theirs, "theirs.wasm"]);
        assert_eq!(stage.read("theirs.wasm"), stage.read(file), "{file}");
    }
}
