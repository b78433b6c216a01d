//! Imports that nobody provides, and going on without them.

use http::StatusCode;

use crate::client::get;
use crate::project::Projects;
use crate::wash::Dev;

/// The front door without the greeter that it imports.
fn alone(test: &str, config: &str) -> Projects {
    let projects = Projects::copy(test, &["frontdoor"]);
    projects.write(
        "frontdoor/.wash/config.yaml",
        format!("name: frontdoor\n{config}"),
    );
    projects
}

/// Whoever calls what is missing is told what it is; the session goes on.
async fn check(dev: Dev, why: &str) {
    let (mut wash, url) = dev.serving().await;
    for (path, function) in [("/Ann", "hello"), ("/many/Ann", "greeter.constructor")] {
        let told = format!("`frontdoor` called `{function}` of `demo:greet/greet@1.0.0`, {why}");
        let (status, page) = get(&url, path).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{page}");
        assert!(page.contains(&told), "{page}");
        wash.line(&told).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_traps_when_it_is_called() {
    let projects = alone("stub-missing", "");
    let dev = Dev::on(&projects).arg("--stub-missing");
    check(dev, "which has no provider").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wired_to_a_stub_traps_when_it_is_called() {
    let projects = alone("stub-wired", "imports:\n  demo:greet: stub\n");
    check(Dev::on(&projects), "which the config wires to a stub").await;
}
