//! Plugins that look at builds and pushes.

use crate::support::{Done, Running, Stream, User, hostile, plugin, text};

/// A project that needs no toolchain: its component is there, and its build command does nothing.
fn project(user: &User, name: &str) {
    user.write(
        "work/.wash/config.yaml",
        &format!("name: {name}\nbuild:\n  command: 'true'\n  component_path: app.wasm\n"),
    );
    let bytes = wat::parse_str("(component)").unwrap();
    std::fs::write(user.path("work/app.wasm"), bytes).unwrap();
}

#[test]
fn they_see_what_happens_and_stop_it() {
    let user = User::new().with(&plugin("my"));
    project(&user, "app");
    let done = user.wash(&["build"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.starts_with("app.wasm (8 B"), "{done:?}");
    assert!(
        done.stderr.contains("HookPoint::BeforeBuild app\n"),
        "{done:?}"
    );
    assert!(done.stderr.contains("app.wasm has 8 bytes\n"), "{done:?}");
    project(&user, "forbidden");
    std::fs::remove_file(user.path("work/app.wasm")).unwrap();
    let done = user.wash(&["build"]);
    done.failed("error: plugin `my` rejected the build")
        .failed("forbidden is not to be built");
    assert_eq!(done.stdout, "");
    project(&user, "app");
    let done = user.wash(&["oci", "push", "--insecure", "localhost:1/app:1", "app.wasm"]);
    done.failed("error: plugin `my` rejected the push")
        .failed("localhost:1/app:1 is not to be pushed");
}

#[test]
fn they_see_sessions_begin_and_end() {
    let user = User::new().with(&plugin("my"));
    let dev = ["dev", "--address", "127.0.0.1:0"];
    project(&user, "forbidden");
    user.wash(&dev)
        .failed("error: plugin `my` rejected the session")
        .failed("forbidden is not to be served");

    project(&user, "app");
    let mut command = user.command();
    command.args(dev);
    let mut session = Running::start(command, Stream::Stderr);
    // It answers, if only that there is nothing in the component to serve.
    session.line("answers 503");
    let (_, said) = session.interrupt();
    let heard = |line: &str| said.iter().position(|said| said == line);
    let (begin, end) = (
        heard("my | HookPoint::BeforeDev app"),
        heard("my | HookPoint::AfterDev app"),
    );
    assert!(begin.is_some() && end > begin, "{said:#?}");
}

#[test]
fn their_lines_say_whose_they_are_and_quiet_leaves_them_out() {
    let user = User::new().with(&plugin("my"));
    project(&user, "app");
    let done = user.wash(&["build"]);
    assert!(
        done.stderr.contains("my | HookPoint::BeforeBuild app\n"),
        "{done:?}"
    );
    let done = user.wash(&["build", "--quiet"]);
    assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{done:?}");
    project(&user, "forbidden");
    user.wash(&["build", "--quiet"])
        .failed("forbidden is not to be built");
}

/// Each way in which the store of a plugin with hooks can be damaged, whoever runs this.
#[test]
fn a_plugin_that_cannot_be_read_stops_what_it_might_have_stopped() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    type Damage = fn(&std::path::Path);
    let newer: Damage = |manifest| {
        let text = std::fs::read_to_string(manifest).unwrap();
        std::fs::write(manifest, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    };
    let open: Damage = |manifest| {
        let mode = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(manifest, mode).unwrap();
    };
    let dangling: Damage = |manifest| {
        std::fs::remove_file(manifest).unwrap();
        symlink("nowhere", manifest).unwrap();
    };
    let file: Damage = |manifest| {
        let installed = manifest.parent().unwrap();
        std::fs::rename(installed, installed.with_extension("old")).unwrap();
        std::fs::write(installed, "").unwrap();
    };
    for (damage, reason) in [
        (
            (|manifest| std::fs::write(manifest, "{}").unwrap()) as Damage,
            "missing field",
        ),
        (newer, "it has format 2"),
        (open, "every user of this machine can change it"),
        (dangling, "No such file"),
        (file, "Not a directory"),
    ] {
        let user = User::new().with(&plugin("my"));
        project(&user, "app");
        damage(&user.store().join("installed/my.json"));
        for (line, point) in [
            (&["build"][..], "before-build"),
            (
                &["oci", "push", "--insecure", "localhost:1/app:1", "app.wasm"],
                "before-push",
            ),
            (&["dev", "--address", "127.0.0.1:0"], "before-dev"),
        ] {
            let done = user.wash(line);
            let cannot = format!("error: cannot determine which plugins have a `{point}` hook");
            done.failed(&cannot).failed(reason).failed("hint: ");
            assert_eq!(done.stdout, "", "{line:?}");
        }
    }
}

#[test]
fn the_plugin_of_the_documentation_works() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let docs = read("docs/plugins.md");
    let shown = |path: &str| {
        let code = read(path).replace(
            r#"["../../../crates/wash-fetch/wit/wash-plugin", "wit"]"#,
            r#""wit""#,
        );
        let lines = code
            .lines()
            .map(|line| format!("    {line}").trim_end().to_owned());
        docs.contains(&lines.collect::<Vec<_>>().join("\n"))
    };
    assert!(shown("fixtures/plugins/guard/src/lib.rs"));
    assert!(shown("fixtures/plugins/guard/wit/world.wit"));
    let user = User::new().with(&plugin("guard"));
    project(&user, "app");
    let push = ["oci", "push", "--insecure", "localhost:1/app:draft"];
    user.wash(&[&push[..], &["app.wasm"]].concat())
        .failed("error: plugin `guard` rejected the push")
        .failed("localhost:1/app:draft is a draft");
    let told = user.data(&["guard", "staging"]);
    assert_eq!(told["stage"], "staging");
    user.wash(&["guard", "nowhere"])
        .failed("there is no stage `nowhere`");
    let mut command = user.command();
    command
        .args(["wash", "guard", "st"])
        .env("WASH_COMPLETE", "zsh:1")
        .env("WASH_COMPLETE_TIMEOUT", "10000");
    let done: Done = command.output().unwrap().into();
    assert_eq!(done.stdout, "+staging\t\n");
}

