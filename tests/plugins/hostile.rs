//! Plugins that mean harm: each gets nothing.

use std::io::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::support::{Done, User, hostile, plugin, text};

fn user() -> User {
    User::new().with(&plugin("hostile"))
}

/// What it printed when it was refused, after whatever `wash` says of it.
#[track_caller]
fn refused(user: &User, words: &[&str]) -> Done {
    let line: Vec<&str> = ["hostile"].iter().chain(words).copied().collect();
    let mut command = user.command();
    command.args(line).env("SECRET", "open-sesame");
    let done: Done = command.output().unwrap().into();
    assert!(!done.stdout.contains("got "), "{words:?}: {done:?}");
    assert!(!done.stdout.contains("open-sesame"), "{words:?}: {done:?}");
    done
}

#[test]
fn files_outside_its_folder_are_out_of_reach() {
    let user = user().with(&plugin("my"));
    user.ok(&["my", "count"]);
    let secret = user.write("secret", "open-sesame");
    user.write("work/secret", "open-sesame");
    let of_my = user.store().join("data/my/count");
    assert!(of_my.exists());
    let own = user.store().join("data/hostile");
    std::fs::create_dir_all(&own).unwrap();
    std::os::unix::fs::symlink(&secret, own.join("way-out")).unwrap();
    std::os::unix::fs::symlink(user.path(""), own.join("up")).unwrap();
    let paths = [
        text(&secret),
        "secret",
        "../my/count",
        "/../my/count",
        "../../policy.json",
        text(&of_my),
        "way-out",
        "up/secret",
        "/proc/self/environ",
        "/etc/passwd",
        "/project/secret",
        "/arguments/0/secret",
    ];
    for path in paths {
        refused(&user, &["read", path]);
        refused(&user, &["link", path]);
    }
    for path in ["..", "/..", "/proc", "up", text(&user.store())] {
        refused(&user, &["list", path]);
    }
    let outside = user.path("written");
    for path in [
        text(&outside),
        "../written",
        "up/written",
        "way-out",
        "../../policy.json",
        "../my/count",
    ] {
        let done = refused(&user, &["write", path]);
        assert!(done.stdout.contains("refused"), "{path}: {done:?}");
    }
    assert!(!outside.exists());
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "open-sesame");
    assert_eq!(std::fs::read_to_string(of_my).unwrap(), "1");
    // Its own folder is its own.
    assert_eq!(user.ok(&["hostile", "write", "mine"]), "got written\n");
    assert!(own.join("mine").exists());
}

#[test]
fn the_environment_is_empty() {
    let done: Done = user()
        .command()
        .args(["hostile", "env"])
        .env("SECRET", "x")
        .output()
        .unwrap()
        .into();
    assert_eq!(done.stdout, "got []\n");
}

#[test]
fn the_network_is_out_of_reach_with_the_line_that_allows_it() {
    let user = user();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in [
        "127.0.0.1",
        "[::1]",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "192.0.0.8",
    ] {
        let done = refused(&user, &["connect", &format!("{host}:{port}")]);
        assert!(done.stdout.contains("refused"), "{done:?}");
    }
    let done = refused(&user, &["connect", "203.0.113.7:80"]);
    assert!(
        done.stderr
            .contains("`wash plugin allow hostile --host 203.0.113.7:80`"),
        "{done:?}"
    );
    let done = refused(&user, &["resolve", "example.com"]);
    assert!(
        done.stderr
            .contains("`wash plugin allow hostile --host example.com`"),
        "{done:?}"
    );
    assert!(listener.accept().is_err(), "nobody connected");
}

#[test]
fn what_is_allowed_of_the_network_works_and_nothing_beside_it() {
    let user = user();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"hello").unwrap();
    });
    user.ok(&[
        "plugin",
        "allow",
        "hostile",
        "--host",
        &format!("localhost:{port}"),
    ]);
    let there = format!("host.wasmcloud.internal:{port}");
    assert_eq!(user.ok(&["hostile", "connect", &there]), "got hello\n");
    serving.join().unwrap();
    refused(&user, &["connect", "host.wasmcloud.internal:1"]);
}

#[test]
fn programs_and_the_project_are_out_of_reach() {
    let user = user();
    user.write("work/.wash/config.yaml", "name: secret-project\n");
    for line in [
        &["process", "touch", "harm"][..],
        &["--", "process", "sh", "-c", "touch harm"],
        &["process"],
    ] {
        let done = refused(&user, line);
        assert!(
            done.stdout.starts_with("refused: Error::Denied"),
            "{done:?}"
        );
    }
    let done = refused(&user, &["process", "git", "log"]);
    assert!(
        done.stderr
            .contains("`wash plugin allow hostile --program 'git log'`"),
        "{done:?}"
    );
    let done = refused(&user, &["project"]);
    assert!(
        done.stderr
            .contains("`wash plugin allow hostile --project`"),
        "{done:?}"
    );
    assert!(!done.stdout.contains("secret-project"));
    // What is allowed is a beginning of the line, not of a word, and no shell reads it.
    user.ok(&["plugin", "allow", "hostile", "--program", "echo a"]);
    assert_eq!(
        user.ok(&["hostile", "process", "echo", "a", "$HOME;touch harm"]),
        "got a $HOME;touch harm\n\n"
    );
    refused(&user, &["process", "echo", "ab"]);
    refused(&user, &["process", "echo"]);
    refused(&user, &["process", "/bin/echo", "a"]);
    assert!(!user.path("work/harm").exists());
}

