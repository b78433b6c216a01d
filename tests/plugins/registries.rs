//! Plugins from a registry.

use crate::registry::Registry;
use crate::support::{User, hostile, plugin, text};

#[test]
fn a_plugin_is_installed_from_a_registry_and_upgraded_from_there() {
    let registry = Registry::start();
    let user = User::new();
    let reference = format!("{}/tools/say:1", registry.address());
    let push = |name: &str| {
        let path = plugin(name);
        user.ok(&["oci", "push", "--insecure", &reference, text(&path)]);
    };
    push("say");
    let install = ["plugin", "install", "--insecure", &reference];
    assert!(user.ok(&install).starts_with("installed `say`"));
    assert_eq!(user.ok(&["say", "x"]), "x\n");
    assert_eq!(
        user.data(&["plugin", "show", "say"])["source"]["image"],
        reference
    );
    let upgrade = ["plugin", "upgrade", "--insecure", "say"];
    assert!(user.ok(&upgrade).contains("is up to date"));
    push("my_p3");
    assert!(user.ok(&upgrade).starts_with("upgraded `say` 0.3.0"));
    // It is called as it was.
    assert_eq!(user.wash(&["say"]).code, Some(7));
    let none = format!("{}/tools/none:1", registry.address());
    user.wash(&["plugin", "install", "--insecure", &none])
        .failed(&none);
    assert_eq!(user.installed(), ["say"]);
}

#[test]
fn what_was_pushed_is_told_although_a_plugin_objects() {
    let registry = Registry::start();
    let user = User::new();
    user.ok(&["plugin", "install", text(&hostile(&user, "hook=fail"))]);
    let reference = format!("{}/tools/say:1", registry.address());
    let path = plugin("say");
    let done = user.wash(&["oci", "push", "--insecure", &reference, text(&path)]);
    done.failed(&format!("error: `{reference}@sha256:"))
        .failed("` was pushed\n  caused by: plugin `hostile` rejected the push");
}