#[test]
fn hooks_can_be_tried() {
    let user = User::new();
    project(&user, "app");
    let my = plugin("my");
    let test = |hook: &str| user.wash(&["plugin", "test", text(&my), "--all", "--hook", hook]);
    let done = test("after-build");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.stdout, "the `after-build` hook of `my` passed\n");
    assert!(done.stderr.contains("app.wasm has 8 bytes"), "{done:?}");
    let done = test("after-push");
    assert_eq!(done.code, Some(2), "{done:?}");
    done.failed("the plugin `my` has no `after-push` hook");
    project(&user, "forbidden");
    test("before-build").failed("forbidden is not to be built");
    test("before-push").failed("localhost:5000/forbidden:test is not to be pushed");
    assert!(!user.store().exists());
}

#[test]
fn without_the_project_they_see_no_component() {
    let user = User::new().with(&plugin("my"));
    user.ok(&["plugin", "deny", "my", "--project"]);
    project(&user, "app");
    let done = user.wash(&["build"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!done.stderr.contains("bytes"), "{done:?}");
}

#[test]
fn what_is_not_decided_stops_them() {
    let user = User::new();
    user.ok(&["plugin", "install", text(&plugin("my"))]);
    project(&user, "app");
    let done = user.wash(&["build"]);
    done.failed("error: the `before-build` hook of plugin `my` failed")
        .failed("wash plugin allow my --project --program 'git log'");
}

#[test]
fn harm_in_a_hook_is_told_and_ends() {
    for (mode, what, expected) in [
        (
            "hook=eat",
            "the `before-build` hook of plugin `hostile` failed",
            "bytes of memory",
        ),
        ("hook=fail", "plugin `hostile` rejected the build", "no␛[2J"),
    ] {
        let user = User::new();
        let path = hostile(&user, mode);
        user.ok(&["plugin", "install", text(&path)]);
        project(&user, "app");
        let done = user.wash(&["build"]);
        done.failed(what).failed(expected);
        assert!(!done.stderr.contains('\u{1b}'), "{done:?}");
    }
}

#[test]
fn a_hook_has_the_time_that_the_user_gives_it() {
    let user = User::new();
    let path = hostile(&user, "hook=loop");
    user.ok(&["plugin", "install", text(&path)]);
    project(&user, "app");
    let build = |limit: &str| -> Done {
        let mut command = user.command();
        command.arg("build").env("WASH_HOOK_TIMEOUT", limit);
        command.output().unwrap().into()
    };
    build("300ms")
        .failed("the `before-build` hook of plugin `hostile` failed")
        .failed("the plugin `hostile` was stopped: it took longer than 300 ms")
        .failed("`WASH_HOOK_TIMEOUT=5m` gives hooks more time");
    let done = build("soon");
    assert_eq!(done.code, Some(2), "{done:?}");
    done.failed("`WASH_HOOK_TIMEOUT`: expected a duration such as");
}

#[test]
fn hooks_that_cannot_be_found_stop_what_they_are_for() {
    let user = User::new().with(&plugin("my"));
    project(&user, "app");
    let installed = user.store().join("installed");
    let manifest = installed.join("my.json");
    for name in ["my.json.bak", "my.json~", "my.old.json"] {
        let aside = installed.join(name);
        std::fs::rename(&manifest, &aside).unwrap();
        user.wash(&["build"])
            .failed("cannot determine which plugins have a `before-build` hook")
            .failed(name)
            .failed("brings the plugin back");
        let done = user.wash(&["plugin", "list"]);
        assert!(done.stderr.contains(name), "{done:?}");
        std::fs::rename(&aside, &manifest).unwrap();
    }
    // A copy beside it does no harm.
    std::fs::copy(&manifest, installed.join("my.json.bak")).unwrap();
    assert_eq!(user.wash(&["build"]).code, Some(0));

    let elsewhere = user.path("elsewhere");
    std::fs::rename(user.store(), &elsewhere).unwrap();
    std::os::unix::fs::symlink("unmounted", user.store()).unwrap();
    user.wash(&["build"])
        .failed("cannot determine which plugins have a `before-build` hook")
        .failed("a broken symbolic link");
    std::fs::remove_file(user.store()).unwrap();
    std::os::unix::fs::symlink(&elsewhere, user.store()).unwrap();
    let done = user.wash(&["build"]);
    assert!(done.stderr.contains("BeforeBuild"), "{done:?}");
}
