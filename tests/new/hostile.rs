//! Templates, and names of templates, that mean harm. Nothing is written, nothing is run, nobody is waited for.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::created::{Answer, Desk};
use crate::repository::Repository;

/// Runs `wash new` with something that is refused: what was said about it. Nothing is there that was not before.
fn refused(desk: &Desk, code: i32, args: &[&str]) -> String {
    let before = desk.everything();
    let said = desk.run(args).failure(code);
    assert_eq!(desk.everything(), before, "{said}");
    said
}

#[test]
fn links_that_lead_out() {
    for links in [
        &[("link", "/etc/passwd")][..],
        &[("link", "../outside")],
        &[("deep/er/link", "../../../outside")],
        &[("link", "missing")],
        &[("link", ".git/config")],
        &[("deep/er/up", "../.."), ("link", "deep/er/up/../outside")],
    ] {
        let repository = Repository::new(&[("deep/er/file", "")]);
        for (link, to) in links {
            repository.link(link, to);
        }
        repository.commit("links");
        let said = refused(&Desk::new(), 1, &[&repository.url(), "--name", "x"]);
        let (link, to) = links.last().unwrap();
        let expected = format!("the template's link `{link}` points outside of it, to `{to}`");
        assert!(said.contains(&expected), "{said}");
    }
}

/// A link may not lead out of the subfolder either, since only that is taken.
#[test]
fn subfolders_that_are_elsewhere() {
    let repository = Repository::new(&[("inner/file", ""), ("LICENSE", "")]);
    repository.link("inner/LICENSE", "../LICENSE");
    repository.link("out", "..");
    repository.commit("links");
    let desk = Desk::new();
    for (subfolder, said) in [
        ("..", "without `..`"),
        ("inner/../../..", "without `..`"),
        ("/etc", "without `..`"),
        ("out", "points outside of the template"),
        (".git", "it belongs to git"),
        (".git/hooks", "the template has no such directory"),
        ("missing", "the template has no such directory"),
        ("LICENSE", "it is a file"),
        (
            "inner",
            "the template's link `LICENSE` points outside of it",
        ),
    ] {
        let answer = refused(
            &desk,
            1,
            &[&repository.url(), "--name", "x", "--subfolder", subfolder],
        );
        assert!(answer.contains(said), "{subfolder}: {answer}");
    }
}

#[test]
fn names_that_are_elsewhere() {
    let repository = Repository::new(&[("file", "")]);
    let desk = Desk::new();
    let url = repository.url();
    for name in ["../x", "/tmp/wash-new-x", "a/b", ".", "..", "", "-x"] {
        let said = refused(&desk, 2, &[&url, &format!("--name={name}")]);
        assert!(said.contains("cannot be the name of a project"), "{said}");
    }
}

#[test]
fn programs_and_options_in_place_of_a_repository() {
    let repository = Repository::new(&[("file", "")]);
    let desk = Desk::new();
    let mark = desk.path("mark");
    let touch = "touch mark";
    let url = repository.url();
    for (what, said) in [
        (format!("--upload-pack={touch}"), "begins with `-`"),
        (
            format!("ext::sh -c '{touch}'"),
            "a program that git would run",
        ),
        ("fd::17".into(), "a program that git would run"),
        (
            "foo://host/x".into(),
            "expected https, http, ssh, git or file",
        ),
        (
            format!("ssh://-oProxyCommand={touch}/x"),
            "its host begins with `-`",
        ),
        (format!("-oProxyCommand={touch}:x"), "begins with `-`"),
        (format!("me@-oProxyCommand={touch}:x"), "expected HOST:PATH"),
    ] {
        let answer = refused(&desk, 2, &["--name", "x", "--", &what]);
        assert!(answer.contains(said), "{what}: {answer}");
    }
    for reference in [
        format!("--upload-pack={touch}"),
        "main:refs/heads/x".into(),
        "+main".into(),
        "a..b".into(),
        String::new(),
    ] {
        let answer = refused(
            &desk,
            2,
            &[&url, "--name", "x", &format!("--git-ref={reference}")],
        );
        assert!(
            answer.contains("is not a branch, tag or commit"),
            "{answer}"
        );
    }
    assert!(!mark.exists());
}

