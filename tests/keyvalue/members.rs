//! Members with settings of their own, and capabilities that are switched off.

use crate::client::text;
use crate::project::Projects;
use crate::wash::Dev;

/// `visits`, and the `tally` that it imports, with these lines for the tally and for the project.
fn two(test: &str, of_tally: &str, rest: &str) -> Projects {
    let projects = Projects::copy(test, &["visits", "tally"]);
    projects.write(
        "visits/.wash/config.yaml",
        format!("name: visits\n{rest}dev:\n  components:\n    - name: tally\n      path: ../tally\n{of_tally}"),
    );
    projects
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_a_store_unless_they_are_told_apart() {
    let projects = two("kv-shared", "", "");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/a").await, "own 1, tally 2");
    assert_eq!(text(&url, "/a").await, "own 3, tally 4");

    let config = "name: visits\ndev:\n  components:\n    - name: tally\n      path: ../tally\n      keyvalue: { prefix: t- }\n";
    projects.write("visits/.wash/config.yaml", config);
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/a").await, "own 5, tally 1");

    let config = config.replace("{ prefix: t- }", "{ path: data }");
    projects.write("visits/.wash/config.yaml", config);
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/a").await, "own 6, tally 1");
    assert_eq!(text(&url, "/b").await, "own 1, tally 1");
    let count =
        |key: &str| std::fs::read_to_string(projects.path(&format!("visits/data/pages/{key}")));
    assert_eq!(count("a").unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_can_be_lent() {
    let projects = two("kv-lent", "      keyvalue: { buckets: [] }\n", "");
    let (_wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/lend/a").await, "lent 1");
    assert_eq!(text(&url, "/lend/a").await, "lent 2");
    // On its own account it may open none.
    let answer = text(&url, "/a").await;
    assert!(answer.contains("AccessDenied"), "{answer}");
    assert_eq!(text(&url, "/lend/a").await, "lent 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_listed_is_denied() {
    let projects = Projects::copy("kv-listed", &["ledger"]);
    projects.write(
        "ledger/.wash/config.yaml",
        "name: ledger\nworkload:\n  keyvalue: { buckets: [mine] }\n",
    );
    let (_wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/add/mine/n/1").await, "1");
    assert_eq!(text(&url, "/get/yours/n").await, "error: access-denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_is_not_there() {
    let projects = Projects::copy("kv-off", &["ledger"]);
    projects.write(
        "ledger/.wash/config.yaml",
        "name: ledger\ndev:\n  capabilities:\n    keyvalue: off\n",
    );
    let mut wash = Dev::on(&projects).spawn();
    wash.line("wasi:keyvalue/store@0.2.0-draft").await;
    let hint = wash.line("switched off").await;
    let expected = "`keyvalue` is switched off: `dev.capabilities.keyvalue` in";
    assert!(
        hint.contains(expected) && hint.contains(".wash/config.yaml:4"),
        "{hint}"
    );

    projects.write("ledger/.wash/config.yaml", "name: ledger\n");
    let line = wash.line("serving http://").await;
    let url = crate::wash::url_in(&line);
    assert_eq!(text(&url, "/add/b/n/1").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_make_no_sense_are_refused() {
    let projects = Projects::copy("kv-wrong", &["ledger"]);
    projects.write("ledger/file", "");
    projects.write(
        "ledger/.wash/config.yaml",
        "name: ledger\ndev:\n  wasi_keyvalue_path: file\n",
    );
    let (status, console) = Dev::on(&projects).spawn().end().await;
    assert_eq!(status.code(), Some(1), "{console}");
    let expected = "config.yaml:3: `dev.wasi_keyvalue_path`: expected a directory";
    assert!(console.contains(expected), "{console}");
}
