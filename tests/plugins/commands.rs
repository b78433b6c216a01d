//! The commands that plugins add.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Done, Running, Stream, User, plugin, text};

#[test]
fn a_command_line_is_parsed_as_the_plugin_says() {
    let user = User::new().with(&plugin("my"));
    let line = [
        "my", "paint", "house", "-c", "blue", "--coats", "3", "--ratio", "-1.5", "--dry", "false",
        "--loud", "--loud",
    ];
    let expected = "what: house\ncolor: blue\ncoats: 3\nratio: -1.5\ndry: false\nloud: true, true\nformat: Format::Text\n";
    assert_eq!(user.ok(&line), expected);
    let told = user.ok(&["my", "p", "hut", "-o", "json"]);
    assert!(
        told.contains("color: red\n") && told.ends_with("format: Format::Json\n"),
        "{told}"
    );
    for (line, expected) in [
        (&["my"][..], "Usage: wash my"),
        (&["my", "paint"], "<WHAT>"),
        (&["my", "paint", "x", "--coats", "10"], "expected 1 to 9"),
        (&["my", "paint", "x", "-c", "green"], "blue"),
        (&["my", "pant", "x"], "paint"),
    ] {
        let done = user.wash(line);
        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.stderr.contains(expected), "{done:?}");
    }
}

