//! Components that are there already.

use std::fs::{self, File};
use std::io::Write;
use std::process::Command;
use std::time::Instant;

use crate::client::{Client, text};
use crate::guests::A_WHILE;
use crate::project::Projects;
use crate::wash::Dev;

/// The component of `hello` with these greetings, built as a user would.
pub(crate) fn greeting(test: &str, greetings: [&str; 2]) -> [Vec<u8>; 2] {
    let projects = Projects::copy(test, &["hello"]);
    let mut before = "hello\"".to_string();
    greetings.map(|greeting| {
        let after = format!("{greeting}\"");
        projects.replace(
            "hello/src/lib.rs",
            &format!("= \"{before}"),
            &format!("= \"{after}"),
        );
        before = after;
        built(&projects)
    })
}

/// The component of a project.
pub(crate) fn built(projects: &Projects) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
    command
        .args(["build", "-o", "json", "-C"])
        .arg(projects.root());
    command.env("CARGO_TARGET_DIR", Dev::target_dir());
    let output = command.output().unwrap();
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let path = result["data"]["path"]
        .as_str()
        .unwrap_or_else(|| panic!("{result}"));
    fs::read(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_served_and_watched() {
    let [one, two] = greeting("file", ["one", "two"]);
    let projects = Projects::empty();
    projects.write("app.wasm", &one);
    let (mut wash, url) = Dev::on(&projects).arg("app.wasm").serving().await;
    assert_eq!(text(&url, "/").await, "one\n");

    // Written slowly: half of it is no component, and nobody is told so.
    let mut file = File::create(projects.path("app.wasm")).unwrap();
    file.write_all(&two[..two.len() / 2]).unwrap();
    let mut client = Client::connect(&url).await.unwrap();
    let begin = Instant::now();
    while begin.elapsed() < A_WHILE {
        assert_eq!(client.get("/").await.unwrap().1, "one\n");
    }
    file.write_all(&two[two.len() / 2..]).unwrap();
    drop(file);
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "two\n");
    assert!(!wash.console().contains("not built"), "{}", wash.console());

    fs::remove_file(projects.path("app.wasm")).unwrap();
    wash.line("app was not built").await;
    assert_eq!(text(&url, "/").await, "two\n");
    projects.write("app.wasm", &one);
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "one\n");

    projects.write("app.wasm", "not a component");
    wash.line("app was not built").await;
    assert_eq!(text(&url, "/").await, "one\n");
}
