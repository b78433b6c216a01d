//! A component of the project that comes from a registry.

use crate::client::text;
use crate::project::Projects;
use crate::registry::Registry;
use crate::wash::{Dev, wash};

/// Pushes the greeter, built.
fn push(projects: &Projects, reference: &str) {
    let output = wash()
        .args(["-C", "../greeter", "oci", "push", "--insecure", reference])
        .current_dir(projects.root())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}

fn config(projects: &Projects, reference: &str) {
    let text = format!(
        "name: frontdoor\ndev:\n  allow_insecure_registries: true\n  components:\n    - name: greeter\n      image: {reference}\n"
    );
    projects.write("frontdoor/.wash/config.yaml", &text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_linked_and_replaced_by_another() {
    let registry = Registry::start();
    let projects = Projects::copy("image", &["frontdoor", "greeter"]);
    let [first, second] = ["1", "2"].map(|tag| format!("{}/greeter:{tag}", registry.address()));
    push(&projects, &first);
    projects.replace("greeter/src/lib.rs", "\"Hello\"", "\"Good day\"");
    push(&projects, &second);

    config(&projects, &first);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/Ann").await, "Hello, Ann!\n");
    config(&projects, &second);
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/Ann").await, "Good day, Ann!\n");

    // One that is not there leaves what runs.
    config(&projects, &format!("{}/greeter:3", registry.address()));
    wash.line("no such repository, tag or digest (404)").await;
    assert_eq!(text(&url, "/Ann").await, "Good day, Ann!\n");
}
