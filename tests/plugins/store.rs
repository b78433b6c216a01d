//! What is installed, and a store with something broken in it.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{User, plugin, text};

#[test]
fn what_is_installed_is_listed_and_shown() {
    let user = User::new().with(&plugin("say")).with(&plugin("my"));
    let list = user.ok(&["plugin", "list"]);
    assert!(
        list.contains("my") && list.contains("wash my; hooks before-build"),
        "{list}"
    );
    let data = user.data(&["plugin", "show", "my"]);
    for (key, value) in [
        ("name", json!("my")),
        ("version", json!("0.1.0")),
        ("runs", json!("commands")),
        ("completes", json!(true)),
        (
            "hooks",
            json!([
                "before-build",
                "after-build",
                "before-dev",
                "after-dev",
                "before-push"
            ]),
        ),
        ("provides", json!([])),
        ("undecided", json!([])),
    ] {
        assert_eq!(data[key], value, "{key}");
    }
    let digest = data["digest"].as_str().unwrap();
    let path = user
        .store()
        .join("components")
        .join(format!("{}.wasm", &digest[7..]));
    assert_eq!(
        std::fs::read(path).unwrap(),
        std::fs::read(plugin("my")).unwrap()
    );
    user.wash(&["plugin", "show", "mi"])
        .failed("no plugin `mi` is installed")
        .failed("there is `my`");
    assert!(
        user.ok(&["plugin", "uninstall", "my", "say"])
            .contains("removed `my`, `say`")
    );
    let left = std::fs::read_dir(user.store().join("components"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
    assert!(
        user.ok(&["plugin", "list"])
            .contains("no plugins are installed")
    );
    user.wash(&["my", "count"])
        .failed("unrecognized subcommand");
}

#[test]
fn a_broken_entry_does_not_keep_others_from_working() {
    let user = User::new().with(&plugin("say"));
    let broken = user.store().join("installed/my.json");
    std::fs::write(&broken, "{").unwrap();
    assert_eq!(user.ok(&["say", "x"]), "x\n");
    let done = user.wash(&["plugin", "list"]);
    assert!(
        done.stderr.contains("installed/my.json` cannot be read"),
        "{done:?}"
    );
    assert!(done.stderr.contains("wash plugin uninstall my"), "{done:?}");
    let done = user.wash(&["my", "count"]);
    done.failed("cannot be read")
        .failed("unrecognized subcommand");
    // What does not use plugins does not speak of them.
    let done = user.wash(&["wit", "--help"]);
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
    user.ok(&["plugin", "install", "--yes", text(&plugin("my"))]);
    assert_eq!(user.installed(), ["my", "say"]);
    std::fs::write(&broken, "{").unwrap();
    user.ok(&["plugin", "uninstall", "my"]);
    assert_eq!(user.installed(), ["say"]);
}

#[test]
fn a_policy_that_makes_no_sense_allows_nothing() {
    let user = User::new().with(&plugin("say"));
    std::fs::write(user.store().join("policy.json"), "{ nonsense").unwrap();
    user.wash(&["say", "x"])
        .failed("policy.json`, which says what plugins are allowed, makes no sense");
}

/// Installs `my` from a file of the user's own.
fn my_from_a_file(user: &User) -> PathBuf {
    let path = user.path("plugin.wasm");
    std::fs::copy(plugin("my"), &path).unwrap();
    user.ok(&["plugin", "install", "--yes", text(&path)]);
    path
}

/// Makes another version of a component: one more custom section, which is empty.
fn change(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, [&bytes[..], b"\0\x02\x01x"].concat()).unwrap();
}

#[test]
fn an_upgrade_that_wants_more_says_so_and_waits() {
    let user = User::new();
    let path = my_from_a_file(&user);
    assert!(
        user.ok(&["plugin", "upgrade"])
            .contains("`my` is up to date")
    );
    // The same plugin, as if it had wanted less before.
    let manifest = user.store().join("installed/my.json");
    let mut before: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    before["wants"] = json!([]);
    before["version"] = json!("0.0.9");
    std::fs::write(&manifest, before.to_string()).unwrap();
    std::fs::write(user.store().join("policy.json"), "{\"plugins\": {}}").unwrap();
    change(&path);
    let done = user.wash(&["plugin", "upgrade", "my"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.stderr.contains(
            "`my` 0.1.0 wants to read the project in the current directory; 0.0.9 did not"
        ),
        "{done:?}"
    );
    user.wash(&["my", "paint", "x"])
        .failed("wash plugin allow my");
}

#[test]
fn a_plugin_that_cannot_be_upgraded_does_not_keep_others_from_it() {
    let user = User::new().with(&plugin("say"));
    let path = my_from_a_file(&user);
    std::fs::remove_file(&path).unwrap();
    let done = user.wash(&["plugin", "upgrade"]);
    done.failed("`my` is not upgraded: ")
        .failed("error: not upgraded: `my`\n");
    assert_eq!(done.stdout, "`say` is up to date\n");
    let done = user.wash(&["plugin", "upgrade", "-o", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(answer["success"], false, "{answer}");
    let plugins = answer["data"]["plugins"].as_array().unwrap();
    assert_eq!(plugins.len(), 1, "{answer}");
    assert_eq!(plugins[0]["name"], "say");
    assert_eq!(plugins[0]["upgraded"], false);
    // One that is named alone fails by itself.
    user.wash(&["plugin", "upgrade", "my"])
        .failed("plugin.wasm");
}

#[test]
fn programs_get_one_object_for_all_upgrades() {
    let user = User::new().with(&plugin("say"));
    change(&my_from_a_file(&user));
    let data = user.data(&["plugin", "upgrade"]);
    let plugins = data["plugins"].as_array().unwrap();
    let upgraded = plugins
        .iter()
        .map(|plugin| (&plugin["name"], &plugin["upgraded"]));
    let expected = [(&json!("my"), &json!(true)), (&json!("say"), &json!(false))];
    assert!(upgraded.eq(expected), "{data}");
}

/// Exports an interface with one function, which answers a number.
fn component(interface: &str, function: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m (func (export "f") (result i32) {body}))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (component $shim (import "f" (func $f (result u32))) (export "{function}" (func $f)))
            (instance $all (instantiate $shim (with "f" (func $f))))
            (export "{interface}" (instance $all)))"#
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn what_is_exported_of_our_world_is_ours() {
    let user = User::new();
    let path = user.path("odd.wasm");
    let odd = component("wash:plugin/describer@0.1.0", "describe", "i32.const 5");
    std::fs::write(&path, odd).unwrap();
    let done = user.wash(&["plugin", "install", text(&path)]);
    done.failed("the plugin exports `wash:plugin/describer@0.1.0`, but with another type: ")
        .failed("function `describe`: result: expected `")
        .failed("found `u32`")
        .failed("hint: build it against the `wash:plugin@0.1.0` of this version");
    assert!(!user.store().join("installed").exists());
}

#[test]
fn why_a_component_does_not_load_is_told() {
    let user = User::new();
    let path = user.path("broken.wasm");
    let broken = component("my:numbers/source@0.1.0", "five", "i64.const 5");
    std::fs::write(&path, broken).unwrap();
    let done = user.wash(&["plugin", "install", text(&path)]);
    done.failed("does not load: ").failed("type mismatch");
}

#[test]
fn what_is_no_plugin_is_refused_with_what_is_one() {
    let user = User::new();
    let empty = user.path("empty.wasm");
    std::fs::write(&empty, wat::parse_str("(component)").unwrap()).unwrap();
    user.wash(&["plugin", "install", text(&empty)])
        .failed("`empty` exports nothing that a plugin has")
        .failed("wash:plugin/describer");
    let text_file = user.write("notes.wasm", "notes");
    user.wash(&["plugin", "install", text(&text_file)])
        .failed("notes.wasm");
    user.wash(&["plugin", "install", "none.wasm"])
        .failed("none.wasm");
    assert!(!user.store().join("installed").exists());
}

#[test]
fn an_installed_plugin_is_inspected_by_its_name() {
    let user = User::new().with(&plugin("my"));
    for name in ["my", "plugin:my"] {
        let shown = user.ok(&["inspect", name]);
        let exported = shown
            .lines()
            .find(|line| line.contains("wash:plugin/describer"));
        let driven = exported.is_some_and(|line| line.contains("called by `wash`, as a plugin"));
        assert!(driven, "{shown}");
    }
    user.wash(&["inspect", "plugin:mi"])
        .failed("no plugin `mi` is installed");
}
