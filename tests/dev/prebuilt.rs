//! Components that are there already.

use std::fs::{self, File};
use std::io::Write;
use std::time::Instant;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::client::{Client, text};
use crate::guests::A_WHILE;
use crate::project::Projects;
use crate::wash::{Dev, wash};

/// The component of `hello` with each of these greetings.
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
        build(&projects)
    })
}

/// The component of a project, built as a user would.
pub(crate) fn build(projects: &Projects) -> Vec<u8> {
    let mut command = wash();
    command
        .args(["build", "-o", "json", "-C"])
        .arg(projects.root());
    let output = command.output().unwrap();
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let path = result["data"]["path"].as_str();
    fs::read(path.unwrap_or_else(|| panic!("{result}"))).unwrap()
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
    wash.line("app failed to build").await;
    assert_eq!(text(&url, "/").await, "two\n");
    projects.write("app.wasm", &one);
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "one\n");

    projects.write("app.wasm", "not a component");
    wash.line("app failed to build").await;
    assert_eq!(text(&url, "/").await, "one\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sibling_may_be_a_file() {
    let greeter = Projects::copy("sibling-file", &["greeter"]);
    let formal = build(&greeter);
    greeter.replace("greeter/src/lib.rs", "\"Hello\"", "\"Hi\"");
    let casual = build(&greeter);

    let projects = Projects::copy("with-file", &["frontdoor"]);
    projects.write("frontdoor/lib/greeter.wasm", &formal);
    let config =
        "name: frontdoor\ndev:\n  components: [{ name: greeter, file: lib/greeter.wasm }]\n";
    projects.write("frontdoor/.wash/config.yaml", config);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/Ann").await, "Hello, Ann!\n");

    projects.write("frontdoor/lib/greeter.wasm", &casual);
    let line = wash.line("reloaded").await;
    assert!(
        line.contains("greeter") && !line.contains("frontdoor "),
        "{line}"
    );
    assert_eq!(text(&url, "/Ann").await, "Hi, Ann!\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_rewrites_its_sources_is_found_out() {
    let [component, _] = greeting("stamp", ["stamped", "unused"]);
    let projects = Projects::empty();
    projects.write("component.bin", component);
    projects.write("stamp.txt", "");
    // As long as a compiler takes: the change is noticed while the build runs, which is what makes it suspect.
    let command = "date +%s.%N > stamp.txt; sleep 1; cp component.bin app.wasm";
    let config =
        serde_json::json!({ "build": { "command": command, "component_path": "app.wasm" } });
    projects.write(".wash/config.json", config.to_string());
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let line = wash.line("changes with every build").await;
    assert!(line.contains("stamp.txt"), "{line}");
    assert_eq!(text(&url, "/").await, "stamped\n");
}

/// A component that traps before anything of it can be called.
fn trapping() -> Vec<u8> {
    let hello = include_str!("../../benches/hello/hello.wat").replace("LENGTH", "4");
    let trap = "(func $trap unreachable) (start $trap)";
    let mut module = wat::parse_str(format!("(module {hello} {trap})")).unwrap();
    let mut resolve = Resolve::default();
    let wit = include_str!("../../benches/hello/hello.wit");
    let package = resolve.push_str("hello.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("hello")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default().module(&module).unwrap();
    encoder.encode().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_at_the_start_leaves_the_old_version() {
    let [good, better] = greeting("start", ["good", "better"]);
    let projects = Projects::empty();
    projects.write("app.wasm", &good);
    let (mut wash, url) = Dev::on(&projects).arg("app.wasm").serving().await;

    projects.write("app.wasm", trapping());
    let line = wash.line("not started").await;
    assert!(line.contains("trapped"), "{line}");
    wash.line("the previous version keeps serving").await;
    assert_eq!(text(&url, "/").await, "good\n");

    projects.write("app.wasm", &better);
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "better\n");
}
