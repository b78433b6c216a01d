//! Edits of the config.

use crate::client::text;
use crate::project::Projects;
use crate::wash::Dev;

#[tokio::test(flavor = "multi_thread")]
async fn settings_take_effect() {
    let projects = Projects::copy("config", &["workbench"]);
    let config = "workbench/.wash/config.yaml";
    projects.write(
        config,
        "name: workbench\nworkload:\n  environment: { COLOR: red }\n  env_file: .env\n",
    );
    projects.write("workbench/.env", "SHAPE=square\n");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert!(text(&url, "/env").await.contains("COLOR=red"));

    projects.replace(config, "red", "green");
    wash.line("config changed: settings of `workbench`").await;
    let line = wash.line("reloaded").await;
    assert!(
        line.contains("config") && !line.contains("build "),
        "{line}"
    );
    assert!(text(&url, "/env").await.contains("COLOR=green"));

    projects.write("workbench/.env", "SHAPE=round\n");
    wash.line("reloaded").await;
    let environment = text(&url, "/env").await;
    assert!(environment.contains("SHAPE=round") && environment.contains("COLOR=green"));

    // What is wrong is told, and nothing changes until it is mended.
    projects.replace(config, "{ COLOR: green }", "[ COLOR");
    wash.line("the config is not valid").await;
    wash.line("the previous version keeps serving").await;
    assert!(text(&url, "/env").await.contains("COLOR=green"));
    projects.replace(config, "[ COLOR", "{ COLOR: blue }");
    wash.line("reloaded").await;
    assert!(text(&url, "/env").await.contains("COLOR=blue"));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_in_a_directory_take_effect() {
    let projects = Projects::copy("values", &["workbench"]);
    projects.write(
        "workbench/.wash/config.yaml",
        "name: workbench\nconfigs: { look: { dir: look } }\nworkload: { environment: { configFrom: [look] } }\n",
    );
    projects.write("workbench/look/COLOR", "red");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert!(text(&url, "/env").await.contains("COLOR=red"));

    for (file, value) in [("SHAPE", "round"), ("COLOR", "green")] {
        projects.write(&format!("workbench/look/{file}"), value);
        wash.line("config changed: settings of `workbench`").await;
        wash.line("reloaded").await;
        // What is written may be noticed before it is complete.
        while !text(&url, "/env")
            .await
            .contains(&format!("{file}={value}"))
        {
            wash.line("reloaded").await;
        }
    }
    let console = wash.console();
    assert!(!console.contains("nothing to reload"), "{console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn components_come_and_go() {
    let projects = Projects::copy("components", &["frontdoor", "greeter"]);
    let config = "frontdoor/.wash/config.yaml";
    let with = "name: frontdoor\ndev:\n  components: [{ name: greeter, path: ../greeter }]\n";
    projects.write(config, "name: frontdoor\n");
    let mut wash = Dev::on(&projects).spawn();
    wash.line("answers 503").await;

    projects.write(config, with);
    wash.line("component `greeter` added").await;
    let url = crate::wash::url_in(&wash.line("serving http://").await);
    assert_eq!(text(&url, "/Ann").await, "Hello, Ann!\n");

    projects.write(config, "name: frontdoor\n");
    wash.line("component `greeter` removed").await;
    wash.line("the previous version keeps serving").await;
    assert_eq!(text(&url, "/Ann").await, "Hello, Ann!\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_change_says_so() {
    let projects = Projects::copy("address", &["hello"]);
    projects.write("hello/.wash/config.yaml", "dev:\n  address: 127.0.0.1:0\n");
    let (mut wash, url) = Dev::without_address(&projects).serving().await;
    projects.replace("hello/.wash/config.yaml", "127.0.0.1:0", "127.0.0.1:1");
    let line = wash.line("config changed").await;
    assert!(
        line.contains("127.0.0.1:1") && line.contains("restart `wash dev`"),
        "{line}"
    );
    assert_eq!(text(&url, "/").await, "hello\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_build_command_takes_effect() {
    let projects = Projects::copy("command", &["hello"]);
    let (mut wash, _) = Dev::on(&projects).serving().await;
    let config = "build:\n  command: echo from the config; false\n  component_path: hello.wasm\n";
    projects.write("hello/.wash/config.yaml", config);
    wash.line("the build of `hello-command`").await;
    wash.line("from the config").await;
    wash.line("failed to build").await;
}