/// Hooks of the user's own making are for the user's own repositories.
#[test]
fn no_hook_runs_and_no_submodule_is_followed() {
    let inner = Repository::new(&[("secret", "")]);
    let repository = Repository::new(&[("file", "")]);
    repository.git(&["submodule", "--quiet", "add", &inner.url(), "module"]);
    repository.commit("submodule");

    let desk = Desk::new();
    let mark = desk.path("mark");
    let hook = format!("#!/bin/sh\ntouch '{}'\n", mark.display());
    for hooks in ["template/hooks", "hooks"] {
        fs::create_dir_all(desk.path(hooks)).unwrap();
        for name in ["post-checkout", "reference-transaction"] {
            let path = desk.path(hooks).join(name);
            fs::write(&path, &hook).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let config = format!(
        "[init]\n\ttemplateDir = {}\n[core]\n\thooksPath = {}\n[submodule]\n\trecurse = true\n",
        desk.path("template").display(),
        desk.path("hooks").display()
    );
    fs::write(desk.path("gitconfig"), config).unwrap();
    let url = repository.url();
    let mut command = desk.new_command(&[&url, "--name", "x"]);
    command.env("GIT_CONFIG_GLOBAL", desk.path("gitconfig"));
    // As if git had started us.
    command
        .env("GIT_DIR", desk.path("elsewhere"))
        .env("GIT_INDEX_FILE", &mark);
    let answer = Answer::of(&mut command).success();
    assert!(
        answer
            .stdout
            .contains("its git submodules were not fetched"),
        "{answer:?}"
    );
    assert!(desk.path("x/file").is_file() && !desk.path("x/module/secret").exists());
    assert!(!mark.exists());
}

#[test]
fn what_is_not_there() {
    let desk = Desk::new();
    let repository = Repository::new(&[("file", "")]);
    let url = repository.url();
    let said = refused(&desk, 1, &["file:///nowhere/at/all", "--name", "x"]);
    assert!(
        said.contains(
            "error: git cannot fetch `file:///nowhere/at/all`: '/nowhere/at/all' does not appear"
        ),
        "{said}"
    );
    let said = refused(&desk, 1, &[&url, "--name", "x", "--git-ref", "v9"]);
    assert!(
        said.contains("couldn't find remote ref v9") && said.contains("hint: --git-ref names"),
        "{said}"
    );
    let said = refused(&desk, 1, &[&url, "--name", "x", "--git-ref", "0123abcd"]);
    assert!(said.contains("git cannot fetch"), "{said}");
    let said = refused(&desk, 1, &["./missing", "--name", "x"]);
    assert!(said.contains("does not exist"), "{said}");

    fs::create_dir(desk.path("empty")).unwrap();
    let said = refused(&desk, 1, &["./empty", "--name", "x"]);
    assert!(said.contains("the template has no files"), "{said}");
    let said = refused(&desk, 2, &["empty/x"]);
    assert!(
        said.contains(
            "`empty/x` may be a directory, `./empty/x`, or a repository, `https://github.com/empty/x`"
        ),
        "{said}"
    );

    let mut command = desk.new_command(&[&url, "--name", "x"]);
    let said = Answer::of(command.env("PATH", desk.path("empty"))).failure(4);
    assert!(said.contains("`git` is not installed"), "{said}");
    assert!(!desk.path("x").exists());
}

#[test]
fn configurations_that_cannot_be_read() {
    for (config, said) in [
        ("new: [", "this is not valid YAML"),
        (
            "new: { command: [rm] }",
            "`new.command`: expected a string, found a list",
        ),
    ] {
        let repository = Repository::new(&[(".wash/config.yaml", config)]);
        let answer = refused(
            &Desk::new(),
            1,
            &[&repository.url(), "--name", "x", "--yes"],
        );
        assert!(
            answer.contains("the template's configuration cannot be read"),
            "{answer}"
        );
        assert!(answer.contains(said), "{answer}");
    }
}

/// A server that answers every request in one way, or, with `None`, never.
fn server(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 4096]);
            match answer {
                Some(answer) => drop(stream.write_all(answer.as_bytes())),
                None => silent.push(stream),
            }
        }
    });
    address.to_string()
}

#[test]
fn a_server_that_wants_a_password_gets_none() {
    let address = server(Some(
        "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ));
    let desk = Desk::new();
    // Programs that would ask in a window are not run either.
    let ask = desk.path("ask");
    let mark = desk.path("mark");
    let text = format!("#!/bin/sh\ntouch '{}'\necho guess\n", mark.display());
    fs::write(&ask, text).unwrap();
    fs::set_permissions(&ask, fs::Permissions::from_mode(0o755)).unwrap();
    let before = desk.everything();
    for (login, shown) in [("", ""), ("me:secret@", "me:...@"), ("token@", "...@")] {
        let url = format!("http://{login}{address}/repository");
        let mut command = desk.new_command(&[&url, "--name", "x"]);
        command.env("GIT_ASKPASS", &ask).env("SSH_ASKPASS", &ask);
        let said = Answer::of(&mut command).failure(4);
        let expected = format!("git cannot fetch `http://{shown}{address}/repository`: ");
        assert!(said.contains(&expected), "{said}");
        assert!(said.contains("hint: git cannot prompt here"), "{said}");
        assert!(
            !said.contains("secret") && !said.contains("token"),
            "{said}"
        );
    }
    assert_eq!(desk.everything(), before);
}

#[test]
fn what_takes_too_long_is_interrupted_and_leaves_nothing() {
    let repository = Repository::new(&[(
        ".wash/config.yaml",
        "new: { command: touch mark; sleep 600 }\n",
    )]);
    let (url, silent) = (repository.url(), format!("http://{}/", server(None)));
    for (args, signal, code) in [
        (vec![&*silent, "--name", "x"], Signal::INT, 130),
        (vec![&*silent, "--name", "x"], Signal::TERM, 143),
        (vec![&*url, "--name", "x", "--yes"], Signal::INT, 130),
    ] {
        let desk = Desk::new();
        let mut command = desk.new_command(&args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Until git, or the command, is under way.
        soon(|| {
            desk.everything()
                .iter()
                .any(|path| path.ends_with("/.git/HEAD") || path.ends_with("/x/mark"))
        });
        kill_process(Pid::from_child(&child), signal).unwrap();
        soon(|| child.try_wait().unwrap().is_some());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(desk.everything(), Vec::<String>::new());
    }
}

/// Waits until it is so, for a minute.
fn soon(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(5));
    }
}
