//! `secret-scan`, which stops the push of a component with a secret in it.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::plugins::Plugins;
use crate::registry::Registry;

/// Put together here, so that no scanner takes this file for a leak.
fn token() -> String {
    ["gh", "p_", "k3Jd9QwZx7LmP2vRt8HsYb5NcGf4TqWe6Xa", "K"].concat()
}

/// A component with these bytes in its data.
fn component(data: &str) -> Vec<u8> {
    let text = format!("(component (core module (memory 1) (data (i32.const 0) \"x{data}y\")))");
    wat::parse_str(text).unwrap()
}

/// A project whose component is there already.
fn project(component: &[u8]) -> TempDir {
    let project = tempfile::tempdir().unwrap();
    let config = "name: app\nbuild:\n  command: 'true'\n  component_path: app.wasm\n";
    fs::create_dir(project.path().join(".wash")).unwrap();
    fs::write(project.path().join(".wash/config.yaml"), config).unwrap();
    fs::write(project.path().join("app.wasm"), component).unwrap();
    project
}

fn push(plugins: &Plugins, registry: &Registry, from: &Path, what: &[&str]) -> (bool, String) {
    let reference = format!("{}/app:1", registry.address());
    let args = [&["oci", "push", "--insecure", &reference], what].concat();
    let Output {
        status,
        stdout,
        stderr,
    } = plugins.run_in(from, &args);
    let text = [stdout, stderr].concat();
    (
        status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Whether the registry has it.
fn is_pushed(plugins: &Plugins, registry: &Registry) -> bool {
    let reference = format!("{}/app:1", registry.address());
    let into = tempfile::tempdir().unwrap();
    let args = ["oci", "pull", "--insecure", &reference, "pulled.wasm"];
    plugins.run_in(into.path(), &args).status.success()
}

#[test]
fn a_secret_stops_the_push_until_it_is_allowed() {
    let (plugins, registry) = (Plugins::with("secret-scan"), Registry::start());
    let project = project(&component(&token()));
    let (pushed, text) = push(&plugins, &registry, project.path(), &[]);
    assert!(!pushed && !is_pushed(&plugins, &registry), "{text}");
    assert!(
        text.contains("plugin `secret-scan` rejected the push"),
        "{text}"
    );
    assert!(
        text.contains("GitHub token in the data of core module 0, at byte "),
        "{text}"
    );
    assert!(!text.contains("k3Jd"), "{text}");

    // A file is looked at as well as a project, and without a project, too.
    fs::write(plugins.data().join("app.wasm"), component(&token())).unwrap();
    let (pushed, text) = push(&plugins, &registry, plugins.data(), &["app.wasm"]);
    assert!(
        !pushed && text.contains("GitHub token in the data"),
        "{text}"
    );

    let (_, rest) = text.split_once("of the file (").unwrap();
    let (fingerprint, _) = rest.split_once(')').unwrap();
    let allowed = format!("# An example.\n{fingerprint}\n");
    fs::write(project.path().join(".wash/secret-scan.allow"), allowed).unwrap();
    let (pushed, text) = push(&plugins, &registry, project.path(), &[]);
    assert!(pushed && is_pushed(&plugins, &registry), "{text}");
}

#[test]
fn what_has_no_secret_is_pushed() {
    let (plugins, registry) = (Plugins::with("secret-scan"), Registry::start());
    let project = project(&component("-----BEGIN PRIVATE KEY-----"));
    let (pushed, text) = push(&plugins, &registry, project.path(), &[]);
    assert!(pushed && is_pushed(&plugins, &registry), "{text}");
}

#[test]
fn who_may_not_look_lets_nothing_pass() {
    let (plugins, registry) = (Plugins::with("secret-scan"), Registry::start());
    plugins.done(&["plugin", "deny", "secret-scan", "--project"]);
    let project = project(&component(""));
    let (pushed, text) = push(&plugins, &registry, project.path(), &[]);
    assert!(!pushed, "{text}");
    assert!(
        text.contains("`wash plugin allow secret-scan --project`"),
        "{text}"
    );
}

#[test]
fn a_file_can_be_looked_at_without_a_push() {
    let plugins = Plugins::with("secret-scan");
    for (name, data) in [("leak.wasm", token()), ("clean.wasm", String::new())] {
        fs::write(plugins.data().join(name), component(&data)).unwrap();
    }
    let clean = plugins.done(&["secret-scan", "clean.wasm"]);
    assert_eq!(clean, "clean.wasm: no secrets\n");
    let leak = plugins.run_in(plugins.data(), &["secret-scan", "leak.wasm", "-o", "json"]);
    assert_eq!(leak.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&leak.stdout).unwrap();
    assert_eq!(found["secrets"][0]["kind"], "GitHub token");
}