#[test]
fn memory_has_an_end() {
    let done = refused(&user(), &["eat"]);
    done.failed("the plugin `hostile` was stopped: stopped when it asked for");
}

/// What an installation is refused for, in how long.
#[track_caller]
fn not_installed(mode: &str, expected: &str) {
    let user = User::new();
    let started = Instant::now();
    let done = user.wash(&["plugin", "install", text(&hostile(&user, mode))]);
    done.failed(expected);
    assert!(
        done.stderr.starts_with("error: ") && done.stderr.len() < 2000,
        "{mode}: {done:?}"
    );
    let shown = format!("{}{}", done.stdout, done.stderr);
    assert!(
        !shown.contains(|c: char| c.is_control() && c != '\n'),
        "{mode}: {shown:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(60), "{mode}");
    assert_eq!(user.installed(), [""; 0], "{mode}");
}

#[test]
fn describing_itself_has_bounds() {
    not_installed("describe=loop", "it took longer than 5 s");
    not_installed("describe=print", "it took longer than 5 s");
    not_installed("describe=eat", "bytes of memory");
    not_installed(
        "describe=trap",
        "the plugin did not describe itself: panicked at",
    );
}

#[test]
fn a_description_has_bounds() {
    not_installed("describe=help", "at most 524288 are allowed");
    not_installed("describe=amplify", "at most");
    not_installed("describe=commands", "at most");
    not_installed("describe=escapes", "U+001B, which is invisible");
    not_installed("describe=path", "is not a name");
    not_installed("describe=absolute", "is not a name");
    not_installed(
        "describe=builtin",
        "`wash build` is a command of `wash` itself",
    );
    not_installed(
        "describe=default",
        "plugins can only access paths that the user names",
    );
}

#[test]
fn describing_itself_has_nothing_to_work_with() {
    for (mode, expected) in [("describe=env", "0 1"), ("describe=run", "ran: false")] {
        let user = User::new();
        let path = hostile(&user, mode);
        let mut install = user.command();
        install
            .args(["plugin", "install", text(&path), "-o", "json"])
            .env("SECRET", "x");
        let done: Done = install.output().unwrap().into();
        assert!(
            done.stdout
                .contains(&format!("\"summary\": \"{expected}\"")),
            "{mode}: {done:?}"
        );
        assert!(!done.stderr.contains("denied"), "{mode}: {done:?}");
    }
}

#[test]
fn another_component_under_its_name_is_not_run() {
    let user = user();
    let components = user.store().join("components");
    let component = std::fs::read_dir(&components)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    std::fs::copy(hostile(&user, "complete=print"), &component).unwrap();
    for line in [&["hostile", "env"][..], &["inspect", "plugin:hostile"]] {
        let done = user.wash(line);
        done.failed("was changed after it was installed")
            .failed("wash plugin upgrade hostile");
    }
    user.ok(&["plugin", "upgrade", "hostile"]);
    assert_eq!(user.ok(&["hostile", "env"]), "got []\n");
    // Neither is code that somebody put in the place of the compiled.
    let compiled = user.store().join("compiled");
    let folders = std::fs::read_dir(compiled).unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    for entry in files {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
    }
    assert_eq!(user.ok(&["hostile", "env"]), "got []\n");
}

#[test]
fn completing_has_bounds_and_is_silent() {
    for (mode, milliseconds, expected) in [
        // What comes in time is offered, so that nothing at all means something below.
        ("complete=print", "60000", &["+candidate\t"][..]),
        ("complete=escapes", "60000", &[]),
        ("complete=loop", "500", &[]),
        ("complete=eat", "60000", &[]),
    ] {
        let (lines, took) = tab(mode, milliseconds);
        assert_eq!(lines, expected, "{mode}");
        // A busy machine may be slow to notice.
        assert!(took < Duration::from_secs(30), "{mode}: {took:?}");
    }
    let (lines, _) = tab("complete=many", "60000");
    assert_eq!(lines.len(), 1000);
}

/// Presses tab where a plugin completes, which is given so much time. Returns the candidates.
fn tab(mode: &str, milliseconds: &str) -> (Vec<String>, Duration) {
    let user = User::new();
    user.ok(&["plugin", "install", text(&hostile(&user, mode))]);
    let started = Instant::now();
    let mut command = user.command();
    let output = command
        .args(["wash", "hostile", ""])
        .env("WASH_COMPLETE", "zsh:1")
        .env("WASH_COMPLETE_TIMEOUT", milliseconds)
        .output();
    let done: Done = output.unwrap().into();
    assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{mode}");
    // Where there is nothing else, there are the options of every command.
    let lines = done.stdout.lines().filter(|line| !line.starts_with("+-"));
    (lines.map(str::to_owned).collect(), started.elapsed())
}
