//! Manifests for tests.

use wash_fetch::oci::Digest;

use super::manifest::{Command, FORMAT, Manifest, Runs, Source};

/// A plugin with one command, which is called as the plugin is.
pub(crate) fn manifest(name: &str) -> Manifest {
    Manifest {
        format: FORMAT,
        name: name.to_owned(),
        version: Some("0.1.0".to_owned()),
        summary: format!("Does {name}"),
        digest: Digest::sha256(name.as_bytes()),
        size: 1,
        source: Source::File("/plugin.wasm".into()),
        installed: "2026-11-22T12:00:00Z".to_owned(),
        runs: Runs::Commands,
        commands: vec![command(&[name])],
        hooks: Vec::new(),
        async_hooks: false,
        completes: false,
        imports: Vec::new(),
        provides: Vec::new(),
        wants: Vec::new(),
    }
}

pub(crate) fn command(path: &[&str]) -> Command {
    let path: Vec<String> = path.iter().map(|word| (*word).to_owned()).collect();
    Command {
        described: path.clone(),
        path,
        summary: "Do it".to_owned(),
        ..Command::default()
    }
}
