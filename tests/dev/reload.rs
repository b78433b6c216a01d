//! One project and its edits.

use http::StatusCode;

use crate::client::{get, text};
use crate::project::Projects;
use crate::wash::{Dev, url_in};

const GREETING: &str = "GREETING: &str = \"hello\"";

fn greeting(greeting: &str) -> String {
    format!("GREETING: &str = \"{greeting}\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_served() {
    let projects = Projects::copy("edit", &["hello"]);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/").await, "hello\n");

    projects.replace("hello/src/lib.rs", GREETING, &greeting("edited"));
    let line = wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "edited\n");
    for part in ["hello-edit", "build ", "compile ", ": src/lib.rs"] {
        assert!(line.contains(part), "no `{part}` in: {line}");
    }

    projects.replace_by_rename("hello/src/lib.rs", "edited", "renamed over");
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "renamed over\n");

    // A save without a change starts nothing; the next line is about the comment, which changes no byte.
    projects.replace("hello/src/lib.rs", "renamed over", "renamed over");
    projects.replace(
        "hello/Cargo.toml",
        "[workspace]",
        "[workspace]\n# nothing\n",
    );
    wash.line("nothing to reload").await;
    assert_eq!(
        wash.console().matches("reloaded").count(),
        2,
        "{}",
        wash.console()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_many_edits_is_served() {
    let projects = Projects::copy("many", &["hello"]);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let mut before = GREETING.to_string();
    let edits = (1..=12).map(|edit| greeting(&format!("edit {edit}")));
    for (edit, after) in edits.enumerate() {
        projects.replace("hello/src/lib.rs", &before, &after);
        before = after;
        // Some while a build begins, some while it runs, some just after another.
        if edit % 3 == 1 {
            wash.line("Compiling hello").await;
        }
    }
    while text(&url, "/").await != "edit 12\n" {
        wash.one_of(&["reloaded", "nothing to reload"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_build_leaves_the_old_version() {
    let projects = Projects::copy("broken", &["hello"]);
    let (mut wash, url) = Dev::on(&projects).serving().await;

    projects.replace("hello/src/lib.rs", "struct Hello;", "struct Hello");
    wash.line("expected").await;
    let line = wash.line("failed to build").await;
    assert!(line.contains("cargo build"), "{line}");
    wash.line("the previous version keeps serving").await;
    assert_eq!(text(&url, "/").await, "hello\n");

    projects.replace("hello/src/lib.rs", "struct Hello\n", "struct Hello;\n");
    projects.replace("hello/src/lib.rs", GREETING, &greeting("mended"));
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "mended\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_first_build_is_a_page() {
    let projects = Projects::copy("first", &["hello"]);
    projects.replace("hello/src/lib.rs", "struct Hello;", "struct Hello");
    let mut wash = Dev::on(&projects).spawn();
    let url = url_in(&wash.line("answers 503 until it is fixed").await);

    let (status, page) = get(&url, "/").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        page.contains("error: expected") && page.contains("src/lib.rs"),
        "{page}"
    );

    projects.replace("hello/src/lib.rs", "struct Hello\n", "struct Hello;\n");
    wash.line("serving http://").await;
    assert_eq!(text(&url, "/").await, "hello\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_file_that_a_build_makes_is_no_change() {
    let projects = Projects::empty();
    let manifest =
        "[package]\nname = \"unlocked\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    projects.write("Cargo.toml", manifest);
    projects.write("src/lib.rs", "fn broken");
    let config = "build:\n  command: echo begin; cargo build\n  component_path: unlocked.wasm\n";
    projects.write(".wash/config.yaml", config);
    let mut wash = Dev::on(&projects).spawn();
    wash.line("failed to build").await;
    assert!(projects.path("Cargo.lock").exists());

    projects.write("src/lib.rs", "fn still broken");
    wash.line("failed to build").await;
    let console = wash.console();
    assert_eq!(console.matches("begin\n").count(), 2, "{console}");
    assert!(!console.contains("still fails"), "{console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_beside_the_project_is_watched() {
    let projects = Projects::copy("beside", &["hello"]);
    let manifest = "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    projects.write("words/Cargo.toml", manifest);
    projects.write(
        "words/src/lib.rs",
        "pub const GREETING: &str = \"from beside\";\n",
    );
    let dependency = "[dependencies]\nwords = { path = \"../words\" }\n";
    projects.replace("hello/Cargo.toml", "[dependencies]\n", dependency);
    projects.replace("hello/src/lib.rs", "= \"hello\"", "= words::GREETING");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/").await, "from beside\n");

    projects.replace("words/src/lib.rs", "beside", "next door");
    let line = wash.line("reloaded").await;
    assert!(line.contains("../words/src/lib.rs"), "{line}");
    assert_eq!(text(&url, "/").await, "from next door\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_macros_include_is_watched() {
    let projects = Projects::copy("includes", &["hello"]);
    projects.write("assets/greeting", "one");
    projects.write("common/mod.rs", "pub const END: &str = \"!\";\n");
    let include = "= include_str!(\"../../assets/greeting\")";
    projects.replace("hello/src/lib.rs", "= \"hello\"", include);
    let common = "#[path = \"../../common/mod.rs\"]\nmod common;\nstruct Hello;";
    projects.replace("hello/src/lib.rs", "struct Hello;", common);
    projects.replace(
        "hello/src/lib.rs",
        "{GREETING}\\n\"",
        "{GREETING}{}\\n\", common::END",
    );
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/").await, "one!\n");

    projects.write("assets/greeting", "two");
    let line = wash.line("reloaded").await;
    assert!(line.contains("../assets/greeting"), "{line}");
    assert_eq!(text(&url, "/").await, "two!\n");
    projects.replace("common/mod.rs", "!", "?");
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "two?\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_the_next_wasi() {
    let projects = Projects::copy("p3", &["hello-p3"]);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let before = text(&url, "/").await;
    projects.replace("hello-p3/src/lib.rs", "hello", "greetings");
    wash.line("reloaded").await;
    assert_ne!(text(&url, "/").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_session_tells_of_failures_only() {
    let projects = Projects::copy("quiet", &["hello"]);
    let (mut wash, url) = Dev::on(&projects).arg("--quiet").serving().await;
    assert_eq!(text(&url, "/").await, "hello\n");
    let console = wash.console();
    for noise in ["wiring", "Compiling", "GET /"] {
        assert!(!console.contains(noise), "{noise}: {console}");
    }
    projects.replace("hello/src/lib.rs", "fn ", "fn fn ");
    wash.line("failed to build").await;
    let console = wash.console();
    // The compiler's words come with the failure.
    assert!(console.contains("src/lib.rs"), "{console}");
}
