//! An installation that is killed at any moment, or runs beside another, leaves the store as before or as after.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Done, User, plugin, text};

#[test]
fn killed_at_any_moment() {
    let user = User::new().with(&plugin("say"));
    let my = plugin("my");
    let install = || {
        let mut command = user.command();
        command
            .args(["plugin", "install", "--yes", text(&my)])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let started = Instant::now();
    assert!(install().status().unwrap().success());
    let whole = started.elapsed();
    user.ok(&["plugin", "uninstall", "my"]);
    let (mut before, mut after, mut step) = (0, 0, 0);
    // Later and later, and at least until one was fast enough.
    while step < 40 || (after == 0 && step < 400) {
        let mut child = install().spawn().unwrap();
        std::thread::sleep(whole * step / 36);
        let _ = child.kill();
        let _ = child.wait();
        // Everything works, whichever it is; and nothing that is half there is told of.
        let list = user.wash(&["plugin", "list"]);
        assert_eq!(
            (list.code, &*list.stderr),
            (Some(0), ""),
            "{step}: {list:?}"
        );
        assert_eq!(user.ok(&["say", "x"]), "x\n");
        match user.installed().as_slice() {
            [say] if say == "say" => before += 1,
            [my, say] if my == "my" && say == "say" => {
                after += 1;
                let paint = user.wash(&["my", "paint", "x"]);
                // Between the installation and the permissions, these are asked for.
                let open = paint.stderr.contains("wash plugin allow my");
                assert!(paint.code == Some(0) || open, "{step}: {paint:?}");
                user.ok(&["plugin", "uninstall", "my"]);
            }
            other => panic!("{step}: {other:?}"),
        }
        step += 1;
    }
    assert!(before > 0 && after > 0, "{before} before, {after} after");
    // The next one that writes clears up.
    user.ok(&["plugin", "install", "--yes", text(&my)]);
    let components = std::fs::read_dir(user.store().join("components")).unwrap();
    let components = components.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_str().unwrap().ends_with(".wasm")
    });
    assert_eq!(components.count(), 2);
}

#[test]
fn several_at_once() {
    let user = User::new();
    let plugins = ["my", "say", "hostile", "my_p3"].map(plugin);
    let children = plugins.iter().cycle().take(8).map(|path| {
        let mut command = user.command();
        command.args(["plugin", "install", "--yes", text(path)]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    for child in children.collect::<Vec<_>>() {
        let done: Done = child.wait_with_output().unwrap().into();
        assert_eq!(done.code, Some(0), "{done:?}");
    }
    assert_eq!(user.installed(), ["hostile", "later", "my", "say"]);
    assert!(user.ok(&["my", "paint", "x"]).starts_with("what: x"));
    assert_eq!(user.ok(&["hostile", "env"]), "got []\n");
}

#[test]
fn readers_see_one_or_the_other_while_it_is_replaced() {
    let user = User::new().with(&plugin("say"));
    let until = Instant::now() + Duration::from_secs(4);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while Instant::now() < until {
                user.ok(&["plugin", "install", text(&plugin("say"))]);
            }
        });
        while Instant::now() < until {
            assert_eq!(user.ok(&["say", "x"]), "x\n");
        }
    });
}
