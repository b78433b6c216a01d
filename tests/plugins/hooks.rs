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
    done.failed("error: stopped before the build by the plugin `my`")
        .failed("forbidden is not to be built");
    assert_eq!(done.stdout, "");
    project(&user, "app");
    let done = user.wash(&["oci", "push", "--insecure", "localhost:1/app:1", "app.wasm"]);
    done.failed("error: stopped before the push by the plugin `my`")
        .failed("localhost:1/app:1 is not to be pushed");
}

#[test]
fn they_see_sessions_begin_and_end() {
    let user = User::new().with(&plugin("my"));
    let dev = ["dev", "--address", "127.0.0.1:0"];
    project(&user, "forbidden");
    user.wash(&dev)
        .failed("error: stopped before the session by the plugin `my`")
        .failed("forbidden is not to be served");

    project(&user, "app");
    let mut command = user.command();
    command.args(dev);
    let mut session = Running::start(command, Stream::Stderr);
    // It answers, if only that there is nothing in the component to serve.
    session.line("http://127.0.0.1");
    let (_, said) = session.interrupt();
    let heard = |line: &str| said.iter().position(|said| said == line);
    let (begin, end) = (
        heard("HookPoint::BeforeDev app"),
        heard("HookPoint::AfterDev app"),
    );
    assert!(begin.is_some() && end > begin, "{said:#?}");
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
    done.failed("stopped before the build by the plugin `my`")
        .failed("wash plugin allow my --project --program 'git log'");
}

#[test]
fn harm_in_a_hook_is_told_and_ends() {
    for (mode, expected) in [("hook=eat", "bytes of memory"), ("hook=fail", "no␛[2J")] {
        let user = User::new();
        let path = hostile(&user, mode);
        user.ok(&["plugin", "install", text(&path)]);
        project(&user, "app");
        let done = user.wash(&["build"]);
        done.failed("stopped before the build by the plugin `hostile`")
            .failed(expected);
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
        .failed("stopped before the build by the plugin `hostile`")
        .failed("the plugin `hostile` was stopped: it took longer than 300ms")
        .failed("`WASH_HOOK_TIMEOUT=5m` gives hooks more time");
    let done = build("soon");
    assert_eq!(done.code, Some(2), "{done:?}");
    done.failed("`WASH_HOOK_TIMEOUT`: expected a duration such as");
}
