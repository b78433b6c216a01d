//! Two projects linked with each other.

use http::StatusCode;

use crate::client::{get, text};
use crate::project::Projects;
use crate::wash::Dev;

/// The front door, and the greeter that it imports.
fn two(test: &str) -> Projects {
    let projects = Projects::copy(test, &["frontdoor", "greeter"]);
    projects.write(
        "frontdoor/.wash/config.yaml",
        "name: frontdoor\ndev:\n  components:\n    - name: greeter\n      path: ../greeter\n",
    );
    projects
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_sibling_is_served() {
    let projects = two("sibling");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let wiring = wash
        .console()
        .lines()
        .find(|line| line.contains("demo:greet/greet@1.0.0"))
        .map(str::to_string);
    assert!(
        wiring
            .as_ref()
            .is_some_and(|line| line.contains("from greeter")),
        "{wiring:?}"
    );
    assert_eq!(text(&url, "/Ann").await, "Hello, Ann!\n");

    projects.replace("greeter/src/lib.rs", "\"Hello\"", "\"Good day\"");
    let line = wash.line("reloaded").await;
    assert!(
        line.contains("greeter") && !line.contains("frontdoor"),
        "{line}"
    );
    assert!(line.contains("../greeter/src/lib.rs"), "{line}");
    assert_eq!(text(&url, "/Ann").await, "Good day, Ann!\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_link_leaves_the_old_version() {
    let projects = two("link");
    let (mut wash, url) = Dev::on(&projects).serving().await;

    let rename = |from: &str, to: &str| {
        projects.replace(
            "greeter/wit/greet.wit",
            &format!("demo:{from}"),
            &format!("demo:{to}"),
        );
        projects.replace(
            "greeter/src/lib.rs",
            &format!("demo::{from}"),
            &format!("demo::{to}"),
        );
    };
    rename("greet", "hello");
    wash.line("not started").await;
    let console = wash.console();
    let problem = console
        .lines()
        .find(|line| line.contains("component `frontdoor` imports"));
    assert!(
        problem.is_some_and(|line| line.contains("`demo:greet/greet@1.0.0`")),
        "{console}"
    );
    wash.line("the previous version keeps serving").await;
    assert_eq!(text(&url, "/Ann").await, "Hello, Ann!\n");

    rename("hello", "greet");
    projects.replace("greeter/src/lib.rs", "\"Hello\"", "\"Welcome back\"");
    while text(&url, "/Ann").await != "Welcome back, Ann!\n" {
        wash.one_of(&["reloaded", "nothing to reload", "failed to build"])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sibling_that_traps_harms_one_request() {
    let projects = two("trap");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let (status, page) = get(&url, "/crash/overboard").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.contains("#1"), "{page}");
    let said = wash.line("overboard").await;
    assert!(said.contains("greeter #1 |"), "{said}");
    wash.line("src/lib.rs:").await;
    assert_eq!(text(&url, "/Ann").await, "Hello, Ann!\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unmet_import_stops_the_start() {
    let projects = Projects::copy("unmet", &["frontdoor"]);
    projects.write("frontdoor/.wash/config.yaml", "name: frontdoor\n");
    let mut wash = Dev::on(&projects).spawn();
    wash.line("not started").await;
    wash.line("answers 503").await;
    assert!(
        wash.console().contains("demo:greet/greet@1.0.0"),
        "{}",
        wash.console()
    );
    assert!(wash.console().contains("hint"), "{}", wash.console());
}

/// Where several projects are built, each line says whose it is, also while only one of them builds.
#[tokio::test(flavor = "multi_thread")]
async fn lines_of_several_builds_are_told_apart() {
    let projects = Projects::empty();
    projects.write(
        ".wash/config.yaml",
        "name: site\nbuild: { command: sh build.sh, component_path: site.wasm }\n\
         dev:\n  components: [{ name: api, path: api }]\n",
    );
    projects.write(
        "api/.wash/config.yaml",
        "build: { command: sh build.sh, component_path: api.wasm }\n",
    );
    let build = |state: &str, own: &str, other: &str| {
        format!(
            "touch {state}/{own}\nuntil [ -e {state}/{other} ]; do sleep 0.01; done\n\
             echo speaking\nuntil [ -e {state}/go ]; do sleep 0.01; done\nexit 1\n"
        )
    };
    projects.write("build.sh", build(".wash", "site", "api"));
    projects.write("api/build.sh", build("../.wash", "api", "site"));
    let mut wash = Dev::on(&projects).spawn();
    let both = ["site | speaking", "api | speaking"];
    let first = wash.one_of(&both).await;
    let second = wash.one_of(&both).await;
    assert_ne!(first, second);
    projects.write(".wash/go", "");
    let both = ["site failed to build", "api failed to build"];
    wash.one_of(&both).await;
    wash.one_of(&both).await;

    projects.write("build.sh", "echo alone\nexit 1\n");
    assert_eq!(wash.line("alone").await, "site | alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_behind_another_has_a_limit_of_its_own() {
    let projects = two("sibling-limit");
    let config = |memory: &str| {
        let config = format!(
            "name: frontdoor\ndev:\n  components:\n    - {{ name: greeter, path: ../greeter, limits: {{ memory: {memory} }} }}\n"
        );
        projects.write("frontdoor/.wash/config.yaml", &config);
    };
    config("4MiB");
    projects.replace(
        "greeter/src/lib.rs",
        "format!(\"{SALUTATION}",
        "std::hint::black_box(vec![1u8; 8 << 20]);\n        format!(\"{SALUTATION}",
    );
    let (mut wash, url) = Dev::on(&projects).serving().await;

    let (status, page) = get(&url, "/Ann").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        page.contains("greeter") && page.contains("4194304"),
        "{page}"
    );
    wash.line("`dev.components[0].limits.memory`").await;

    config("1MiB");
    let line = wash.line("starts with").await;
    assert!(line.contains("`dev.components[0].limits.memory`"), "{line}");

    config("64MiB");
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/Ann").await, "Hello, Ann!\n");
}