#[test]
fn help_needs_no_running() {
    let user = User::new().with(&plugin("my"));
    // Nothing of it is left that could run.
    std::fs::remove_dir_all(user.store().join("components")).unwrap();
    std::fs::remove_dir_all(user.store().join("compiled")).unwrap();
    let help = user.ok(&["--help"]);
    let listed = |line: &str| {
        line.split_once("  my ").map(|(_, about)| about.trim()) == Some("Do things that are mine")
    };
    assert!(help.lines().any(listed), "{help}");
    let help = user.ok(&["my", "paint", "--help"]);
    for part in [
        "Paints it in a color",
        "as a rose",
        "wash my paint house --color blue",
        "From the plugin `my` 0.1.0.",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
    assert!(user.ok(&["help", "my", "read"]).contains("<FILES>..."));
    let done = user.wash(&["my", "paint", "house"]);
    done.failed("cannot read the component of the plugin `my`")
        .failed("wash plugin upgrade my");
}

#[test]
fn the_exit_code_is_the_plugins() {
    let user = User::new().with(&plugin("my"));
    assert_eq!(user.wash(&["my", "exit", "5"]).code, Some(5));
    assert_eq!(user.wash(&["my", "exit", "0"]).code, Some(0));
    user.wash(&["my", "fail"])
        .failed("error: the plugin `my` failed: it did not work");
}

#[test]
fn what_is_named_can_be_read_and_nothing_beside_it() {
    let user = User::new().with(&plugin("my"));
    user.write("work/a.txt", "first");
    user.write("work/sub/b.txt", "second");
    assert_eq!(
        user.ok(&["my", "read", "a.txt", "sub/b.txt"]),
        "a.txt (first)\nsub/b.txt (second)\n"
    );
    assert_eq!(
        user.ok(&["-C", "sub", "my", "read", "b.txt"]),
        "b.txt (second)\n"
    );
    user.wash(&["my", "read", "none.txt"])
        .failed("cannot read `");
    let done = user.wash(&["my", "read", "a.wasm"]);
    assert_eq!(done.code, Some(2), "{done:?}");
}

#[test]
fn its_folder_outlives_it() {
    let user = User::new().with(&plugin("my"));
    assert_eq!(user.ok(&["my", "count"]), "1\n");
    assert_eq!(user.ok(&["my", "count"]), "2\n");
    user.ok(&["plugin", "upgrade", "my"]);
    assert_eq!(user.ok(&["my", "count"]), "3\n");
    user.ok(&["plugin", "uninstall", "my"]);
    let user = user.with(&plugin("my"));
    assert_eq!(user.ok(&["my", "count"]), "1\n");
}

#[test]
fn a_plugin_of_wasi_0_3_waits_and_writes() {
    let user = User::new().with(&plugin("my_p3"));
    let done = user.wash(&["later"]);
    assert_eq!((done.code, &*done.stdout), (Some(7), "later\n"), "{done:?}");
}

#[test]
fn a_program_gets_its_words_and_stdin_as_they_are() {
    let user = User::new().with(&plugin("say"));
    assert_eq!(
        user.ok(&["say", "-o", "json", "--help", "--", "x"]),
        "-o|json|--help|--|x\n"
    );
    assert_eq!(user.ok(&["-o", "json", "say"]), "\n");
    let mut child = user
        .command()
        .args(["say", "stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"loud").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"LOUD");
    // To a pipe, bytes go as they are.
    let raw = user.command().args(["say", "raw"]).output().unwrap();
    assert_eq!(raw.stdout, b"\x1b[2Jraw\xff");
}

#[test]
fn ctrl_c_ends_what_computes_for_ever() {
    let user = User::new().with(&plugin("say"));
    let mut command = user.command();
    command.args(["say", "forever"]);
    let mut running = Running::start(command, Stream::Stdout);
    running.line("on and on");
    assert_eq!(running.interrupt().0, Some(130));
}

#[test]
fn names_that_clash_are_refused_with_the_way_round_them() {
    let user = User::new().with(&plugin("my"));
    let other = user.path("other.wasm");
    std::fs::copy(plugin("my"), &other).unwrap();
    let done = user.wash(&["plugin", "install", text(&other)]);
    done.failed("plugin `my` is already installed")
        .failed("--name NAME");
    let done = user.wash(&["plugin", "install", text(&other), "--name", "mine"]);
    done.failed("`wash my` is a command of the plugin `my`")
        .failed("--as my=NAME");
    user.ok(&[
        "plugin",
        "install",
        "--yes",
        text(&other),
        "--name",
        "mine",
        "--as",
        "ours",
    ]);
    assert!(user.ok(&["ours", "paint", "x"]).starts_with("what: x\n"));
    assert_eq!(user.installed(), ["mine", "my"]);
    // The names stay when it is installed again.
    user.ok(&[
        "plugin",
        "install",
        "--yes",
        text(&other),
        "--name",
        "mine",
        "--as",
        "ours",
    ]);
    let bytes = std::fs::read(&other).unwrap();
    std::fs::write(&other, [&bytes[..], b"\0\x02\x01x"].concat()).unwrap();
    assert!(
        user.ok(&["plugin", "upgrade", "mine"])
            .starts_with("upgraded `mine`")
    );
    user.ok(&["ours", "paint", "x"]);
    let done = user.wash(&["plugin", "install", text(&plugin("say")), "--as", "build"]);
    done.failed("`wash build` is a command of `wash` itself");
}

#[test]
fn a_plugin_can_be_tried_without_installing_it() {
    let user = User::new();
    let my = plugin("my");
    let shown = user.ok(&["plugin", "test", text(&my)]);
    assert!(
        shown.contains("command    wash my paint: Paint something"),
        "{shown}"
    );
    assert!(!shown.contains("installed "), "{shown}");
    let told = user.ok(&["plugin", "test", text(&my), "--", "paint", "house"]);
    assert!(told.starts_with("what: house\n"), "{told}");
    let Done { code, stdout, .. } = user.wash(&["plugin", "test", text(&my), "--", "exit", "4"]);
    assert_eq!((code, &*stdout), (Some(4), ""));
    assert_eq!(
        user.ok(&["plugin", "test", text(&plugin("say")), "--", "a", "b"]),
        "a|b\n"
    );
    assert_eq!(user.installed(), [""; 0]);
    assert!(!user.store().exists());
}

#[test]
fn trying_a_plugin_out_leaves_nothing_behind() {
    let user = User::new();
    let temporary = user.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let my = plugin("my");
    for (arguments, code, expected) in [
        (&["paint", "house"][..], 0, "what: house"),
        (&["--help"], 0, "Usage: wash my"),
        (&["paint", "--none"], 2, "unexpected argument"),
        (&["fail"], 1, "it did not work"),
    ] {
        let mut command = user.command();
        command.args(["plugin", "test", text(&my), "--"]);
        let done: Done = command
            .args(arguments)
            .env("TMPDIR", &temporary)
            .output()
            .unwrap()
            .into();
        assert_eq!(done.code, Some(code), "{done:?}");
        let shown = format!("{}{}", done.stdout, done.stderr);
        assert!(shown.contains(expected), "{done:?}");
        let left: Vec<_> = std::fs::read_dir(&temporary).unwrap().collect();
        assert!(left.is_empty(), "{arguments:?}: {left:?}");
    }
}

#[test]
fn a_temporary_directory_that_is_not_there_is_the_machines_fault() {
    let user = User::new().with(&plugin("my"));
    user.write("work/a.txt", "first");
    for line in [
        &["my", "read", "a.txt"][..],
        &["plugin", "test", text(&plugin("my"))],
    ] {
        let mut command = user.command();
        let command = command.args(line).env("TMPDIR", "/none");
        let done: Done = command.output().unwrap().into();
        assert_eq!(done.code, Some(4), "{done:?}");
        let told = "cannot make a temporary directory in `/none`";
        assert!(done.stderr.contains(told), "{done:?}");
        assert!(done.stderr.contains("TMPDIR"), "{done:?}");
    }
}

#[test]
fn a_project_is_built_first() {
    let user = User::new();
    let project = user.path("shout");
    std::fs::create_dir_all(project.join("src")).unwrap();
    std::fs::write(
        project.join("Cargo.toml"),
        "[package]\nname = \"shout\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    )
    .unwrap();
    std::fs::write(
        project.join("src/main.rs"),
        "fn main() { println!(\"HEY\"); }",
    )
    .unwrap();
    let home = std::env::var("HOME").unwrap();
    let mut install = user.command();
    install.args(["plugin", "install", text(&project)]);
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let set = std::env::var(name).unwrap_or_else(|_| format!("{home}/{folder}"));
        install.env(name, set);
    }
    let done: Done = install.output().unwrap().into();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(user.ok(&["shout"]), "HEY\n");
    let source = user.data(&["plugin", "show", "shout"])["source"].take();
    assert_eq!(source["project"], text(&project), "{source}");
}
