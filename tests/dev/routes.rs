//! Several components that answer requests, each its own.

use http::StatusCode;

use crate::client::{Client, get, text};
use crate::project::Projects;
use crate::wash::Dev;

const CONFIG: &str = "frontdoor/.wash/config.yaml";

/// The front door with the greeter behind it, and a workbench beside it.
fn three(test: &str, routes: &str) -> Projects {
    let projects = Projects::copy(test, &["frontdoor", "greeter", "workbench"]);
    projects.write(CONFIG, config(routes));
    projects
}

fn config(routes: &str) -> String {
    format!(
        "name: frontdoor\ndev:\n  routes: {routes}\n  components:\n    - {{ name: greeter, path: ../greeter }}\n    \
         - {{ name: workbench, path: ../workbench, environment: {{ COLOR: red }} }}\n"
    )
}

async fn at_host(url: &str, host: &str, path: &str) -> (StatusCode, String) {
    let client = Client::connect(url).await.unwrap();
    client.called(host).get(path).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_by_path_and_host() {
    let routes =
        "{ /: frontdoor, /env: workbench, /config: workbench, bench.localhost: workbench }";
    let projects = three("routes", routes);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/Ann").await, "Hello, Ann!\n");
    assert_eq!(text(&url, "/environment").await, "Hello, environment!\n");
    // Each has settings of its own.
    assert!(text(&url, "/env").await.contains("COLOR=red"));
    let (status, body) = at_host(&url, "Bench.localhost:80", "/Ann").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
    assert!(body.contains("src/lib.rs"), "{body}");

    // An edit reaches the entry that has the component.
    projects.replace("greeter/src/lib.rs", "\"Hello\"", "\"Good day\"");
    wash.line("reloaded greeter").await;
    assert_eq!(text(&url, "/Ann").await, "Good day, Ann!\n");
    assert!(text(&url, "/env").await.contains("COLOR=red"));

    // Routes change like everything in the config.
    projects.write(
        CONFIG,
        config("{ /env: workbench, bench.localhost: workbench }"),
    );
    wash.line("config changed: routes").await;
    wash.line("frontdoor is not used").await;
    wash.line("reloaded").await;
    let (status, page) = get(&url, "/Ann").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for part in ["/Ann", "  bench.localhost\n", "  /env\n"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(text(&url, "/env").await.contains("COLOR=red"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_must_be_said() {
    let projects = Projects::copy("who-answers", &["greeter", "hello", "workbench"]);
    let config = "name: greeter\ndev:\n  components: [{ name: hello, path: ../hello }, { name: workbench, path: ../workbench }]\n";
    projects.write("greeter/.wash/config.yaml", config);
    let mut wash = Dev::on(&projects).spawn();
    wash.line("both `hello` and `workbench` answer HTTP requests")
        .await;
    wash.line("answers 503").await;

    // As the hint has it.
    let console = wash.console();
    for line in ["dev:", "routes:", "/: hello", "/workbench: workbench"] {
        assert!(
            console.contains(&format!("  {line}\n")),
            "{line}: {console}"
        );
    }
    let routes = config.replace(
        "dev:\n",
        "dev:\n  routes:\n    /: hello\n    /workbench: workbench\n",
    );
    projects.write("greeter/.wash/config.yaml", routes);
    let url = crate::wash::url_in(&wash.line("serving http://").await);
    assert_eq!(text(&url, "/").await, "hello\n");
    assert_eq!(get(&url, "/workbench").await.0, StatusCode::NOT_FOUND);
}
