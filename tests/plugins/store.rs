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
        .failed("plugin `mi` is not installed")
        .failed("did you mean `my`?");
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
    assert!(
        done.stderr
            .contains("`wash plugin install SOURCE --name my` repairs it"),
        "{done:?}"
    );
    assert!(done.stdout.contains("my   -  "), "{done:?}");
    let broken_entries = user.data(&["plugin", "list"])["broken"].take();
    assert_eq!(broken_entries[0]["name"], "my", "{broken_entries}");
    assert!(broken_entries[0]["reason"].is_string());
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
fn a_broken_entry_is_repaired_with_its_folder_and_its_permissions() {
    let newer = |text: &str| text.replace("\"format\": 1", "\"format\": 2");
    let damaged = |_: &str| "{".to_owned();
    for damage in [&newer as &dyn Fn(&str) -> String, &damaged] {
        let user = User::new().with(&plugin("my"));
        assert_eq!(user.ok(&["my", "count"]), "1\n");
        let manifest = user.store().join("installed/my.json");
        let text_of = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(&manifest, damage(&text_of)).unwrap();
        let policy = std::fs::read(user.store().join("policy.json")).unwrap();
        let done = user.wash(&["plugin", "list"]);
        assert!(
            !done.stdout.contains("no plugins are installed"),
            "{done:?}"
        );
        assert!(
            done.stderr
                .contains("it keeps its data and its permissions"),
            "{done:?}"
        );
        let done = user.wash(&["plugin", "install", text(&plugin("my"))]);
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.stdout.starts_with("repaired `my`"), "{done:?}");
        assert_eq!(user.ok(&["my", "count"]), "2\n");
        let kept = std::fs::read(user.store().join("policy.json")).unwrap();
        assert_eq!(kept, policy);
    }
}

#[test]
fn a_broken_entry_is_not_replaced_by_a_plugin_from_elsewhere() {
    let user = User::new().with(&plugin("my"));
    let manifest = user.store().join("installed/my.json");
    let text_of = std::fs::read_to_string(&manifest).unwrap();
    let newer = text_of.replace("\"format\": 1", "\"format\": 2");
    std::fs::write(&manifest, &newer).unwrap();
    let other = user.path("other.wasm");
    std::fs::copy(plugin("my"), &other).unwrap();
    user.wash(&["plugin", "install", text(&other)])
        .failed("plugin `my` is already installed, from")
        .failed("--name NAME");
    assert_eq!(std::fs::read_to_string(&manifest).unwrap(), newer);
}

#[test]
fn a_component_that_is_damaged_is_told_by_the_doctor() {
    let user = User::new().with(&plugin("say"));
    let components = std::fs::read_dir(user.store().join("components")).unwrap();
    for component in components {
        std::fs::write(component.unwrap().path(), "").unwrap();
    }
    let done = user.wash(&["doctor"]);
    let told = format!("{}{}", done.stdout, done.stderr);
    assert!(told.contains("the plugin `say` cannot run: "), "{told}");
    assert!(told.contains("wash plugin upgrade say"), "{told}");
}

#[test]
fn compiled_code_goes_with_its_plugin() {
    let user = User::new().with(&plugin("say")).with(&plugin("my"));
    let count = || {
        let compiled = std::fs::read_dir(user.store().join("compiled")).unwrap();
        compiled.count()
    };
    assert_eq!(count(), 2);
    user.ok(&["plugin", "uninstall", "my"]);
    assert_eq!(count(), 1);
}

#[test]
fn a_plugin_runs_where_its_folder_cannot_be_made() {
    let user = User::new().with(&plugin("say")).with(&plugin("hostile"));
    let data = user.store().join("data");
    let _ = std::fs::remove_dir_all(&data);
    std::fs::write(&data, "in the way of every folder").unwrap();
    assert_eq!(user.ok(&["say", "x"]), "x\n");
    // It has an empty folder, which goes when it ends.
    assert_eq!(user.ok(&["hostile", "write", "mine"]), "got written\n");
    let read = user.ok(&["hostile", "read", "mine"]);
    assert!(read.starts_with("refused"), "{read}");
}

#[test]
fn what_is_installed_can_be_read_by_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let user = User::new().with(&plugin("my"));
    for path in ["installed/my.json", "policy.json"] {
        let metadata = std::fs::metadata(user.store().join(path)).unwrap();
        let mode = metadata.permissions().mode();
        assert_eq!(mode & 0o444, 0o444, "{path}: {mode:o}");
        assert_eq!(mode & 0o022, 0, "{path}: {mode:o}");
    }
}

#[test]
fn a_command_that_is_renamed_loses_the_name_that_was_chosen() {
    let user = User::new();
    let path = user.path("plugin.wasm");
    std::fs::copy(plugin("my"), &path).unwrap();
    let line = ["plugin", "install", "--yes", text(&path), "--as", "mine"];
    user.ok(&line);
    // As if the version before had called its command otherwise.
    let manifest = user.store().join("installed/my.json");
    let mut before: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    for command in before["commands"].as_array_mut().unwrap() {
        command["described"][0] = json!("ours");
    }
    std::fs::write(&manifest, before.to_string()).unwrap();
    change(&path);
    let done = user.wash(&["plugin", "upgrade", "my"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("`mine` for `ours`"), "{done:?}");
    assert!(user.ok(&["my", "paint", "x"]).starts_with("what: x\n"));
}

#[test]
fn names_that_make_no_sense_are_wrong_command_lines() {
    let user = User::new();
    let say = plugin("say");
    for (option, expected) in [
        (["--name", "Bad Name"], "`--name NAME` gives the plugin"),
        (["--as", "x y"], "`--as NAME` names its command"),
    ] {
        let done = user.wash(&["plugin", "install", text(&say), option[0], option[1]]);
        assert_eq!(done.code, Some(2), "{done:?}");
        done.failed(expected);
    }
}

#[test]
fn what_is_neither_a_file_nor_a_reference_is_told_for_what_it_is() {
    let user = User::new();
    for (source, expected) in [
        (
            "https://example.com/a.wasm",
            "curl -fLO https://example.com/a.wasm",
        ),
        ("file:///a/b.wasm", "name the file by its path: /a/b.wasm"),
        ("/dev/null", "`/dev/null` is not a regular file"),
        ("-", "`-` is not a regular file"),
    ] {
        for command in [&["inspect"][..], &["plugin", "install"]] {
            let line: Vec<&str> = command.iter().copied().chain([source]).collect();
            let done = user.wash(&line);
            assert_eq!(done.code, Some(2), "{done:?}");
            done.failed(expected);
        }
    }
}

#[test]
fn a_policy_that_makes_no_sense_allows_nothing() {
    let user = User::new().with(&plugin("say"));
    std::fs::write(user.store().join("policy.json"), "{ nonsense").unwrap();
    user.wash(&["say", "x"])
        .failed("policy.json` is not valid JSON: ");
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
    done.failed("cannot upgrade `my`: ")
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
        .failed("`empty` is not a plugin: it exports none of a plugin's interfaces")
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
        .failed("plugin `mi` is not installed");
}
