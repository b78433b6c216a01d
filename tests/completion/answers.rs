//! What scripts are answered: the candidates, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::home::{Home, is_empty, said};

/// Asks as the script of zsh does.
fn ask(home: &Home, dir: &str, words: &[&str]) -> Output {
    let mut command = home.command(dir, &[&["wash"], words].concat());
    command.env("WASH_COMPLETE", "zsh:1").output().unwrap()
}

pub(crate) fn candidates(home: &Home, dir: &str, words: &[&str]) -> Vec<String> {
    let output = ask(home, dir, words);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        said(&output)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let value = |line: &str| line[1..].split('\t').next().unwrap().to_owned();
    text.lines().map(value).collect()
}

#[test]
fn every_place_has_its_candidates() {
    let home = Home::new();
    home.project();
    for (words, expected) in [
        (&["-o", ""][..], &["text", "json"][..]),
        (&["--log-level", "w"], &["warn"]),
        (
            &["dev", "--address", "127"],
            &["127.0.0.1:0", "127.0.0.1:8000"],
        ),
        (&["inspect", "--graph", "s"], &["svg", "sub/"]),
        (
            &["oci", "pull", "--pull-policy", ""],
            &["always", "ifNotPresent", "never"],
        ),
        (&["oc"], &["oci"]),
        (&["dock"], &["docker"]),
        (&["call", "--env", "HOM"], &["HOME="]),
        (&["call", "paint", "red", ""], &["true", "false"]),
        (&["call", "counter(5).n"], &["counter(5).next()"]),
        (
            &["inspect", "--why", ""],
            &["test:paint", "test:paint/canvas"],
        ),
        (
            &["inspect", "../"],
            &["../lib/painter.wasm", "../bin/", "../lib/", "../project/"],
        ),
        (&["wit", "add", "--world", ""], &[]),
        (&["-C", "sub", "build", ""], &["my folder/"]),
        (&["config", "show", "dev.ad"], &["dev.address"]),
        (&["new", "app", "--template", "bl"], &["blobby"]),
        (&["help", "oc"], &["oci"]),
        (&["--", "bu"], &[]),
        // There is no such flag, and letters are not added to it.
        (&["inspect", "-d"], &[]),
        (&["build", "x", "y", ""], &["--output"]),
    ] {
        let found = candidates(&home, "project", words);
        match expected {
            ["--output"] => assert!(found.iter().all(|it| it.starts_with('-')), "{words:?}"),
            _ => assert_eq!(found, expected, "{words:?}"),
        }
    }
}

#[test]
fn plugins_are_inspected_by_their_names() {
    let home = Home::new();
    home.file("beside.wasm", "");
    let plugin = crate::plugin_guest::plugin("my");
    home.wash(
        "",
        &["plugin", "install", "--yes", plugin.to_str().unwrap()],
    );
    assert_eq!(
        candidates(&home, "", &["inspect", "plugin:"]),
        ["plugin:my"]
    );
    assert_eq!(candidates(&home, "", &["inspect", "pl"]), ["plugin:my"]);
    assert_eq!(
        candidates(&home, "", &["inspect", "b"]),
        ["beside.wasm", "bin/"]
    );
}

#[test]
fn a_folder_with_many_files_shows_files_and_no_options() {
    let home = Home::new();
    for number in 0..20_000 {
        home.file(&format!("many/{number}.txt"), "");
    }
    home.file("many/a.wasm", "");
    let ask = |limit: &str| {
        let mut command = home.command("many", &["wash", "inspect", ""]);
        let command = command
            .env("WASH_COMPLETE", "zsh:1")
            .env("WASH_COMPLETE_TIMEOUT", limit);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(ask("10000"), "+a.wasm\t\n");
    // With hardly any time there may be none, but nothing else instead.
    assert!(!ask("1").contains("--"));
}

#[test]
fn wit_packages_are_those_of_the_project() {
    let home = Home::new();
    home.file(
        "wit/world.wit",
        "package my:app;\nworld web { import wasi:keyvalue/store@0.2.0-draft; }\nworld tool {}\n",
    );
    home.wash("", &["wit", "fetch", "--offline"]);
    assert_eq!(
        candidates(&home, "", &["wit", "remove", ""]),
        ["wasi:keyvalue", "wasi:keyvalue/store@0.2.0-draft"]
    );
    assert_eq!(
        candidates(&home, "", &["wit", "why", ""]),
        ["wasi:keyvalue@0.2.0-draft"]
    );
    assert_eq!(
        candidates(&home, "", &["wit", "add", "--world", ""]),
        ["web", "tool"]
    );
}

#[test]
fn nothing_is_written_and_nothing_is_said() {
    let home = Home::new();
    home.file("project/.wash/config.yaml", "build: [");
    home.file("project/app.wasm", "no component");
    for words in [
        &["call", ""][..],
        &["oci", "pull", ""],
        &["inspect", "--why", ""],
        &["dev", ""],
    ] {
        candidates(&home, "project", words);
    }
    assert!(is_empty(&home.path(".cache")) && is_empty(&home.path(".local")));
}

#[test]
fn what_does_not_answer_is_not_waited_for() {
    let home = Home::new();
    home.project();
    let pipe = |name: &str| {
        let path = home.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
    };
    pipe(".cache/wash/oci/history.json");
    pipe("project/.wash/config.yaml");
    pipe(".local/share/wash/plugins/installed/my.json");
    let begin = Instant::now();
    for (words, expected) in [
        (&["oci", "pull", "x"][..], &[][..]),
        (&["call", "g"], &[]),
        (&["ins"], &["inspect"]),
    ] {
        let mut command = home.command("project", &[&["wash"], words].concat());
        let command = command
            .env("WASH_COMPLETE", "zsh:1")
            .env("WASH_COMPLETE_TIMEOUT", "100");
        let output = command.output().unwrap();
        assert!(output.stderr.is_empty(), "{}", said(&output));
        assert_eq!(output.stdout.is_empty(), expected.is_empty(), "{words:?}");
    }
    // Not for ever; how long exactly is for the benchmark.
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn names_that_would_do_things_to_the_terminal_are_left_out() {
    let home = Home::new();
    home.file("bad\u{1b}[31m.wasm", "");
    home.file("good.wasm", "");
    fs::set_permissions(home.path("good.wasm"), fs::Permissions::from_mode(0o000)).unwrap();
    let found = candidates(&home, "", &["inspect", ""]);
    assert_eq!(found, ["good.wasm", "bin/"]);
}

#[test]
fn packaged_scripts_are_those_that_are_printed() {
    let home = Home::new();
    let packaged = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let mut files: Vec<String> = fs::read_dir(&packaged)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    for (shell, file) in [
        ("bash", "wash.bash"),
        ("zsh", "_wash"),
        ("fish", "wash.fish"),
        ("elvish", "wash.elv"),
        ("powershell", "wash.ps1"),
        ("nushell", "wash.nu"),
    ] {
        let printed = home.wash("", &["completion", shell]);
        assert_eq!(
            printed,
            fs::read_to_string(packaged.join(file)).unwrap(),
            "{file}"
        );
        files.retain(|name| name != file);
    }
    assert!(files.is_empty(), "{files:?}");
}
